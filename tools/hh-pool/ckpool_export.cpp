#include "ckpool_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/replace_file.h"
#include "json/strict.h"
#include "status.h"

namespace hh::pool {
namespace {

constexpr int64_t idle_after_ms = 60'000;
constexpr size_t longest_name = 240;  // of 255, as a temporary file's name is longer

std::string quoted(const std::string& text) { return json::Json(text).dump(-1, ' ', true, json::Json::error_handler_t::replace); }

std::string hashrates(const Figures& f, std::initializer_list<std::pair<size_t, const char*>> which) {
  std::string out;
  for (const auto& [i, key] : which) out += fmt::format("{}\"hashrate{}\": \"{}\"", out.empty() ? "" : ", ", key, short_number(f.hashrate[i]));
  return out;
}

// What a user and a worker have in common.
std::string person(const Figures& f) {
  return fmt::format(R"({}, "lastshare": {}, "shares": {}, "bestshare": {}, "bestever": {})", hashrates(f, {{0, "1m"}, {1, "5m"}, {3, "1hr"}, {5, "1d"}, {6, "7d"}}),
                     f.last_share_ms / 1000, difficulty_shares(f.accepted.work), difficulty_text(f.best), whole_difficulty(f.best));
}

std::string per_second(Uint128 per_1000_s) { return fmt::format("{}.{:03}", bitcoin::Work(per_1000_s / 1000).to_text(), static_cast<unsigned>(per_1000_s % 1000)); }

// Percent of the work that a block takes on average, with a digit behind the point. network: as of network_difficulty_text.
std::string luck(Uint128 work, const std::string& network) {
  const auto whole = bitcoin::Work::from_text(network.substr(0, network.find('.')));
  if (!whole || whole->hashes() == 0) return "0.0";
  const Uint128 tenths = Uint128{difficulty_shares(work)} * 1000 / whole->hashes();
  return fmt::format("{}.{}", bitcoin::Work(tenths / 10).to_text(), static_cast<unsigned>(tenths % 10));
}

}  // namespace

std::optional<std::string> user_file_name(const std::string& miner) {
  std::string name;
  for (const char c : miner) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '+' || c == '=' || c == '@' || (c == '.' && !name.empty());
    name += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  if (name.empty() || name.size() > longest_name) return std::nullopt;
  return name;
}

std::string ckpool_user(const Figures& miner, const std::vector<Figures>& workers) {
  const auto connected = std::count_if(workers.begin(), workers.end(), [](const Figures& w) { return w.sessions != 0; });
  std::string text = fmt::format("{{{}, \"workers\": {}, \"authorised\": {}, \"worker\": [", person(miner), connected, miner.first_seen_ms / 1000);
  const char* comma = "";
  for (const Figures& w : workers) {
    text += fmt::format("{}{{\"workername\": {}, {}}}", comma, quoted(w.worker.empty() ? w.miner : w.miner + "." + w.worker), person(w));
    comma = ", ";
  }
  return text + "]}\n";
}

void CkpoolExport::make_folders() const {
  for (const char* part : {"pool", "users"}) {
    std::error_code e;
    std::filesystem::create_directories(folder_ + "/" + part, e);
    if (e) throw Error(Exit::cant_create, fmt::format("ckpool_folder: cannot make {}/{}: {}", folder_, part, e.message()));
  }
}

void CkpoolExport::user(const Figures& miner, const std::vector<Figures>& workers, int64_t now_ms) {
  bool here = false;
  for (const Figures& w : workers) {
    if (w.sessions == 0) {
      ++disconnected_;
      continue;
    }
    here = true;
    ++workers_;
    if (now_ms - w.last_share_ms > idle_after_ms) ++idle_;
  }
  if (here) ++users_;
  if (const auto name = user_file_name(miner.miner)) replace_file(folder_ + "/users/" + *name, ckpool_user(miner, workers), 0644);
}

void CkpoolExport::pool(const PoolFigures& p) {
  if (p.blocks != blocks_) work_at_block_ = p.total.accepted.work;
  blocks_ = p.blocks;
  Uint128 rejected = 0;
  for (const Tally& t : p.total.refused) rejected += t.work;
  std::string text = fmt::format("{{\"runtime\": {}, \"lastupdate\": {}, \"Users\": {}, \"Workers\": {}, \"Idle\": {}, \"Disconnected\": {}}}\n", (p.time_ms - p.started_ms) / 1000,
                                 p.time_ms / 1000, users_, workers_, idle_, disconnected_);
  text += fmt::format("{{{}}}\n", hashrates(p.total, {{0, "1m"}, {1, "5m"}, {2, "15m"}, {3, "1hr"}, {4, "6hr"}, {5, "1d"}, {6, "7d"}}));
  const auto& sps = p.shares_per_1000_s;
  text += fmt::format("{{\"diff\": {}, \"accepted\": {}, \"rejected\": {}, \"bestshare\": {}, \"SPS1m\": {}, \"SPS5m\": {}, \"SPS15m\": {}, \"SPS1h\": {}}}\n",
                      luck(p.total.accepted.work - work_at_block_, p.network_difficulty), difficulty_shares(p.total.accepted.work), difficulty_shares(rejected),
                      whole_difficulty(p.total.best), per_second(sps[0]), per_second(sps[1]), per_second(sps[2]), per_second(sps[3]));
  users_ = workers_ = idle_ = disconnected_ = 0;
  replace_file(folder_ + "/pool/pool.status", text, 0644);
}

}  // namespace hh::pool
