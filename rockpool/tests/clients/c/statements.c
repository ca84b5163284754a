/* Prepared statements through libmariadb. Arguments: port, database, then "ca FILE" for TLS. Prints "name=value" lines. */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 13
#define TEXT 200

static void fail(char const* what, char const* why) {
  printf("%s failed: %s\n", what, why);
  exit(1);
}

static MYSQL* connected(char** argv, int argc) {
  MYSQL* connection = mysql_init(NULL);
  if (argc > 4) {
    my_bool verify = 1;
    mysql_options(connection, MYSQL_OPT_SSL_CA, argv[4]);
    mysql_options(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
  }
  if (!mysql_real_connect(connection, "127.0.0.1", "root", "", argv[2], (unsigned)atoi(argv[1]), NULL, 0))
    fail("connect", mysql_error(connection));
  return connection;
}

static MYSQL_STMT* prepared(MYSQL* connection, char const* text) {
  MYSQL_STMT* statement = mysql_stmt_init(connection);
  if (mysql_stmt_prepare(statement, text, strlen(text))) fail(text, mysql_stmt_error(statement));
  return statement;
}

static void execute(MYSQL_STMT* statement) {
  if (mysql_stmt_execute(statement)) fail("execute", mysql_stmt_error(statement));
}

/* Every column as text: libmariadb converts from the binary row. */
static void print_rows(char const* name, MYSQL_STMT* statement, int stored) {
  static char values[COLUMNS][TEXT];
  unsigned long lengths[COLUMNS];
  my_bool nulls[COLUMNS];
  MYSQL_BIND out[COLUMNS];
  unsigned count = mysql_stmt_field_count(statement);
  memset(out, 0, sizeof out);
  for (unsigned n = 0; n < count; n++) {
    out[n].buffer_type = MYSQL_TYPE_STRING;
    out[n].buffer = values[n];
    out[n].buffer_length = TEXT;
    out[n].length = &lengths[n];
    out[n].is_null = &nulls[n];
  }
  if (mysql_stmt_bind_result(statement, out)) fail("bind_result", mysql_stmt_error(statement));
  if (stored && mysql_stmt_store_result(statement)) fail("store_result", mysql_stmt_error(statement));
  printf("%s=", name);
  int status;
  while ((status = mysql_stmt_fetch(statement)) == 0) {
    for (unsigned n = 0; n < count; n++)
      printf("%s%.*s", n ? "|" : "", nulls[n] ? 4 : (int)lengths[n], nulls[n] ? "NULL" : values[n]);
    printf(";");
  }
  if (status != MYSQL_NO_DATA) fail("fetch", mysql_stmt_error(statement));
  printf("\n");
  mysql_stmt_free_result(statement);
}

static void all_types(MYSQL* connection) {
  MYSQL_STMT* statement = prepared(connection, "SELECT id, b, n, l, m, d, f, day, at, s, j, a FROM t WHERE id >= ? ORDER BY id");
  int from = 1;
  MYSQL_BIND in = {0};
  in.buffer_type = MYSQL_TYPE_LONG;
  in.buffer = &from;
  mysql_stmt_bind_param(statement, &in);
  for (int time = 0; time < 3; time++) {
    execute(statement);
    char name[20];
    snprintf(name, sizeof name, "rows%d", time);
    print_rows(name, statement, time == 1);
    from = time + 1;
  }
  mysql_stmt_close(statement);
}

/* The same row in variables of the columns' own types. */
static void own_types(MYSQL* connection) {
  MYSQL_STMT* statement = prepared(connection, "SELECT id, b, n, d, f, day, at FROM t WHERE id = 1");
  int id;
  signed char b;
  long long n;
  double d;
  float f;
  MYSQL_TIME day, at;
  MYSQL_BIND out[7];
  memset(out, 0, sizeof out);
  void* places[] = {&id, &b, &n, &d, &f, &day, &at};
  enum enum_field_types kinds[] = {MYSQL_TYPE_LONG,  MYSQL_TYPE_TINY, MYSQL_TYPE_LONGLONG, MYSQL_TYPE_DOUBLE,
                                   MYSQL_TYPE_FLOAT, MYSQL_TYPE_DATE, MYSQL_TYPE_DATETIME};
  for (int k = 0; k < 7; k++) {
    out[k].buffer_type = kinds[k];
    out[k].buffer = places[k];
  }
  execute(statement);
  mysql_stmt_bind_result(statement, out);
  if (mysql_stmt_fetch(statement)) fail("fetch", mysql_stmt_error(statement));
  printf("own=%d %d %lld %g %g %u-%u-%u %u-%u-%u %u:%u:%u.%06lu\n", id, b, n, d, f, day.year, day.month, day.day, at.year,
         at.month, at.day, at.hour, at.minute, at.second, at.second_part);
  mysql_stmt_close(statement);
}

static void all_parameters(MYSQL* connection) {
  MYSQL_STMT* statement = prepared(connection, "SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?");
  printf("marks=%lu\n", mysql_stmt_param_count(statement));
  signed char tiny = -7;
  unsigned char positive = 250;
  short small = -300;
  int medium = 70000;
  long long big = -9007199254740993LL;
  float single = 1.5F;
  double twice = 0.1;
  char text[] = "it's \\ \"x\"?";
  unsigned long length = strlen(text);
  MYSQL_TIME day = {2024, 2, 3, 0, 0, 0, 0, 0, MYSQL_TIMESTAMP_DATE};
  MYSQL_TIME at = {2024, 2, 3, 4, 5, 6, 7, 0, MYSQL_TIMESTAMP_DATETIME};
  my_bool absent = 1;
  MYSQL_BIND in[11];
  memset(in, 0, sizeof in);
  void* places[] = {&tiny, &positive, &small, &medium, &big, &single, &twice, text, &day, &at, NULL};
  enum enum_field_types kinds[] = {MYSQL_TYPE_TINY,  MYSQL_TYPE_TINY,   MYSQL_TYPE_SHORT,  MYSQL_TYPE_LONG,
                                   MYSQL_TYPE_LONGLONG, MYSQL_TYPE_FLOAT, MYSQL_TYPE_DOUBLE, MYSQL_TYPE_STRING,
                                   MYSQL_TYPE_DATE,  MYSQL_TYPE_DATETIME, MYSQL_TYPE_STRING};
  for (int k = 0; k < 11; k++) {
    in[k].buffer_type = kinds[k];
    in[k].buffer = places[k];
  }
  in[1].is_unsigned = 1;
  in[7].length = &length;
  in[7].buffer_length = length;
  in[10].is_null = &absent;
  for (int time = 0; time < 2; time++) {
    if (mysql_stmt_bind_param(statement, in)) fail("bind_param", mysql_stmt_error(statement));
    execute(statement);
    print_rows(time ? "again" : "parameters", statement, 1);
    tiny++;
  }
  mysql_stmt_close(statement);
}

/* A read-only cursor, on a connection of its own: the server has none and sends all rows, which libmariadb does not expect. */
static void cursor(MYSQL* connection) {
  MYSQL_STMT* statement = prepared(connection, "SELECT n FROM n");
  unsigned long kind = CURSOR_TYPE_READ_ONLY;
  mysql_stmt_attr_set(statement, STMT_ATTR_CURSOR_TYPE, &kind);
  printf("cursor=%d %s\n", mysql_stmt_execute(statement), mysql_stmt_error(statement));
  mysql_close(connection);
}

static void refused(MYSQL* connection) {
  char const* texts[] = {"INSERT INTO n VALUES (?)", "SELECT * FROM ghost WHERE id = ?", "SELECT ? FROM"};
  for (int k = 0; k < 3; k++) {
    MYSQL_STMT* statement = mysql_stmt_init(connection);
    int found = mysql_stmt_prepare(statement, texts[k], strlen(texts[k]));
    printf("refused%d=%d %u %s %s\n", k, found, mysql_stmt_errno(statement), mysql_stmt_sqlstate(statement),
           mysql_stmt_error(statement));
    mysql_stmt_close(statement);
  }
  MYSQL_STMT* statement = prepared(connection, "SELECT ?");
  MYSQL_BIND in = {0};
  in.buffer_type = MYSQL_TYPE_STRING;
  mysql_stmt_bind_param(statement, &in);
  mysql_stmt_send_long_data(statement, 0, "piece", 5);
  int found = mysql_stmt_execute(statement);
  printf("long=%d %s\n", found, mysql_stmt_error(statement));
  mysql_stmt_close(statement);
}

static void commands(MYSQL* connection, char** argv) {
  printf("ping=%d\n", mysql_ping(connection));
  printf("stat=%s\n", mysql_stat(connection) ? mysql_stat(connection) : mysql_error(connection));
  printf("select_db=%d\n", mysql_select_db(connection, "nowhere"));
  printf("select_db_error=%u %s\n", mysql_errno(connection), mysql_error(connection));
  printf("change_user=%d\n", mysql_change_user(connection, "nobody", "x", NULL));
  printf("change_user_error=%u %s\n", mysql_errno(connection), mysql_error(connection));
  printf("change_user_again=%d\n", mysql_change_user(connection, "root", "", argv[2]));
  printf("reset=%d\n", mysql_reset_connection(connection));
  printf("option=%d\n", mysql_set_server_option(connection, MYSQL_OPTION_MULTI_STATEMENTS_ON));
  MYSQL_RES* fields = mysql_list_fields(connection, "t", NULL);
  if (!fields) fail("list_fields", mysql_error(connection));
  MYSQL_FIELD* first = mysql_fetch_field(fields);
  printf("fields=%u %s %s %s\n", mysql_num_fields(fields), first->db, first->table, first->name);
  mysql_free_result(fields);
  if (mysql_query(connection, "SELECT 1; SELECT 'a;b'; SELECT 3")) fail("several", mysql_error(connection));
  printf("several=");
  do {
    MYSQL_RES* found = mysql_store_result(connection);
    printf("%s,", mysql_fetch_row(found)[0]);
    mysql_free_result(found);
  } while (mysql_next_result(connection) == 0);
  printf("\n");
}

int main(int argc, char** argv) {
  MYSQL* connection = connected(argv, argc);
  char const* cipher = mysql_get_ssl_cipher(connection);
  printf("tls=%s\n", cipher ? "yes" : "no");
  printf("server=%s\n", mysql_get_server_info(connection));
  all_types(connection);
  own_types(connection);
  all_parameters(connection);
  commands(connection, argv);
  refused(connection);
  mysql_close(connection);
  cursor(connected(argv, argc));
  return 0;
}
