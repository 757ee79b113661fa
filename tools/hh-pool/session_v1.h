// One miner's connection as Stratum V1 sees it: lines in, lines out. [C125]
//
// A connection works for one miner (account), because its coinbase pays that miner; it may authorize any number of workers of it. Work is
// sent once it has subscribed and authorized. A share is judged with the difficulty that its job was sent with; a new difficulty comes with a new
// job, or with the current one under a new name (given_jobs.h), never alone: cgminer would keep it for the job after the next, and
// nobody could say what a share that is under way is worth.
//
// A request without an id, or with null, is a notification in JSON-RPC. Wishes sent so get no answer: bfgminer sends mining.suggest_target
// before mining.subscribe, and takes the first line that comes back for the subscription. Logins and shares are answered in any case.
#pragma once
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "session.h"
#include "stratum/v1.h"

namespace hh::pool {

class SessionV1 final : public Session {
 public:
  // peer: for log lines. range: outlives the session; null: the pool's. Its own pointer is kept, as an Ack needs it.
  static std::shared_ptr<SessionV1> make(Pool& pool, Outlet& outlet, std::string peer, const DifficultyRange* range = nullptr);
  // As it was in the process that had it.
  static std::shared_ptr<SessionV1> inherit(Pool& pool, Outlet& outlet, StateReader& from, const DifficultyRange* range = nullptr);

  void line(std::string_view text);
  Protocol protocol() const override { return Protocol::v1; }
  Cut cut(std::string_view arrived) const override;
  void message(std::string_view whole) override;
  void message_too_long() override;
  void too_many_messages() override;
  void message_unfinished() override;
  void new_job(LiveJob& live) override;
  void tick(int64_t now_ms) override;
  void show_message(std::string_view text) override;
  void reconnect(std::string_view host, uint16_t port, uint32_t wait_seconds) override;
  void config_changed() override;
  void stored(const stratum::v1::Id& id, bool ok) override;
  bool works() const override { return subscribed_ && !workers_.empty() && outlet_ != nullptr && !closing_; }
  void add_miners(std::set<std::string_view>& names) const override { if (works()) names.insert(workers_.front().who.miner); }
  void save(StateWriter& to) const override;

 private:
  using Extranonce1 = std::array<uint8_t, extranonce1_size>;
  SessionV1(Pool& pool, Outlet& outlet, std::string peer, const Extranonce1& extranonce1, const DifficultyRange* range);
  struct FoundJob {
    LiveJob* live;
    GivenName name;
    const Assignment* assignment;
  };
  using Id = stratum::v1::Id;

  void handle(const Id& id, const stratum::v1::Subscribe& m);
  void handle(const Id& id, const stratum::v1::Configure& m);
  void handle(const Id& id, const stratum::v1::Authorize& m);
  void handle(const Id& id, const stratum::v1::SuggestDifficulty& m);
  void handle(const Id& id, const stratum::v1::SuggestTarget& m);
  void handle(const Id& id, const stratum::v1::ExtranonceSubscribe& m);
  void handle(const Id& id, const stratum::v1::Ping& m);
  void handle(const Id& id, const stratum::v1::GetTransactions& m);
  void handle(const Id& id, const stratum::v1::Reply& m);
  void handle(const Id& id, const stratum::v1::Submit& m);
  void handle(const Id& id, const stratum::v1::Unknown& m);
  // A share that is being judged, as the statistics want to know it where it is refused.
  struct Judged {
    const Worker* worker = nullptr;  // null: not known
    int64_t work = 0;                // that it was asked for; of an unknown job: what the newest job asks for
  };
  std::optional<Refusal> judge(const Id& id, const stratum::v1::Submit& m, Judged& judged);
  void bad_line(const stratum::v1::ParseFailure& failure);
  void refuse(const Id& id, stratum::v1::Code code, std::string_view why);
  void start_work();
  void send_again(bool same_difficulty_too);
  void take_wishes(std::string_view password);
  void wish_changed();
  void moved(Vardiff::Move move);
  void set_mask(std::optional<uint32_t> mask);
  std::optional<uint32_t> mask_for(GivenName job, std::optional<uint32_t> bits) const;
  const Worker* find_worker(std::string_view user) const;
  FoundJob find_job(std::string_view text) const;

  std::weak_ptr<SessionV1> self_;
  const Extranonce1 extranonce1_;
  bool subscribed_ = false;
  std::string user_agent_;
  std::optional<uint32_t> rollable_;                     // by the miner: what it asked for
  std::optional<uint32_t> version_mask_, former_mask_;   // in force; until the job former_mask_until_
  GivenName former_mask_until_;
  std::vector<Worker> workers_;
  GivenWork work_;
  int64_t since_ms_, last_line_ms_;
  uint64_t transactions_of_ = 0;  // number of the job whose transactions it got last
  int bad_lines_ = 0, wishes_ = 0, refused_logins_ = 0;
  bool asked_version_ = false, pinged_ = false;
};

}  // namespace hh::pool
