// The dev chain on disk: one append-only file, DATADIR/blocks.dat, that survives kill -9 at any moment.
//
// First 8 bytes "hhdev 1\n", then 4 bytes little endian with the chain's bits. Then records: kind (1 byte: B block, I invalidate, R reconsider),
// length (4 bytes little endian), payload (a serialised block, or a hash), and the first 4 bytes of the payload's double SHA-256. A record
// is written with one write(2) and fsynced before anybody is told. A last record that is not whole was never told to anyone and is
// cut off; damage before that stops the program.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "base/file.h"
#include "base/hex.h"

namespace hh::devchain {

enum class RecordKind : char { block = 'B', invalidate = 'I', reconsider = 'R' };

class Store {
 public:
  // Opens or makes the file, hands every whole record to `each` in order, and stands ready to append. bits: for a new file; is replaced by
  // those of an existing one. Throws Error(data) for a damaged or foreign file, Error(cant_create) and Error(io).
  Store(const std::string& path, uint32_t& bits, const std::function<void(RecordKind, BytesView)>& each);
  void append(RecordKind kind, BytesView payload);  // durable when it returns
  uint64_t size() const { return size_; }

 private:
  std::string path_;
  FileHandle file_;
  uint64_t size_ = 0;
};

}  // namespace hh::devchain
