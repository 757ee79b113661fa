#include "http/route.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hex.h"
#include "json/strict.h"

namespace hh::http {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_text(const std::string& s) {
  if (std::any_of(s.begin(), s.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; })) return false;
  return json::clean_text(s, s.size()) == s;  // UTF-8
}

// plus_is_space: in queries, as forms send them.
std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f || c == '#') return {};
    if (c == '%') {
      if (i + 2 >= text.size() || hex_value(text[i + 1]) < 0 || hex_value(text[i + 2]) < 0) return {};
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += c == '+' && plus_is_space ? ' ' : c;
    }
  }
  if (!is_text(out)) return {};
  return out;
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  for (size_t start = 0;;) {
    const size_t end = text.find(by, start);
    out.push_back(text.substr(start, end == std::string_view::npos ? end : end - start));
    if (end == std::string_view::npos) return out;
    start = end + 1;
  }
}

bool is_variable(const std::string& segment) { return segment.starts_with('{'); }

bool matches(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return false;
  for (size_t i = 0; i < path.size(); ++i)
    if (is_variable(pattern[i]) ? path[i].empty() : pattern[i] != path[i]) return false;
  return true;
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
  if (!text.starts_with('/')) return {};
  const size_t mark = text.find('?');
  Target out;
  for (const std::string_view piece : split(text.substr(1, mark == std::string_view::npos ? mark : mark - 1), '/')) {
    auto segment = decode(piece, false);
    if (!segment) return {};
    out.path.push_back(std::move(*segment));
  }
  if (mark == std::string_view::npos || mark + 1 == text.size()) return out;
  for (const std::string_view piece : split(text.substr(mark + 1), '&')) {
    const size_t equals = piece.find('=');
    auto name = decode(piece.substr(0, equals), true), value = decode(equals == std::string_view::npos ? "" : piece.substr(equals + 1), true);
    if (!name || !value || name->empty() || !out.query.emplace(std::move(*name), std::move(*value)).second) return {};
  }
  return out;
}

std::optional<int64_t> parse_number(std::string_view text, int64_t most) {
  if (text.empty() || text.size() > 18 || (text.size() > 1 && text[0] == '0')) return {};
  int64_t out = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return {};
    out = out * 10 + (c - '0');
  }
  if (out > most) return {};
  return out;
}

void Router::on(const std::string& method, const std::string& pattern, Handle handle, std::set<std::string> query) {
  std::vector<std::string> segments;
  for (const std::string_view piece : split(std::string_view(pattern).substr(1), '/')) segments.emplace_back(piece);
  routes_.push_back({method, pattern, std::move(segments), std::move(query), std::move(handle)});
  std::stable_sort(routes_.begin(), routes_.end(), [](const Route& a, const Route& b) {
    return std::count_if(a.segments.begin(), a.segments.end(), is_variable) < std::count_if(b.segments.begin(), b.segments.end(), is_variable);
  });
}

ApiResponse Router::answer(const ApiRequest& request) const try {
  auto target = parse_target(request.target);
  if (!target) throw HttpError(400, "the request's target is malformed");
  std::string allowed;
  for (const Route& route : routes_) {
    if (!matches(route.segments, target->path)) continue;
    if (route.method != request.method) {
      if (allowed.find(route.method) == std::string::npos) allowed += (allowed.empty() ? "" : ", ") + route.method;
      continue;
    }
    Call call{request, {}, std::move(target->query)};
    for (const auto& [name, value] : call.query)
      if (!route.query.contains(name)) throw HttpError(400, fmt::format("unknown query parameter \"{}\"", json::clean_text(name, 80)));
    for (size_t i = 0; i < route.segments.size(); ++i)
      if (is_variable(route.segments[i])) call.path[route.segments[i].substr(1, route.segments[i].size() - 2)] = target->path[i];
    return route.handle(call);
  }
  if (allowed.empty()) throw HttpError(404, "there is nothing of that name");
  ApiResponse response = error_response(405, "not by this method");
  response.headers.emplace_back("Allow", allowed);
  return response;
} catch (const HttpError& e) {
  ApiResponse response = error_response(e.status(), e.what());
  if (e.retry_after() > 0) response.headers.emplace_back("Retry-After", std::to_string(e.retry_after()));
  if (e.status() == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

std::vector<std::string> Router::names() const {
  std::vector<std::string> out;
  for (const Route& route : routes_) out.push_back(route.method + " " + route.pattern);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace hh::http
