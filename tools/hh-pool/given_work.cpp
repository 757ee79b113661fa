#include "given_work.h"

#include <algorithm>

namespace hh::pool {

const Assignment& GivenWork::assignment_for(const Job& job) {
  const bitcoin::Target& block = job.block_template->target;
  if (assignment_.work == 0 || assignment_.difficulty != std::min(vardiff.wanted(), job.most_difficulty) || assignment_for_ != block) {
    assignment_ = assign(vardiff.wanted(), job);
    assignment_for_ = block;
  }
  return assignment_;
}

GivenWork::Given GivenWork::give(const Job& job, uint64_t oldest_number, int64_t now_ms) {
  const Assignment& a = assignment_for(job);
  given_.forget_before(oldest_number);
  given_.add(job.number, a);
  vardiff.in_force(a.difficulty, now_ms);
  const bool changed = told_ != a.difficulty;
  told_ = a.difficulty;
  last_ntime_ = job.record.ntime;
  return {a, changed, last_ntime_, 0};
}

std::optional<GivenWork::Given> GivenWork::give_again(const Job& job, int64_t age_ms, bool same_difficulty_too, int64_t now_ms) {
  if (given_.newest().number != job.number) return std::nullopt;
  const Assignment a = assignment_for(job);
  const bool same = told_ == a.difficulty;
  const int64_t age = std::clamp<int64_t>(age_ms / 1000, 0, max_time_ahead / 2);
  const uint32_t ntime = std::max(last_ntime_ + 1, job.record.ntime + static_cast<uint32_t>(age));
  const bool silent = same && !same_difficulty_too;
  const uint16_t again = !silent && ntime <= job.most_time ? given_.add_again(a) : uint16_t{0};
  if (again == 0 && !same) return std::nullopt;  // with the next job, then
  vardiff.in_force(a.difficulty, now_ms);
  if (again == 0) return std::nullopt;
  last_ntime_ = ntime;
  told_ = a.difficulty;
  return Given{a, !same, ntime, again};
}

}  // namespace hh::pool
