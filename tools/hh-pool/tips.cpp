#include "tips.h"

#include <algorithm>

namespace hh::pool {

bool Tips::seen(size_t node, const Tip& tip, int64_t asked_ms, int64_t now_ms) {
  Node& n = nodes_[node];
  bool changed = false;
  if (!n.is_up) {
    n.is_up = changed = true;
    n.lags = false;
    n.up_since_ms = n.good_since_ms = now_ms;
  }
  if (asked_ms > n.heard_ms) {
    n.tip = tip;
    n.heard_ms = now_ms;
    if (present_ && tip.hash == present_->hash) n.had_present = true, n.away_since_then = false;
  }
  return update_lag(now_ms) || changed;
}

bool Tips::failed(size_t node, int64_t now_ms) {
  Node& n = nodes_[node];
  const bool changed = n.is_up;
  n.is_up = n.lags = false;
  n.failed_before = n.away_since_then = true;
  n.good_since_ms = n.behind_since_ms = -1;
  return update_lag(now_ms) || changed;
}

bool Tips::update_lag(int64_t now_ms) {
  bitcoin::Uint256 most = present_ ? present_->work : bitcoin::Uint256();
  for (const Node& n : nodes_)
    if (n.is_up && n.tip) most = std::max(most, n.tip->work);
  bool changed = false;
  for (Node& n : nodes_) {
    if (!n.is_up || !n.tip) continue;
    if (n.tip->work >= most) {
      // Its time of proof, where it needs one, begins when it has caught up.
      if (n.behind_since_ms >= 0 && !is_settled(n, now_ms)) n.good_since_ms = now_ms;
      n.behind_since_ms = -1;
      if (n.lags) n.lags = false, changed = true;
    } else {
      if (n.behind_since_ms < 0) n.behind_since_ms = now_ms;
      if (!n.lags && now_ms - n.behind_since_ms > config_.lag_ms) n.lags = n.failed_before = changed = true, n.good_since_ms = -1;
    }
  }
  return changed;
}

bool Tips::is_settled(const Node& n, int64_t now_ms) const {
  return n.good_since_ms >= 0 && (!n.failed_before || now_ms - n.good_since_ms >= config_.return_ms);
}

bool Tips::anyone_on(const bitcoin::Hash256& hash) const {
  return std::any_of(nodes_.begin(), nodes_.end(), [&](const Node& n) { return n.is_up && n.tip && n.tip->hash == hash; });
}

// Whether it had the present tip and calls another its best now.
bool Tips::let_go(const Node& n, int64_t now_ms) const {
  return n.had_present && n.tip && n.tip->hash != present_->hash && (!n.away_since_then || now_ms - n.up_since_ms >= config_.return_ms);
}

bool Tips::may_follow(size_t node, const Tip& tip, int64_t now_ms) const {
  if (!present_ || tip.hash == present_->hash || tip.work > present_->work) return true;
  if (anyone_on(present_->hash)) return false;
  if (tip.work == present_->work) return true;
  const Node& n = nodes_[node];
  return n.tip && n.tip->hash == tip.hash && let_go(n, now_ms);
}

void Tips::follow(size_t node, const Tip& tip, int64_t now_ms) {
  giver_ = node;
  if (!present_ || present_->hash != tip.hash) {
    present_ = tip;
    for (Node& n : nodes_) {
      n.had_present = n.tip && n.tip->hash == tip.hash;
      n.away_since_then = n.had_present && !n.is_up;
    }
  }
  Node& n = nodes_[node];
  n.tip = tip;
  n.heard_ms = now_ms;
  n.had_present = true;
  n.away_since_then = !n.is_up;
  update_lag(now_ms);
}

std::optional<size_t> Tips::source(int64_t now_ms) const {
  std::optional<size_t> best;
  const auto is_better = [&](size_t a, size_t b) {
    const Node &x = nodes_[a], &y = nodes_[b];
    if (x.tip->work != y.tip->work) return x.tip->work > y.tip->work;
    if (is_settled(x, now_ms) != is_settled(y, now_ms)) return is_settled(x, now_ms);
    return !is_settled(x, now_ms) && giver_ == a;  // else the first of the list
  };
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].is_up || !nodes_[i].tip || !may_follow(i, *nodes_[i].tip, now_ms)) continue;
    if (!best || is_better(i, *best)) best = i;
  }
  return best;
}

}  // namespace hh::pool
