// The page that Prometheus reads (text format 0.0.4): families of samples, written as they come. [C080]
//
//   Exposition page;
//   page.family("hh_pool_shares_rejected_total", Kind::counter, "Shares refused since the start, by reason.");
//   page.sample({{"reason", "stale"}}, 17);
//
// Names begin with hh_ and units are base units (seconds, bytes), as promtool's linter has it; counters end in _total. Label values may hold
// anything: they are escaped, and what is not printable ASCII is shown as \xNN, so that no name of a stranger can end a line or a
// quotation or reach a reader as broken UTF-8. Whoever labels by something that strangers choose has to bound their number.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace hh::metrics {

enum class Kind { counter, gauge, histogram };

struct Label {
  std::string_view name, value;
};
using Labels = std::initializer_list<Label>;

__extension__ using Uint128 = unsigned __int128;

// A number with so many decimal places: fixed(1500, 3) is "1.5". How metrics in base units come from integers in small ones.
std::string fixed(Uint128 count, unsigned places);
inline std::string seconds_of_ms(int64_t ms) { return (ms < 0 ? "-" : "") + fixed(ms < 0 ? -static_cast<Uint128>(ms) : static_cast<Uint128>(ms), 3); }

class Exposition {
 public:
  // Throws Error(software) for a name, help or kind that the format or promtool's linter does not allow, or a family that was there before.
  void family(std::string_view name, Kind kind, std::string_view help);
  template <class T>
    requires std::is_integral_v<T>
  void sample(Labels labels, T value) {
    put("", labels, std::to_string(value));
  }
  template <class T>
    requires std::is_integral_v<T>
  void sample(T value) {
    put("", {}, std::to_string(value));
  }
  void sample(Labels labels, std::string_view number) { put("", labels, number); }  // a decimal number as text
  // A line of the family with a suffix on its name: "_bucket", "_sum", "_count".
  void put(std::string_view suffix, Labels labels, std::string_view number) { put_with(suffix, labels, {}, number); }
  void put_with(std::string_view suffix, Labels labels, Label one_more, std::string_view number);

  const std::string& text() const { return text_; }
  static constexpr const char* content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  std::string text_, name_;
};

// The family hh_build_info, and what every process has: CPU time, memory, descriptors, threads, start (from /proc/self).
void put_process(Exposition& page, std::string_view tool);

}  // namespace hh::metrics
