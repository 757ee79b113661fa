#include "given_jobs.h"

#include <fmt/format.h>

#include <charconv>

namespace hh::pool {
namespace {

constexpr size_t digits = 4;
constexpr size_t most_runs = 64;  // more moves of the difficulty than that within the jobs in use are forgotten

}  // namespace

std::string name_again(std::string_view job, uint16_t again) { return fmt::format("{}{:04x}", job, again); }

std::optional<SplitName> split_name(std::string_view text) {
  if (text.size() <= digits) return std::nullopt;
  SplitName out{text.substr(0, text.size() - digits), 0};
  const std::string_view tail = text.substr(text.size() - digits);
  const auto [end, error] = std::from_chars(tail.data(), tail.data() + tail.size(), out.again, 16);
  if (error != std::errc{} || end != tail.data() + tail.size() || out.again == 0) return std::nullopt;
  return out;
}

void GivenJobs::add(uint64_t number, const Assignment& a) {
  if (!runs_.empty() && runs_.back().assignment == a) {
    runs_.back().last = {number, 0};
    return;
  }
  if (runs_.size() >= most_runs) runs_.erase(runs_.begin());
  runs_.push_back({{number, 0}, {number, 0}, a});
}

uint16_t GivenJobs::add_again(const Assignment& a) {
  const GivenName before = newest();
  if (before.again == UINT16_MAX) return 0;
  const GivenName name{before.number, static_cast<uint16_t>(before.again + 1)};
  if (runs_.size() >= most_runs) runs_.erase(runs_.begin());
  runs_.push_back({name, name, a});
  return name.again;
}

const Assignment* GivenJobs::find(GivenName name) const {
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run)
    if (run->first <= name && name <= run->last) return name.again == 0 || name == run->first ? &run->assignment : nullptr;
  return nullptr;
}

void GivenJobs::forget_before(uint64_t number) {
  auto keep = runs_.begin();
  while (keep != runs_.end() && keep->last.number < number) ++keep;
  runs_.erase(runs_.begin(), keep);
}

}  // namespace hh::pool
