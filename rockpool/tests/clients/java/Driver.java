import java.math.BigDecimal;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What programs do through a JDBC driver. Arguments: the URL, then the names of the parts. Prints "name=value" lines. */
public class Driver {
  private final Connection connection;
  private final String url;

  private Driver(String url) throws SQLException {
    this.url = url;
    connection = DriverManager.getConnection(url, "root", "");
  }

  public static void main(String[] args) throws Exception {
    Driver driver = new Driver(args[0]);
    for (String part : Arrays.asList(args).subList(1, args.length)) {
      Driver.class.getDeclaredMethod(part).invoke(driver);
    }
    driver.connection.close();
  }

  private static void say(String name, Object value) {
    System.out.println(name + "=" + value);
  }

  private static String rows(ResultSet found) throws SQLException {
    List<String> lines = new ArrayList<>();
    int width = found.getMetaData().getColumnCount();
    while (found.next()) {
      List<String> values = new ArrayList<>();
      for (int n = 1; n <= width; n++) {
        values.add(String.valueOf(found.getObject(n)));
      }
      lines.add(String.join("|", values));
    }
    found.close();
    return String.join(";", lines);
  }

  private static String names(ResultSet found, String... columns) throws SQLException {
    List<String> lines = new ArrayList<>();
    while (found.next()) {
      List<String> values = new ArrayList<>();
      for (String column : columns) {
        values.add(String.valueOf(found.getString(column)));
      }
      lines.add(String.join("|", values));
    }
    return String.join(";", lines);
  }

  void metadata() throws SQLException {
    DatabaseMetaData all = connection.getMetaData();
    String database = connection.getCatalog();
    say("product", all.getDatabaseProductVersion());
    say("tables", names(all.getTables(database, null, "%", new String[] {"TABLE"}), "TABLE_NAME", "TABLE_TYPE"));
    say("views", names(all.getTables(database, null, "%", new String[] {"VIEW"}), "TABLE_NAME", "TABLE_TYPE"));
    say("columns", names(all.getColumns(database, null, "t", "%"), "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "COLUMN_SIZE",
                         "DECIMAL_DIGITS", "NULLABLE", "ORDINAL_POSITION", "REMARKS"));
    say("keys", names(all.getPrimaryKeys(database, null, "t"), "COLUMN_NAME", "KEY_SEQ"));
    say("indexes", names(all.getIndexInfo(database, null, "t", true, false), "COLUMN_NAME"));
    say("catalogs", names(all.getCatalogs(), "TABLE_CAT"));
    say("types", names(all.getTableTypes(), "TABLE_TYPE"));
    say("transactions", all.supportsTransactions());
  }

  void types() throws SQLException {
    try (Statement statement = connection.createStatement();
         ResultSet found = statement.executeQuery("SELECT * FROM t ORDER BY id")) {
      typed("text", found);
    }
  }

  void serverPrepared() throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM t WHERE id >= ? ORDER BY id")) {
      say("class", statement.getClass().getSimpleName());
      for (int time = 0; time < 2; time++) {
        statement.setInt(1, 1);
        try (ResultSet found = statement.executeQuery()) {
          typed("prepared" + time, found);
        }
      }
    }
  }

  private void typed(String name, ResultSet found) throws SQLException {
    ResultSetMetaData shape = found.getMetaData();
    List<String> classes = new ArrayList<>();
    for (int n = 1; n <= shape.getColumnCount(); n++) {
      classes.add(shape.getColumnName(n) + ":" + shape.getColumnTypeName(n) + ":" + shape.getColumnType(n));
    }
    say(name + ".shape", String.join(",", classes));
    found.next();
    say(name + ".boolean", found.getBoolean("b"));
    say(name + ".long", found.getLong("n"));
    say(name + ".large", found.getString("l"));
    say(name + ".largeDecimal", found.getBigDecimal("l"));
    say(name + ".decimal", found.getBigDecimal("m"));
    say(name + ".double", found.getDouble("d"));
    say(name + ".float", found.getFloat("f"));
    say(name + ".date", found.getDate("day"));
    say(name + ".timestamp", found.getTimestamp("at"));
    say(name + ".local", found.getObject("at", LocalDateTime.class));
    say(name + ".string", found.getString("s"));
    say(name + ".json", found.getString("j"));
    say(name + ".array", found.getString("a"));
    say(name + ".bytes", Arrays.toString(found.getBytes("v")));
    found.next();
    say(name + ".null", found.getBigDecimal("m") + "," + found.getTimestamp("at") + "," + found.getString("s") + ","
        + found.getInt("n") + "," + found.wasNull());
    say(name + ".more", found.next());
  }

  void parameters() throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement("SELECT ?, ?, ?, ?, ?, ?, ?, ?")) {
      statement.setInt(1, -5);
      statement.setLong(2, Long.MAX_VALUE);
      statement.setBigDecimal(3, new BigDecimal("12.50"));
      statement.setString(4, "it's \\ \"x\" \u00fc?");
      statement.setDate(5, Date.valueOf("2024-02-03"));
      statement.setTimestamp(6, Timestamp.valueOf("2024-02-03 04:05:06.5"));
      statement.setNull(7, Types.VARCHAR);
      statement.setDouble(8, 0.1);
      say("parameters", rows(statement.executeQuery()));
    }
  }

  void writes() throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE IF EXISTS w");
      statement.execute("CREATE TABLE w (id INT NOT NULL, s VARCHAR(20), m DECIMAL(10,2), at DATETIME) PRIMARY KEY(id) "
          + "DISTRIBUTED BY HASH(id) BUCKETS 1 PROPERTIES('replication_num'='1')");
      say("inserted", statement.executeUpdate("INSERT INTO w VALUES (1, 'a', 1.5, NULL), (2, 'b', 2.5, '2024-01-02 03:04:05')"));
    }
    try (PreparedStatement statement = connection.prepareStatement("INSERT INTO w (id, s, m, at) VALUES (?, ?, ?, ?)")) {
      for (int n = 10; n < 20; n++) {
        statement.setInt(1, n);
        statement.setString(2, "it's " + n);
        statement.setBigDecimal(3, new BigDecimal(n).movePointLeft(1));
        statement.setTimestamp(4, n % 2 == 0 ? null : Timestamp.valueOf("2024-01-02 03:04:05"));
        statement.addBatch();
      }
      say("batch", statement.executeBatch().length);
    }
    try (Statement statement = connection.createStatement()) {
      say("updated", statement.executeUpdate("UPDATE w SET s = 'new' WHERE id < 3"));
      say("deleted", statement.executeUpdate("DELETE FROM w WHERE id = 2"));
      say("written", rows(statement.executeQuery("SELECT count(*), max(m), min(s) FROM w")));
    }
  }

  void streaming() throws SQLException {
    try (Statement statement = connection.createStatement(ResultSet.TYPE_FORWARD_ONLY, ResultSet.CONCUR_READ_ONLY)) {
      statement.setFetchSize(url.startsWith("jdbc:mariadb") ? 1 : Integer.MIN_VALUE);
      long sum = 0;
      try (ResultSet found = statement.executeQuery("SELECT a.n * 100 + b.n FROM n AS a CROSS JOIN n AS b")) {
        while (found.next()) {
          sum += found.getLong(1);
        }
      }
      say("streamed", sum);
    }
    try (PreparedStatement statement = connection.prepareStatement("SELECT a.n FROM n AS a CROSS JOIN n AS b WHERE b.n < ?")) {
      statement.setFetchSize(100);
      statement.setInt(1, 10);
      long count = 0;
      try (ResultSet found = statement.executeQuery()) {
        while (found.next()) {
          count++;
        }
      }
      say("fetched", count);
    }
  }

  void transactions() throws SQLException {
    say("autocommit", connection.getAutoCommit());
    connection.setAutoCommit(false);
    say("manual", connection.getAutoCommit());
    connection.commit();
    connection.rollback();
    connection.setAutoCommit(true);
    connection.setReadOnly(false);
    say("isolation", connection.getTransactionIsolation());
    try (Statement statement = connection.createStatement()) {
      statement.execute("BEGIN");
      statement.execute("INSERT INTO w VALUES (100, 'tx', 1, NULL)");
      try (Connection other = DriverManager.getConnection(url, "root", ""); Statement elsewhere = other.createStatement()) {
        say("before", rows(elsewhere.executeQuery("SELECT count(*) FROM w WHERE id = 100")));
      }
      statement.execute("COMMIT");
      say("after", rows(statement.executeQuery("SELECT count(*) FROM w WHERE id = 100")));
    }
  }

  void pool() throws SQLException {
    say("valid", connection.isValid(2));
    List<Connection> held = new ArrayList<>();
    for (int n = 0; n < 8; n++) {
      held.add(DriverManager.getConnection(url, "root", ""));
    }
    for (Connection one : held) {
      one.createStatement().execute("/* ping */ SELECT 1");
      one.close();
    }
    say("closed", held.get(0).isClosed());
    String database = connection.getCatalog();
    connection.setCatalog("information_schema");
    say("catalog", connection.getCatalog());
    connection.setCatalog(database);
  }

  void errors() throws SQLException {
    for (String text : new String[] {"SELECT * FROM ghost", "SELEC 1", "USE nowhere", "SET no_such = 1"}) {
      try (Statement statement = connection.createStatement()) {
        statement.execute(text);
      } catch (SQLException e) {
        say(text, e.getErrorCode() + " " + e.getSQLState());
      }
    }
  }

  void secure() throws SQLException {
    try (Statement statement = connection.createStatement()) {
      say("secure", rows(statement.executeQuery("SELECT 'over TLS'")));
    }
  }
}
