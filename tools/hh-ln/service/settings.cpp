#include "service/settings.h"

namespace hh::ln {

std::vector<Setting> service_settings() {
  return {{"inbox", "", Kind::text, "serve: folder that is watched for signed manifests"},
          {"retry_seconds", "30", Kind::integer, "serve: pause before lines that failed are tried again; doubles", false, 1, 86'400},
          {"retry_most_seconds", "3600", Kind::integer, "… up to this", false, 1, 604'800},
          {"control", "", Kind::text, "control socket of serve (default: the journal's name with .control; off: none)"},
          {"access", "", Kind::text, "tokens of the HTTPS interface (default: the journal's name with .access)"},
          {"http", "", Kind::text, "serve: address:port for /metrics and /healthz"},
          {"api.listen", "", Kind::text, "serve: address:port for the HTTPS interface"},
          {"api.tls_certificate", "", Kind::text, "its certificate, PEM"},
          {"api.tls_key", "", Kind::text, "secret: file, credential:NAME or exec:COMMAND with its key, PEM", true},
          {"api.client_ca", "", Kind::text, "authorities that vouch for clients which may send manifests, PEM"},
          {"api.client_required", "false", Kind::boolean, "every client must show a certificate"},
          {"api.most_body_bytes", "16777216", Kind::integer, "largest manifest", false, 1024, 67'108'864},
          {"api.most_connections", "128", Kind::integer, "connections at a time", false, 1, 10'000},
          {"api.requests_per_minute", "600", Kind::integer, "of one address; 0: no limit", false, 0, 1'000'000},
          {"api.token_requests_per_minute", "240", Kind::integer, "of one token; 0: no limit", false, 0, 1'000'000},
          {"report.key", "", Kind::text, "secret: file, credential:NAME or exec:COMMAND with the key that signs reports, PEM", true},
          {"source.url", "", Kind::text, "serve: address from which signed manifests are fetched"},
          {"source.every_seconds", "60", Kind::integer, "how often", false, 1, 86'400},
          {"source.ca", "", Kind::text, "authorities that vouch for it, PEM (default: the system's)"},
          {"source.certificate", "", Kind::text, "our certificate for it, PEM"},
          {"source.key", "", Kind::text, "file with the key of that, PEM", true}};
}

std::string control_path(const Settings& s) { return s.is_set("control") ? s.text("control") : s.required("db") + ".control"; }
std::string access_path(const Settings& s) { return s.is_set("access") ? s.text("access") : s.required("db") + ".access"; }

}  // namespace hh::ln
