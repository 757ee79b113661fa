#include "service/source.h"

#include <algorithm>

#include "base/log.h"
#include "http/url.h"

namespace hh::ln {
namespace {

constexpr int64_t first_pause_ms = 5000, longest_pause_ms = 600'000;
constexpr size_t most_told = 10'000;

}  // namespace

Source::Source(const Settings& s, Desk& desk) : desk_(desk), every_ms_(s.integer("source.every_seconds") * 1000) {
  request_.url = s.text("source.url");
  request_.repeatable = true;
  request_.max_response = payout::max_manifest_line;
  request_.tls = {.ca_file = s.text("source.ca"), .client_cert_file = s.text("source.certificate"), .client_key_file = s.text("source.key")};
  const auto url = http::parse_url(request_.url);
  if (!url) throw Error(Exit::config, "source.url is no http or https address");
  if (url->scheme != "https" && !http::is_loopback(url->host)) throw Error(Exit::config, "source.url must start with https://");
  thread_ = std::thread([this] { run(); });
}

Source::~Source() {
  stopping_ = true;
  client_.abort();
  thread_.join();
}

void Source::run() {
  for (int64_t failures = 0; !stopping_;) {
    int64_t pause = every_ms_;
    try {
      failures = fetch() ? 0 : failures + 1;
    } catch (const Error& e) {  // a certificate that cannot be read, a journal that is busy
      ++failures;
      log::error("source_failed", {{"reason", e.what()}});
    }
    if (failures > 0) {
      ++desk_.counters.source_failures;
      pause = std::min(longest_pause_ms, std::min(first_pause_ms, every_ms_) << std::min<int64_t>(failures - 1, 10));
    }
    client_.pause(pause);
  }
}

bool Source::fetch() {
  http::Request request = request_;
  if (!etag_.empty()) request.headers.emplace_back("If-None-Match", etag_);
  const http::Result result = client_.send(request);
  if (stopping_) return true;
  if (result.outcome == http::Outcome::ok && result.response.status == 304) return true;
  if (!result.is_success()) {
    log::warn("source_away", {{"reason", result.outcome == http::Outcome::ok ? "HTTP status " + std::to_string(result.response.status) : result.error}});
    return false;
  }
  std::string_view text = result.response.body;
  bool all = true;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const size_t line = std::hash<std::string_view>{}(text.substr(0, end));
    const bool is_told = told_.contains(line);  // it is tried at every poll, since another key may be trusted by then, and told and counted once
    try {
      if (end > 0) desk_.take_manifest(text.substr(0, end), true, !is_told);
    } catch (const Desk::Refused& e) {
      all = false;
      if (told_.size() > most_told) told_.clear();
      told_.insert(line);
      if (!is_told) log::error("manifest_refused", {{"source", request_.url}, {"reason", e.what()}});
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  etag_ = all ? std::string(result.response.header("etag")) : "";
  return true;
}

}  // namespace hh::ln
