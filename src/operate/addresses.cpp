#include "operate/addresses.h"

namespace walrock {

namespace {

std::string sslmode_of(TlsMode mode) {
  switch (mode) {
  case TlsMode::disable: return "disable";
  case TlsMode::allow: return "allow";
  case TlsMode::prefer: return "prefer";
  case TlsMode::require: return "require";
  case TlsMode::verify_ca: return "verify-ca";
  case TlsMode::verify_full: return "verify-full";
  }
  return {};
}

std::string attrs_of(SessionAttrs attrs) {
  switch (attrs) {
  case SessionAttrs::any: return "any";
  case SessionAttrs::read_write: return "read-write";
  case SessionAttrs::read_only: return "read-only";
  case SessionAttrs::primary: return "primary";
  case SessionAttrs::standby: return "standby";
  }
  return {};
}

TargetAddress address_of(TargetSpec const& target, std::vector<HostPort> const& fe_nodes,
                         std::string const& username, Secret const& password) {
  TargetAddress out;
  for (HostPort const& fe : fe_nodes)
    out.frontends.push_back({fe.host, fe.port});
  out.uses_https = target.uses_https;
  out.mysql_port = target.mysql_port;
  if (fe_nodes == target.fe_nodes) // of other frontends for DDL the ports are not known
    for (HostPort const& node : target.sql_nodes)
      out.sql_nodes.push_back({node.host, node.port});
  out.username = username;
  out.password = password;
  out.backend_hosts = target.backend_hosts;
  TlsMode const mode = target.tls.mode;
  out.tls.enabled = mode != TlsMode::disable;
  out.tls.verify = mode == TlsMode::verify_ca || mode == TlsMode::verify_full;
  out.tls.ca_file = target.tls.ca_file;
  out.tls.certificate_file = target.tls.certificate_file;
  out.tls.key_file = target.tls.key_file;
  out.connect_timeout = target.connect_timeout;
  return out;
}

} // namespace

SourceAddress source_address(JobSpec const& job) {
  SourceSpec const& source = job.source;
  SourceAddress out;
  for (HostPort const& host : source.hosts)
    out.hosts.push_back({host.host, host.port});
  if (source.session_attrs)
    out.session_attrs = attrs_of(*source.session_attrs);
  out.username = source.username;
  out.password = source.password;
  out.database = source.database;
  out.sslmode = sslmode_of(source.tls.mode);
  out.sslrootcert = source.tls.ca_file;
  out.sslcert = source.tls.certificate_file;
  out.sslkey = source.tls.key_file;
  out.connect_timeout = source.connect_timeout;
  out.time_zone = job.target.time_zone;
  out.message_limit = job.engine.memory / 3;
  // Shown in pg_stat_activity, so that an operator knows whose connections these are.
  out.application_name = "walrock " + job.id;
  return out;
}

TargetAddress target_address(JobSpec const& job) {
  return address_of(job.target, job.target.fe_nodes, job.target.username, job.target.password);
}

TargetAddress ddl_address(JobSpec const& job) {
  TargetSpec const& target = job.target;
  return address_of(target, target.ddl_fe_nodes, target.ddl_username, target.ddl_password);
}

} // namespace walrock
