#include "store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "bitcoin/hash.h"
#include "bitcoin/wire.h"

namespace hh::devchain {

namespace {

constexpr std::string_view magic = "hhdev 1\n";
constexpr size_t head_size = 8 + 4, frame_size = 1 + 4 + 4, max_file = size_t{4} << 30;

Bytes checksum(BytesView payload) {
  const auto h = bitcoin::sha256d(payload);
  return {h.bytes.begin(), h.bytes.begin() + 4};
}

struct Record {
  RecordKind kind;
  BytesView payload;
};

// The record at the front of rest; nullopt where rest is a torn end. A torn write leaves a part of one record, or zeros in its place.
std::optional<Record> read_record(BytesView rest, const std::string& path, size_t at) {
  if (rest.size() < frame_size) return std::nullopt;
  bitcoin::Reader in(rest);
  const uint8_t kind = in.u8();
  const uint32_t length = in.u32();
  const bool known = kind == 'B' || kind == 'I' || kind == 'R';
  if (known && rest.size() - frame_size < length) return std::nullopt;
  if (known) {
    const Record record{static_cast<RecordKind>(kind), in.bytes(length)};
    const BytesView sum = in.bytes(4);
    if (std::ranges::equal(sum, checksum(record.payload))) return record;
    if (in.left() == 0) return std::nullopt;
  } else if (std::ranges::all_of(rest, [](uint8_t b) { return b == 0; })) {
    return std::nullopt;
  }
  throw Error(Exit::data, fmt::format("{} is damaged at byte {}: move it away to start a new chain", path, at));
}

}  // namespace

Store::Store(const std::string& path, uint32_t& bits, const std::function<void(RecordKind, BytesView)>& each) : path_(path) {
  file_ = open_file(path, O_RDWR | O_CREAT | O_APPEND, 0644);
  const std::string content = read_file(path, max_file);
  const BytesView bytes = as_bytes(content);
  if (bytes.size() < head_size) {
    if (!magic.starts_with(content.substr(0, magic.size()))) throw Error(Exit::data, path + " is not a file of hh-devchain");
    Bytes head(magic.begin(), magic.end());
    bitcoin::put_u32(head, bits);
    if (::ftruncate(file_.get(), 0) != 0) throw Error(Exit::io, fmt::format("cannot truncate {}: {}", path, reason(errno)));
    write_all(file_.get(), as_text(head), path);
    sync_file(file_.get(), path);
    sync_folder_of(path);
    size_ = head.size();
    return;
  }
  if (!content.starts_with(magic)) throw Error(Exit::data, path + " is not a file of hh-devchain");
  bits = bitcoin::Reader(bytes.subspan(magic.size(), 4)).u32();
  for (size_ = head_size; size_ < bytes.size();) {
    const auto record = read_record(bytes.subspan(size_), path, size_);
    if (!record) break;
    each(record->kind, record->payload);
    size_ += frame_size + record->payload.size();
  }
  if (size_ == bytes.size()) return;
  log::warn("torn_record_cut", {{"file", path}, {"bytes", bytes.size() - size_}});
  if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) throw Error(Exit::io, fmt::format("cannot truncate {}: {}", path, reason(errno)));
  sync_file(file_.get(), path);
}

void Store::append(RecordKind kind, BytesView payload) {
  Bytes record{static_cast<uint8_t>(kind)};
  bitcoin::put_u32(record, static_cast<uint32_t>(payload.size()));
  bitcoin::put_bytes(record, payload);
  bitcoin::put_bytes(record, checksum(payload));
  write_all(file_.get(), as_text(record), path_);
  sync_file(file_.get(), path_);
  size_ += record.size();
}

}  // namespace hh::devchain
