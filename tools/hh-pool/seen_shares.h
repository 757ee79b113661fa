// Which shares of a job were seen, so that none counts twice. Flat and small: a job of a large pool has a million of them.
//
// 128 bits of the hash are kept. Two different shares that agree in them would take 2^64 hashes to find, and the one would merely be refused as a
// duplicate. The set is in 64 parts, because one of a million entries that grows stops the loop for tens of milliseconds.
#pragma once
#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstring>

#include "bitcoin/hash.h"

namespace hh::pool {

class SeenShares {
 public:
  using Key = std::array<uint64_t, 2>;

  // False where it was there already.
  bool insert(const bitcoin::Hash256& hash) { return insert(key_of(hash)); }
  bool insert(const Key& key) { return parts_[key[1] % parts_.size()].insert(key).second; }
  void erase(const bitcoin::Hash256& hash) {
    const Key key = key_of(hash);
    parts_[key[1] % parts_.size()].erase(key);
  }
  size_t size() const {
    size_t n = 0;
    for (const auto& part : parts_) n += part.size();
    return n;
  }
  template <class Function>
  void for_each(Function&& f) const {
    for (const auto& part : parts_)
      for (const Key& key : part) f(key);
  }

 private:
  // The first bytes in internal order: those that vary. (The last ones are zeros where the difficulty is high.)
  static Key key_of(const bitcoin::Hash256& hash) {
    Key key;
    std::memcpy(key.data(), hash.bytes.data(), sizeof key);
    return key;
  }
  struct FirstWord {
    using is_avalanching = void;  // a hash is one already
    size_t operator()(const Key& key) const { return key[0]; }
  };
  std::array<boost::unordered_flat_set<Key, FirstWord>, 64> parts_;
};

}  // namespace hh::pool
