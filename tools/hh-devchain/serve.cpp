#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <filesystem>

#include "base/daemon.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "commands.h"
#include "crypto/random.h"
#include "http_server.h"
#include "json/fields.h"
#include "json/lines.h"
#include "node.h"
#include "rpc.h"
#include "store/writer_lock.h"

namespace hh::devchain {

namespace {

// The cookie and the address in the data folder, for as long as the node runs.
class Announcement {
 public:
  Announcement(const std::string& datadir, const std::string& credentials, const std::string& url)
      : cookie_(std::filesystem::absolute(datadir + "/.cookie").string()), url_file_(datadir + "/rpc_url") {
    write_file_durably(cookie_, credentials, 0600);
    write_file_durably(url_file_, url + "\n", 0644);
  }
  ~Announcement() {
    std::remove(cookie_.c_str());
    std::remove(url_file_.c_str());
  }
  Announcement(const Announcement&) = delete;
  Announcement& operator=(const Announcement&) = delete;
  const std::string& cookie() const { return cookie_; }

 private:
  std::string cookie_, url_file_;
};

uint32_t read_bits(const std::string& text) {
  uint32_t bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits, 16);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() != 8) throw Error(Exit::config, "bits must be eight hexadecimal digits, such as 1e0aaaaa; they are \"" + text + "\"");
  return bits;
}

NodeConfig node_config(const Settings& s) {
  return {s.required("datadir"), read_bits(s.text("bits")), s.origin("bits") != "default", s.integer("mempool.seconds") * 1000};
}

json::Json ready_record(const std::string& url, const std::string& cookie) {
  json::Json r = json::make_record("devchain");
  r["simulated"] = true;
  r["rpc_url"] = url;
  r["cookie_file"] = cookie;
  return r;
}

}  // namespace

std::vector<Setting> setting_list() {
  return {
      {"datadir", "devchain", Kind::text, "folder of the chain, the cookie and the node's address"},
      {"rpc.port", "0", Kind::integer, "port on 127.0.0.1; 0: any that is free", false, 0, 65535},
      {"bits", "1e0aaaaa", Kind::text, "compact target of every block of a new chain; the default takes about 1.6 million hashes"},
      {"mempool.seconds", "10", Kind::integer, "seconds between new transactions; 0: none after the first few", false, 0, 86400},
  };
}

int serve(const Settings& settings) {
  install_signal_flags();
  const NodeConfig config = node_config(settings);
  std::error_code failed;
  std::filesystem::create_directories(config.datadir, failed);
  if (failed) throw Error(Exit::cant_create, fmt::format("cannot make the folder {}: {}", config.datadir, failed.message()));
  const store::WriterLock lock(config.datadir + "/blocks.dat");
  Node node(config);

  const std::string credentials = "__cookie__:" + to_hex(crypto::system_random().bytes(32));
  log::hide(credentials);
  HttpServer server(static_cast<uint16_t>(settings.integer("rpc.port")), credentials, [&](const std::string& body) {
    const RpcReply reply = answer(node, body, stop_requested);
    return HttpReply{reply.http_status, reply.body};
  });
  const std::string url = fmt::format("http://127.0.0.1:{}", server.port());
  const Announcement announcement(config.datadir, credentials, url);
  log::info("ready", {{"rpc_url", url}, {"height", node.with_chain([](const Chain& c) { return c.tip().height; })}});
  json::print(ready_record(url, announcement.cookie()));
  notify_service_manager("READY=1");

  server.run([&] {
    if (stop_requested()) node.stop();  // ends the long polls, whose threads run() waits for
    return stop_requested();
  });
  notify_service_manager("STOPPING=1");
  return 0;
}

}  // namespace hh::devchain
