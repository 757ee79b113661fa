// A daemon's control socket: how its own command line asks the running process.
//
// A Unix stream socket of mode 0600. A client sends one line, a JSON object with `command` and what that command needs; the answer is lines
// of records, and last of all one line of type `control` that says whether it worked, so that a client knows that it has heard all of it:
//
//   > {"command":"miner","miner":"alice"}
//   < {"type":"miner_status","v":1,…}
//   < {"type":"control","v":1,"ok":true}
//   < {"type":"control","v":1,"ok":false,"exit_code":66,"reason":"no miner \"alice\" is known"}
//
// A thread of its own serves it, and every client has bounded time and memory: one that says nothing or reads nothing is dropped after
// `patience_ms` and meanwhile holds up neither the daemon nor other clients. Commands run on that thread, one at a time; what they need of the
// daemon's event loop they ask for with LoopCall.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file.h"
#include "json/fields.h"

namespace hh::control {

struct Limits {
  size_t most_clients = 32;
  size_t most_request = 16 * 1024;   // bytes of a request line
  size_t most_answer = 256u << 20;   // bytes of an answer that wait for one client
  int64_t patience_ms = 10'000;      // without a byte going either way
};

class Server {
 public:
  // Appends whole lines to answer (with newlines). Throws Error: the client gets its sentence and ends with its code.
  using Command = std::function<void(const json::Fields& request, std::string& answer)>;

  explicit Server(Limits limits = {});
  ~Server();

  // Before start().
  void on(const std::string& command, Command run) { commands_[command] = std::move(run); }
  // Binds path: what a daemon that died left there is replaced. Throws Error(temp_fail) where a daemon answers there, Error(cant_create) where
  // the path cannot be made. take_over: replace the socket of a daemon that lives (it keeps its clients, and leaves the name alone when it ends).
  void start(const std::string& path, bool take_over = false);
  // Ends the thread; removes the socket unless another daemon has taken the name. Called by the destructor too.
  void stop();
  const std::atomic<bool>& stopping() const { return stopping_; }  // for LoopCall
  const std::string& path() const { return path_; }

 private:
  struct Client;
  void loop();
  void accept_clients();
  void read(Client& c);
  void run(Client& c, std::string_view line);
  void write(Client& c);
  Limits limits_;
  std::map<std::string, Command> commands_;
  std::string path_;
  FileHandle listener_, wake_;
  uint64_t inode_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace hh::control
