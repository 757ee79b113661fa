// One connection as Stratum V2 sees it: frames in, frames out, after encryption (stratum/noise_filter.h). [sv2-spec: 3, 5; extensions 0x0001, 0x0002] [C124]
//
// A connection has channels. Each works for one miner, whose coinbase it is, has an extranonce of its own and a difficulty of its own: what a V1 connection
// is, a V2 channel is. A standard channel gets header-only work, whose Merkle root is worked out here; an extended one gets the coinbase's two ends and
// rolls eight bytes between them. Extended channels of one miner on one connection are a group: where there are several, new jobs go to the group, once.
//
// A new tip comes as a future job and the SetNewPrevHash that names it; a job of the same tip is active at once. A new difficulty is a SetTarget and then
// the newest job under another id with a later time, as targets hold for the jobs that come after them (5.3.21). Job ids are the job's number in this
// pool (16 bits) and how often it was given again: a share says under which assignment it was mined.
//
// Shares are answered when they are stored; those of one channel that are stored together get one SubmitShares.Success.
#pragma once
#include <array>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "session.h"
#include "stratum/v2_codec.h"

namespace hh::pool {

class SessionV2 final : public Session {
 public:
  // Of a frame; SetupConnection with four long texts is the longest that a client has to say.
  static constexpr size_t most_payload = 4096;
  static std::shared_ptr<SessionV2> make(Pool& pool, Outlet& outlet, std::string peer, const DifficultyRange* range = nullptr);
  static std::shared_ptr<SessionV2> inherit(Pool& pool, Outlet& outlet, StateReader& from, const DifficultyRange* range = nullptr);

  Protocol protocol() const override { return Protocol::v2; }
  Cut cut(std::string_view arrived) const override;
  void message(std::string_view whole) override;
  void message_too_long() override { close_for(Offence::line_too_long, "a frame of it is too long"); }
  void too_many_messages() override { close_for(Offence::flood, "it sends too many messages"); }
  void message_unfinished() override { close_for(Offence::unfinished_line, "it does not finish its frame"); }
  void new_job(LiveJob& live) override;
  void tick(int64_t now_ms) override;
  void show_message(std::string_view) override {}  // V2 has no such message
  void reconnect(std::string_view host, uint16_t port, uint32_t wait_seconds) override;
  void config_changed() override;
  void stored(const stratum::v1::Id& id, bool ok) override;
  void answer() override;
  bool works() const override { return !channels_.empty() && outlet_ != nullptr && !closing_; }
  void add_miners(std::set<std::string_view>& names) const override;
  void save(StateWriter& to) const override;

 private:
  using Extranonce1 = std::array<uint8_t, extranonce1_size>;
  struct Channel {
    explicit Channel(GivenWork begins) : work(std::move(begins)) {}
    uint32_t id = 0, group = 0;
    bool extended = false;
    Extranonce1 extranonce1{};
    Worker worker;
    std::map<std::string, Worker, std::less<>> named;  // by extension 0x0002
    GivenWork work;
    std::optional<bitcoin::Hash256> tip;  // that it was told
    // Stored, and not yet answered.
    uint32_t stored_count = 0, stored_last = 0;
    uint64_t stored_sum = 0;
  };
  SessionV2(Pool& pool, Outlet& outlet, std::string peer, const DifficultyRange* range);

  void handle(const stratum::v2::SetupConnection& m);
  void handle(const stratum::v2::RequestExtensions& m);
  void handle(const stratum::v2::OpenStandardMiningChannel& m);
  void handle(const stratum::v2::OpenExtendedMiningChannel& m);
  void handle(const stratum::v2::UpdateChannel& m);
  void handle(const stratum::v2::CloseChannel& m);
  template <class Open>
  void open(const Open& m, bool extended);
  struct Submitted {
    uint32_t channel_id, sequence_number, job_id;
    std::optional<std::string_view> worker;
    SubmittedShare share;
  };
  void submit(const Submitted& s);
  std::optional<Refusal> judge(Channel& c, const Submitted& s, const Worker*& worker, int64_t& work);
  const Worker* named_worker(Channel& c, std::string_view name);
  void give_first(Channel& c);
  void give(Channel& c, LiveJob& live);
  void give_again(Channel& c);
  void send_job(const Channel& c, LiveJob& live, uint32_t receiver, uint16_t again, uint32_t ntime, bool new_tip);
  Channel* find(uint32_t id);
  uint32_t group_for(const Bytes& script);
  std::optional<uint32_t> version_mask() const;
  void refuse_share(uint32_t channel, uint32_t sequence, const char* code, Refused why);
  void bad_frame(const char* why);
  template <class Message>
  void say(const Message& m);

  std::weak_ptr<SessionV2> self_;
  std::string vendor_, firmware_;
  bool is_set_up_ = false, standard_jobs_ = false, worker_names_ = false;
  uint32_t next_id_ = 1;  // of channels and groups
  std::map<uint32_t, std::unique_ptr<Channel>> channels_;
  std::map<Bytes, uint32_t> groups_;  // by the script that their coinbases pay
  std::vector<uint32_t> to_answer_;
  int64_t since_ms_, last_message_ms_;
  int bad_frames_ = 0;
};

}  // namespace hh::pool
