#include "http/url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/error.h"

namespace hh::http {
namespace {

constexpr size_t max_url = 4096;

struct Free {
  void operator()(CURLU* u) const { curl_url_cleanup(u); }
};
using Handle = std::unique_ptr<CURLU, Free>;

std::optional<std::string> part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return std::nullopt;
  std::string out(text);
  curl_free(text);
  return out;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::string_view without_dot(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : '[' + host + ']'; }

}  // namespace

std::string Url::origin() const { return fmt::format("{}://{}:{}", scheme, bracketed(host), port); }
std::string Url::without_query() const { return origin() + path; }
std::string Url::text() const { return query.empty() ? without_query() : without_query() + '?' + query; }

std::optional<Url> parse_url(std::string_view text) {
  if (text.size() > max_url || !is_printable(text)) return std::nullopt;
  const size_t host_at = text.find("://") + 3;
  if (host_at < 3 || host_at >= text.size() || text[host_at] == '/') return std::nullopt;  // libcurl would take http:///x for host x
  const Handle handle(curl_url());
  if (!handle || curl_url_set(handle.get(), CURLUPART_URL, std::string(text).c_str(), 0) != CURLUE_OK) return std::nullopt;
  for (const CURLUPart unwanted : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_FRAGMENT, CURLUPART_ZONEID})
    if (part(handle.get(), unwanted)) return std::nullopt;

  Url url;
  url.scheme = part(handle.get(), CURLUPART_SCHEME).value_or("");
  if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
  url.host = lower(part(handle.get(), CURLUPART_HOST).value_or(""));
  if (url.host.starts_with('[')) url.host = url.host.substr(1, url.host.size() - 2);
  if (without_dot(url.host).empty()) return std::nullopt;
  url.port_given = part(handle.get(), CURLUPART_PORT).has_value();
  const std::string port = part(handle.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("");
  if (std::from_chars(port.data(), port.data() + port.size(), url.port).ec != std::errc() || url.port == 0) return std::nullopt;
  url.path = part(handle.get(), CURLUPART_PATH).value_or("/");
  url.query = part(handle.get(), CURLUPART_QUERY).value_or("");
  return url;
}

bool is_loopback(std::string_view host) {
  host = without_dot(host);
  return host == "localhost" || host.ends_with(".localhost") || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

bool is_onion(std::string_view host) { return without_dot(host).ends_with(".onion"); }

Url check_lnurl(std::string_view text, std::string_view what, bool allow_loopback) {
  const auto url = parse_url(text);
  if (!url) throw Error(Exit::data, fmt::format("{} is no http or https URL", what));
  if (is_loopback(url->host)) {
    if (!allow_loopback) throw Error(Exit::data, fmt::format("{} points to this machine ({})", what, url->host));
    return *url;
  }
  if (url->scheme != "https" && !is_onion(url->host)) throw Error(Exit::data, fmt::format("{} is not https ({})", what, url->origin()));
  return *url;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (unreserved.find(c) != std::string_view::npos)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

std::string with_parameter(std::string_view url, std::string_view name, std::string_view value) {
  const char* separator = url.find('?') == std::string_view::npos ? "?" : url.ends_with('?') || url.ends_with('&') ? "" : "&";
  return fmt::format("{}{}{}={}", url, separator, percent_encode(name), percent_encode(value));
}

}  // namespace hh::http
