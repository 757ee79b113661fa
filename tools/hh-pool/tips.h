// Which of several nodes gives the next template, and which tips may follow the present one. Decides only; TemplateSource acts. [C124]
//
// Every node says again and again what its best block is and how much work its chain has. The rules:
//   work first   The chain with the most work that any node in reach has is the one to mine on, whichever node knows it.
//   then order   Of the nodes that have it, the first of the list gives the templates, if it has been well for a while (return_ms): a node that
//                failed or lagged must prove itself before it is preferred again. If none has, the one that gives them now, else the first.
//   stay         Two tips of equal work: the pool stays where it is as long as a node in reach is there, too.
//   never back   A tip of less work is not followed just because the node that knew better has gone: the others may merely lag. It is
//                followed where a node that had the present tip says that this is its best block no longer (invalidateblock, a bad disk).
//                If that node was away in between it must say so for return_ms: after a crash bitcoind needs a moment to find its last blocks.
// A node lags when another's chain, or the one in use, has had more work than its own for lag_ms; blocks reach nodes at different moments.
//
// Answers overtake each other: a question that was asked before a node's last word was known says nothing new.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "bitcoin/hash.h"
#include "bitcoin/uint256.h"

namespace hh::pool {

// A block that a node calls its best, with what its successor must know of it.
struct Tip {
  bitcoin::Hash256 hash;
  bitcoin::Uint256 work;     // of the chain up to it
  uint32_t height = 0;
  uint32_t bits = 0;
  uint32_t median_time = 0;  // of it and the ten before: its successor's time must be later
};

class Tips {
 public:
  struct Config {
    int64_t lag_ms = 2'000;
    int64_t return_ms = 30'000;
  };
  struct Node {
    bool is_up = false;
    bool lags = false;
    std::optional<Tip> tip;  // what it said last
    int64_t heard_ms = -1;   // when
    int64_t up_since_ms = -1;
    int64_t good_since_ms = -1;  // up and in sync; -1: not. Nodes that were well from the start need not wait
    int64_t behind_since_ms = -1;
    bool had_present = false, away_since_then = false;
    bool failed_before = false;
  };
  Tips(size_t nodes, Config config) : config_(config), nodes_(nodes) {}

  // Both return whether the node's state (up, lags) or another's changed.
  bool seen(size_t node, const Tip& tip, int64_t asked_ms, int64_t now_ms);
  bool failed(size_t node, int64_t now_ms);  // no answer, or no template

  // Whether a job on that tip may be given out: yes for the present one.
  bool may_follow(size_t node, const Tip& tip, int64_t now_ms) const;
  // A job on it was given out; the node knew it at that moment.
  void follow(size_t node, const Tip& tip, int64_t now_ms);
  std::optional<size_t> source(int64_t now_ms) const;

  const std::optional<Tip>& present() const { return present_; }
  const Node& node(size_t i) const { return nodes_[i]; }
  size_t size() const { return nodes_.size(); }

 private:
  bool update_lag(int64_t now_ms);
  bool let_go(const Node& n, int64_t now_ms) const;
  bool is_settled(const Node& n, int64_t now_ms) const;
  bool anyone_on(const bitcoin::Hash256& hash) const;

  Config config_;
  std::vector<Node> nodes_;
  std::optional<Tip> present_;
  std::optional<size_t> giver_;
};

}  // namespace hh::pool
