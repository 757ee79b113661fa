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

std::variant<Identity, std::string> Miners::identify(std::string_view user_name) const {
  const size_t dot = user_name.find('.');
  const std::string name(user_name.substr(0, dot));
  Identity who;
  who.worker = dot == std::string_view::npos ? "" : std::string(user_name.substr(dot + 1));
  if (!records::is_miner_name(name)) return "the user name must be ADDRESS or ADDRESS.WORKER: 1 to 128 printable ASCII characters without space before the first dot";
  if (!records::is_worker_name(who.worker)) return "the worker's name is longer than 128 bytes or has control characters";
  auto script = bitcoin::script_from_address(name, network_);
  if (script) {
    who.miner = bitcoin::address_from_script(script.script, network_).value_or(name);
    who.script = std::move(script.script);
    return who;
  }
  const auto alias = aliases_.find(name);
  if (alias == aliases_.end()) return fmt::format("the user name is neither a known miner nor an address of {}: it {}", bitcoin::network_name(network_), script.reason);
  who.miner = name;
  who.address = alias->second.address;
  who.script = alias->second.script;
  return who;
}

}  // namespace hh::pool
