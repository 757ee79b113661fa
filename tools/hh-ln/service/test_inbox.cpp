// What comes in by file and pipe, whatever becomes of the file, the folder and the journal meanwhile.
#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "payout/test_rounds.h"
#include "service/inbox.h"
#include "test_support.h"

using namespace hh;
using namespace hh::ln;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

struct Scene {
  test::Folder folder;
  FakeClock clock;
  crypto::SigningKey key = crypto::SigningKey::generate();
  Desk desk{folder.file("db"), "", false, crypto::KeySet{key.public_key()}, clock};
  Scene() { fs::create_directory(folder.file("inbox")); }
  // A signed manifest of its own for each number.
  std::string line(int64_t number) {
    auto round = payout::test::round_of({payout::test::miner("alice", 1, 100), payout::test::miner("bob", 2, 200)});
    round.block->hash.back() = static_cast<char>('0' + number);
    const payout::Payout p = payout::compute_round(round, {});
    const std::string bytes = payout::manifest_bytes(p);
    return json::to_line(payout::to_record(payout::sign_manifest({p, bytes, payout::manifest_id(bytes)}, key, clock.unix_seconds(), clock.unix_seconds() + 604'800, "j" + std::to_string(number)))) + "\n";
  }
  void put(const std::string& name, const std::string& text) { std::ofstream(folder.file("inbox/" + name)) << text; }
  bool has(const std::string& name) { return fs::exists(folder.file("inbox/" + name)); }
  int64_t taken() { return desk.counters.manifests_taken; }
};

// The reader's end in `fd`.
struct Input {
  int fd = -1, to = -1;
  Input() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    fd = ends[0], to = ends[1];
  }
  ~Input() { ::close(fd), end(); }
  void write(const std::string& text) { REQUIRE(::write(to, text.data(), text.size()) == static_cast<ssize_t>(text.size())); }
  void end() {
    if (to >= 0) ::close(std::exchange(to, -1));
  }
};

}  // namespace

TEST_CASE("a file whose name leaves no room for its reason is refused all the same, and others go on (L040)", "[inbox]") {
  Scene s;
  Inbox inbox(s.folder.file("inbox"), s.desk);
  const std::string longest(255, 'x');
  s.put(longest, "nonsense\n");
  s.put("y", s.line(1));
  CHECK_NOTHROW(inbox.scan());
  CHECK_FALSE(s.has(longest));
  CHECK(s.has("refused/" + longest.substr(0, 200) + ".reason"));
  CHECK(s.has("done/y"));
  CHECK(s.taken() == 1);
}

TEST_CASE("a file that cannot be moved away stays, said once, and others go on (L040)", "[inbox]") {
  Scene s;
  Inbox inbox(s.folder.file("inbox"), s.desk);
  fs::remove(s.folder.file("inbox/refused"));
  s.put("bad", "nonsense\n");
  s.put("good", s.line(1));
  for (int i = 0; i < 3; ++i) CHECK_NOTHROW(inbox.scan());
  CHECK(s.has("bad"));
  CHECK(s.has("done/good"));
  CHECK(s.desk.counters.manifests_refused == 1);
  fs::rename(s.folder.file("inbox/bad"), s.folder.file("inbox/better"));
  fs::create_directory(s.folder.file("inbox/refused"));
  inbox.scan();
  CHECK(s.has("refused/better"));
}

TEST_CASE("a line from the pipe that the journal cannot take now is taken later, without more input; a half line at the end is one of several (L040)", "[inbox]") {
  Scene s;
  Input input;
  Pipe pipe(input.fd, s.desk);
  s.desk.with_journal([](Journal& j) { return j.database().execute("PRAGMA busy_timeout = 1"), 0; });
  std::string last = s.line(3);
  last.pop_back();
  {
    store::Database other(s.folder.file("db"), {.mode = store::Mode::read_write, .on_fatal = {}, .vfs = {}});
    store::Transaction busy(other);
    input.write(s.line(1) + s.line(2) + last);
    for (int i = 0; i < 2; ++i) {
      CHECK_THROWS_WITH(i == 0 ? pipe.read() : pipe.take_lines(), Contains("lock"));
      CHECK(pipe.waits());
      CHECK(pipe.fd() == -1);  // nothing more is read before these are taken
    }
  }
  pipe.take_lines();
  CHECK(s.taken() == 2);
  CHECK_FALSE(pipe.waits());
  CHECK(pipe.fd() == input.fd);
  {
    store::Database other(s.folder.file("db"), {.mode = store::Mode::read_write, .on_fatal = {}, .vfs = {}});
    store::Transaction busy(other);
    input.write("\n" + s.line(4) + "nonsense\n" + s.line(5).substr(0, 100));
    CHECK_THROWS_WITH(pipe.read(), Contains("lock"));
    input.end();
  }
  pipe.take_lines();
  CHECK(s.taken() == 4);
  pipe.read();
  CHECK(pipe.fd() == -1);
  CHECK_FALSE(pipe.waits());
  CHECK(s.taken() == 4);
  CHECK(s.desk.counters.manifests_refused == 2);
}

TEST_CASE("a desk whose journal has broken says so, though the rest of the service has connections of its own (L041)", "[inbox]") {
  Scene s;
  CHECK_NOTHROW(s.desk.require_alive());
  std::ofstream(s.folder.file("db"), std::ios::in | std::ios::out) << std::string(200, 'x');
  CHECK_THROWS(s.desk.paused());
  CHECK_THROWS_AS(s.desk.require_alive(), Error);
}
