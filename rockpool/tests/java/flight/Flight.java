import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Runs statements over Arrow's JDBC driver. Arguments: port, user, password, statements; a line per row. */
public final class Flight {
  public static void main(String[] arguments) throws Exception {
    String url = "jdbc:arrow-flight-sql://127.0.0.1:" + arguments[0]
        + "?useEncryption=false&useServerPrepStmts=false&useSSL=false&useArrowFlightSql=true";
    try (Connection connection = DriverManager.getConnection(url, arguments[1], arguments[2]);
        Statement statement = connection.createStatement()) {
      for (int n = 3; n < arguments.length; n++) {
        run(statement, arguments[n]);
      }
    }
  }

  private static void run(Statement statement, String sql) {
    try (ResultSet rows = statement.executeQuery(sql)) {
      while (rows.next()) {
        StringBuilder line = new StringBuilder("row");
        for (int n = 1; n <= rows.getMetaData().getColumnCount(); n++) {
          line.append('|').append(rows.getString(n));
        }
        System.out.println(line);
      }
    } catch (SQLException failed) {
      System.out.println("failed " + failed.getMessage());
    }
  }
}
