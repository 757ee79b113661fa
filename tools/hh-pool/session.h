// One miner's connection as Stratum V1 sees it: lines in, lines out, no sockets. [C125]
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
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "given_jobs.h"
#include "miners.h"
#include "pool.h"
#include "stratum/v1.h"

namespace hh::pool {

// Where a session's lines go.
class Outlet {
 public:
  virtual ~Outlet() = default;
  virtual void send(std::string_view line) = 0;                           // leaves soon, with what else is sent in this turn
  virtual void send_now(std::span<const std::string_view> pieces) = 0;    // of one line, which goes to many; leaves at once
  virtual void close(const char* why) = 0;                                // after what was sent has left
  virtual void offended(Offence what) = 0;                                // it is closed for this
  virtual void mines() = 0;                                               // its first share was accepted
};

class Session : public Waiter {
 public:
  // peer: for log lines. range: outlives the session; null: the pool's. self must be given (as Ack needs it) before lines come in: see make().
  static std::shared_ptr<Session> make(Pool& pool, Outlet& outlet, std::string peer, const DifficultyRange* range = nullptr);
  // For a handover (state.cpp): as it is, and as it was in the process that had it.
  void save(StateWriter& to) const;
  static std::shared_ptr<Session> inherit(Pool& pool, Outlet& outlet, StateReader& from, const DifficultyRange* range = nullptr);
  ~Session() override;

  void line(std::string_view text);
  // What the connection's owner found, which closes it. line_too_long: it has no end within max_line.
  void line_too_long();
  void too_many_lines();
  void line_unfinished();
  void address_banned() { close("its address is banned"); }
  void new_job(LiveJob& live);
  void tick(int64_t now_ms);
  void show_message(std::string_view text);
  void reconnect(std::string_view host, uint16_t port, uint32_t wait_seconds);
  void config_changed();  // by a reload
  void stored(const stratum::v1::Id& id, bool ok) override;
  void disconnected() { outlet_ = nullptr; }
  const std::string& peer() const { return peer_; }
  bool works() const { return subscribed_ && !workers_.empty() && outlet_ != nullptr && !closing_; }
  const std::string& miner() const { return workers_.front().who.miner; }  // of one that works

 private:
  using Extranonce1 = std::array<uint8_t, extranonce1_size>;
  Session(Pool& pool, Outlet& outlet, std::string peer, const Extranonce1& extranonce1, const DifficultyRange* range);
  struct Worker {
    std::string user;
    Identity who;
    Statistics::Seat seat;
  };
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
  void send(std::string_view line);
  void close(const char* why);
  void close_for(Offence what, const char* why);
  void start_work();
  void send_again(bool same_difficulty_too);
  void take_wishes(std::string_view password);
  void wish_changed();
  void moved(Vardiff::Move move);
  void set_mask(std::optional<uint32_t> mask);
  std::optional<uint32_t> mask_for(GivenName job, std::optional<uint32_t> bits) const;
  const Worker* find_worker(std::string_view user) const;
  FoundJob find_job(std::string_view text) const;
  const Assignment& assignment_for(const Job& job);

  Pool& pool_;
  Outlet* outlet_;
  const std::string peer_;
  std::weak_ptr<Session> self_;
  const Extranonce1 extranonce1_;
  bool subscribed_ = false, closing_ = false;
  std::string user_agent_;
  std::optional<uint32_t> rollable_;                     // by the miner: what it asked for
  std::optional<uint32_t> version_mask_, former_mask_;   // in force; until the job former_mask_until_
  GivenName former_mask_until_;
  std::vector<Worker> workers_;
  GivenJobs given_;
  Assignment assignment_;                // the last one, and for which block target: working one out costs two long divisions
  bitcoin::Target assignment_for_;
  Vardiff vardiff_;
  std::optional<bitcoin::Difficulty> sent_difficulty_;
  int64_t since_ms_, last_line_ms_;
  uint64_t transactions_of_ = 0;  // number of the job whose transactions it got last
  uint32_t last_ntime_ = 0;       // of the newest job as it was sent last
  int bad_lines_ = 0, wishes_ = 0, refused_logins_ = 0;
  bool asked_version_ = false, pinged_ = false, mines_ = false;
};

}  // namespace hh::pool
