#include "records/share.h"

#include <algorithm>

#include "base/error.h"
#include "json/fields.h"

namespace hh::records {

Share parse_share(const Json& record) {
  json::require_record(record, "share");
  const json::Fields f(record);
  Share s;
  s.source = source_field(f);
  s.seq = seq_field(f, "seq");
  s.time_ms = f.integer("time_ms");
  s.simulated = simulated_field(f);
  s.job = f.text("job", max_name);
  if (!is_source_name(s.job)) throw Error(Exit::data, "field \"job\" must be printable ASCII characters without space");
  s.miner = miner_field(f);
  s.worker = worker_field(f);
  s.extranonce1 = f.hex("extranonce1");
  s.extranonce2 = f.hex("extranonce2");
  if (s.extranonce1.size() + s.extranonce2.size() > max_extranonce) throw Error(Exit::data, "extranonce1 and extranonce2 have more than 32 bytes");
  s.ntime = hex32_field(f, "ntime");
  s.nonce = hex32_field(f, "nonce");
  s.version = hex32_field(f, "version");
  const auto work = work_field(f, "work").to_int64();
  if (!work || *work < 1) throw Error(Exit::data, "field \"work\" must be from 1 to 2^63 - 1");
  s.work = *work;
  s.fee_to = fee_to_field(f);
  if (auto address = f.optional_text("address", max_name)) {
    if (!is_miner_name(*address)) throw Error(Exit::data, "field \"address\" must be printable ASCII characters without space");
    s.address = *address;
  }
  return s;
}

Share parse_share_line(std::string_view line) {
  if (auto view = scan_share(line)) return to_share(*view);
  return parse_share(json::parse(line));
}

Share to_share(const ShareView& v) {
  const uint8_t* e = v.extranonce.data();
  Share s;
  s.source = v.source, s.job = v.job, s.miner = v.miner, s.worker = v.worker, s.address = v.address;
  s.seq = v.seq, s.time_ms = v.time_ms, s.work = v.work;
  s.ntime = v.ntime, s.nonce = v.nonce, s.version = v.version;
  s.extranonce1.assign(e, e + v.extranonce1_size);
  s.extranonce2.assign(e + v.extranonce1_size, e + v.extranonce1_size + v.extranonce2_size);
  s.fee_to = v.fee_to, s.simulated = v.simulated;
  return s;
}

ShareView view_of(const Share& s) {
  if (s.extranonce1.size() + s.extranonce2.size() > max_extranonce) throw Error(Exit::software, "share with more than 32 bytes of extranonce");
  ShareView v;
  v.source = s.source, v.job = s.job, v.miner = s.miner, v.worker = s.worker, v.address = s.address;
  v.seq = s.seq, v.time_ms = s.time_ms, v.work = s.work;
  v.ntime = s.ntime, v.nonce = s.nonce, v.version = s.version;
  std::copy(s.extranonce2.begin(), s.extranonce2.end(), std::copy(s.extranonce1.begin(), s.extranonce1.end(), v.extranonce.begin()));
  v.extranonce1_size = static_cast<uint8_t>(s.extranonce1.size());
  v.extranonce2_size = static_cast<uint8_t>(s.extranonce2.size());
  v.fee_to = s.fee_to, v.simulated = s.simulated;
  return v;
}

std::string share_line(const Share& share) {
  std::string line;
  line.reserve(400);
  put_share_line(line, view_of(share));
  return line;
}

}  // namespace hh::records
