#include "listeners.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/config.h"
#include "base/error.h"
#include "net/endpoint.h"

namespace hh::pool {
namespace {

using bitcoin::Difficulty;

[[noreturn]] void refuse(std::string_view entry, const std::string& why) { throw Error(Exit::config, fmt::format("listen: \"{}\" {}", entry, why)); }

std::vector<std::string> parts_of(std::string_view entry) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= entry.size();) {
    const size_t end = std::min(entry.find('|', start), entry.size());
    parts.emplace_back(entry.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

Difficulty difficulty(std::string_view entry, const std::string& option, std::string_view value) {
  const auto d = Difficulty::from_text(value);
  if (!d) refuse(entry, fmt::format("has {}, which is no difficulty: a decimal number such as 0.001 or 16384", option));
  if (*d > bitcoin::max_share_difficulty()) refuse(entry, fmt::format("has {}, which is above the largest difficulty of shares, 2147450880", option));
  return d->for_wire();
}

[[noreturn]] void unknown(std::string_view entry, const std::string& option) {
  const std::string near = nearest(option, {"min=", "max=", "start=", "tls", "proxy", "sv2", "share"});
  refuse(entry, fmt::format("has an option \"{}\", which there is not{}", option, near.empty() ? ": min=D, max=D, start=D, tls, proxy, sv2, share" : ": did you mean " + near + "?"));
}

void check_range(std::string_view entry, DifficultyRange& r, bool start_given) {
  if (r.vardiff.least > r.vardiff.most) refuse(entry, fmt::format("has the least difficulty {}, above the largest, {}", r.vardiff.least.to_text(), r.vardiff.most.to_text()));
  const Difficulty inside = std::clamp(r.start, r.vardiff.least, r.vardiff.most);
  if (start_given && inside != r.start)
    refuse(entry, fmt::format("starts at difficulty {}, which is not from {} to {}", r.start.to_text(), r.vardiff.least.to_text(), r.vardiff.most.to_text()));
  r.start = inside;
}

Listener parse_one(const std::string& entry, const DifficultyRange& defaults) {
  Listener l;
  l.range = defaults;
  const std::vector<std::string> parts = parts_of(entry);
  l.address = net::Endpoint::parse(parts.front(), "listen").text();
  std::set<std::string> seen;
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string& option = parts[i];
    const size_t equals = option.find('=');
    const std::string name = option.substr(0, equals);
    if (!seen.insert(name).second) refuse(entry, fmt::format("has the option \"{}\" twice", name));
    const std::string_view value = equals == std::string::npos ? std::string_view() : std::string_view(option).substr(equals + 1);
    if (equals != std::string::npos && name == "min") l.range.vardiff.least = difficulty(entry, option, value);
    else if (equals != std::string::npos && name == "max") l.range.vardiff.most = difficulty(entry, option, value);
    else if (equals != std::string::npos && name == "start") l.range.start = difficulty(entry, option, value);
    else if (option == "tls") l.tls = true;
    else if (option == "proxy") l.proxy = true;
    else if (option == "sv2") l.sv2 = true;
    else if (option == "share") l.share = true;
    else unknown(entry, option);
  }
  if (l.sv2 && l.tls) refuse(entry, "has both tls and sv2: Stratum V2 has an encryption of its own");
  check_range(entry, l.range, seen.contains("start"));
  return l;
}

}  // namespace

std::vector<Listener> parse_listeners(const std::vector<std::string>& texts, const DifficultyRange& defaults) {
  std::vector<Listener> all;
  for (const std::string& text : texts) {
    Listener l = parse_one(text, defaults);
    const bool any_port = l.address.ends_with(":0");
    if (!any_port && std::any_of(all.begin(), all.end(), [&](const Listener& other) { return other.address == l.address; })) refuse(text, "is there twice");
    all.push_back(std::move(l));
  }
  return all;
}

bool same_doors(const std::vector<Listener>& a, const std::vector<Listener>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Listener& x, const Listener& y) { return x.address == y.address && x.tls == y.tls && x.proxy == y.proxy && x.sv2 == y.sv2 && x.share == y.share; });
}

bool uses_sv2(const std::vector<Listener>& listeners) {
  return std::any_of(listeners.begin(), listeners.end(), [](const Listener& l) { return l.sv2; });
}

bool uses_tls(const std::vector<Listener>& listeners) {
  return std::any_of(listeners.begin(), listeners.end(), [](const Listener& l) { return l.tls; });
}

}  // namespace hh::pool
