#include "miners.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/error.h"
#include "json/lines.h"
#include "records/miner.h"

namespace hh::pool {

// What tells whether the file was replaced or written to.
std::string Miners::stamp() const {
  struct stat s {};
  if (path_.empty() || ::stat(path_.c_str(), &s) != 0) return "";
  return fmt::format("{}.{}.{}.{}", s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
}

void Miners::load() {
  if (path_.empty()) return;
  stamp_ = stamp();  // before reading: a change meanwhile is seen next time, and a bad file is not read again every second
  std::unordered_map<std::string, Alias> aliases;
  json::for_each_record(path_, [&](const json::Json& record, const std::string& type) {
    if (type != "miner") return;
    const records::Miner m = records::parse_miner(record);
    if (bitcoin::script_from_address(m.miner, network_)) return;
    Alias alias;
    if (m.address) {
      const auto script = bitcoin::script_from_address(*m.address, network_);
      if (!script) throw Error(Exit::data, fmt::format("{}: the address of miner \"{}\" {}", path_, m.miner, script.reason));
      alias = {*m.address, script.script};
    }
    aliases.insert_or_assign(m.miner, std::move(alias));
  });
  aliases_ = std::move(aliases);
}

bool Miners::load_if_changed() {
  if (path_.empty() || stamp() == stamp_) return false;
  load();
  return true;
}

std::variant<Identity, std::string> Miners::account(std::string_view name) const {
  Identity who;
  auto script = bitcoin::script_from_address(name, network_);
  if (script) {
    who.miner = bitcoin::address_from_script(script.script, network_).value_or(std::string(name));
    who.script = std::move(script.script);
    return who;
  }
  const auto alias = aliases_.find(std::string(name));
  if (alias == aliases_.end()) return fmt::format("the user name is neither a known miner nor an address of {}: it {}", bitcoin::network_name(network_), script.reason);
  who.miner = name;
  who.address = alias->second.address;
  who.script = alias->second.script;
  return who;
}

// What is said of a worker goes before what is said of its user.
void Miners::redirect(Identity& who) const {
  auto at = who.worker.empty() ? pay_to_.end() : pay_to_.find(who.miner + "." + who.worker);
  if (at == pay_to_.end()) at = pay_to_.find(who.miner);
  if (at == pay_to_.end()) return;
  who.address = at->second == who.miner ? "" : at->second;
  who.script = bitcoin::script_from_address(at->second, network_).script;
}

std::variant<Identity, std::string> Miners::identify(std::string_view user_name) const {
  const size_t dot = user_name.find('.');
  const std::string_view name = user_name.substr(0, dot), worker = dot == std::string_view::npos ? "" : user_name.substr(dot + 1);
  if (!records::is_miner_name(name)) return "the user name must be ADDRESS or ADDRESS.WORKER: 1 to 128 printable ASCII characters without space before the first dot";
  if (!records::is_worker_name(worker)) return "the worker's name is longer than 128 bytes or has control characters";
  auto found = account(name);
  if (Identity* who = std::get_if<Identity>(&found)) {
    who->worker = worker;
    if (!pay_to_.empty()) redirect(*who);
    if (solo_ && who->script.empty()) return "this pool pays a block to its finder by the coinbase: the user name must be an address, or that of a miner who has one";
  }
  return found;
}

PayTo parse_pay_to(const std::vector<std::string>& list, bitcoin::Network network) {
  PayTo all;
  for (const std::string& text : list) {
    const auto refuse = [&](const std::string& why) { throw Error(Exit::config, fmt::format("pay_to: \"{}\" {}", text, why)); };
    const size_t equals = text.rfind('='), dot = text.find('.');  // no address has either
    if (equals == std::string::npos) refuse("is not USER=ADDRESS or USER.WORKER=ADDRESS");
    std::string user = text.substr(0, std::min(dot, equals));
    const std::string worker = dot < equals ? text.substr(dot, equals - dot) : "";
    if (!records::is_miner_name(user) || worker == "." || !records::is_worker_name(worker.empty() ? "" : worker.substr(1))) refuse("names no user that there can be");
    if (const auto own = bitcoin::script_from_address(user, network)) user = bitcoin::address_from_script(own.script, network).value_or(user);
    const auto script = bitcoin::script_from_address(text.substr(equals + 1), network);
    if (!script) refuse(fmt::format("has an address that {}", script.reason));
    if (!all.emplace(user + worker, bitcoin::address_from_script(script.script, network).value_or(text.substr(equals + 1))).second) refuse("comes after another for the same user");
  }
  return all;
}

}  // namespace hh::pool
