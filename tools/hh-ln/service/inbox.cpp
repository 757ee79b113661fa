#include "service/inbox.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/log.h"

namespace hh::ln {
namespace {

namespace fs = std::filesystem;
constexpr size_t most_file = 256u << 20;
constexpr size_t most_name = 200;           // bytes, of 255: a number, ".reason" and what a temporary file adds have room behind it
constexpr int64_t being_written_ms = 5000;  // a file without a last newline is waited for so long

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool may_still_grow(const std::string& path, std::string_view text) {
  if (!text.empty() && text.back() == '\n') return false;
  std::error_code gone;
  const auto age = fs::file_time_type::clock::now() - fs::last_write_time(path, gone);
  return gone || std::chrono::duration_cast<std::chrono::milliseconds>(age).count() < being_written_ms;
}

}  // namespace

Inbox::Inbox(const std::string& folder, Desk& desk) : folder_(folder), desk_(desk), watch_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!fs::is_directory(folder)) throw Error(Exit::no_input, fmt::format("inbox: there is no folder {}", folder));
  for (const char* name : {"done", "refused"}) {
    std::error_code error;
    fs::create_directory(folder + "/" + name, error);
    if (error) throw Error(Exit::cant_create, fmt::format("inbox: cannot make {}/{}: {}", folder, name, error.message()));
  }
  // Where inotify has no room left, the scan that comes by itself finds everything a little later.
  if (watch_ && ::inotify_add_watch(watch_.get(), folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0) log::warn("inbox_not_watched", {{"reason", reason(errno)}});
}

void Inbox::scan() {
  char events[4096];
  while (watch_ && ::read(watch_.get(), events, sizeof events) > 0) {
  }
  std::vector<std::string> names;
  std::error_code error;
  for (auto at = fs::directory_iterator(folder_, error); !error && at != fs::directory_iterator(); at.increment(error))
    if (at->is_regular_file(error) && !at->path().filename().string().starts_with('.')) names.push_back(at->path().filename().string());
  if (error) log::error("inbox_unreadable", {{"folder", folder_}, {"reason", error.message()}});
  std::sort(names.begin(), names.end());
  std::erase_if(stuck_, [&](const std::string& name) { return !std::binary_search(names.begin(), names.end(), name); });
  for (const std::string& name : names)
    if (!stuck_.contains(name)) take(name);
}

// Throws only where the journal cannot take it: what is wrong with one file, or with where it is to go, is no reason to stop for the others.
void Inbox::take(const std::string& name) {
  const std::string path = folder_ + "/" + name;
  std::string text, refused;
  try {
    text = read_file(path, most_file);
  } catch (const Error& e) {
    refused = e.what();
  }
  if (refused.empty() && may_still_grow(path, text)) return;
  if (refused.empty()) try {
      const auto lines = lines_of(text);
      if (lines.empty()) throw Error(Exit::data, "it has no manifest");
      for (const bool keep : {false, true})
        for (const std::string_view line : lines) desk_.take_manifest(line, keep);
    } catch (const Error& e) {
      if (e.code() == Exit::io || e.code() == Exit::temp_fail) throw;
      refused = e.what();
    }
  std::error_code error;
  if (fs::symlink_status(path, error).type() == fs::file_type::not_found) return;  // whoever put it there has taken it away
  if (!refused.empty()) log::error("manifest_refused", {{"file", path}, {"reason", refused}});
  try {
    move(name, refused.empty() ? "done" : "refused", refused);
  } catch (const Error& e) {
    stuck_.insert(name);
    log::error("inbox_file_stays", {{"file", path}, {"reason", e.what()}, {"hint", "it is looked at again when it has another name, or after a restart"}});
  }
}

// Nothing that lies there already is overwritten.
void Inbox::move(const std::string& name, const std::string& to, const std::string& reason) {
  const std::string first = fmt::format("{}/{}/{}", folder_, to, name.substr(0, most_name));
  std::string place = first;
  std::error_code error;
  for (int i = 2; fs::exists(place, error) || fs::exists(place + ".reason", error); ++i) place = fmt::format("{}.{}", first, i);
  if (!reason.empty()) write_file_durably(place + ".reason", reason + "\n", 0640);
  if (::rename((folder_ + "/" + name).c_str(), place.c_str()) != 0 && errno != ENOENT)
    throw Error(Exit::io, fmt::format("cannot move {}/{} to {}: {}", folder_, name, place, hh::reason(errno)));
}

void Pipe::read() {
  char piece[64 * 1024];
  const ssize_t n = ::read(fd_, piece, sizeof piece);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n > 0) buffer_.append(piece, static_cast<size_t>(n));
  over_ = n <= 0;
  take_lines();
}

// A line leaves the buffer when the journal has it, or will never take it: until then it is tried again.
void Pipe::take_lines() {
  waits_ = true;
  for (size_t end; (end = buffer_.find('\n')) != std::string::npos || (over_ && !buffer_.empty());) {
    end = std::min(end, buffer_.size());
    if (!skipping_) take(std::string_view(buffer_).substr(0, end));
    skipping_ = false;
    buffer_.erase(0, end + 1);
  }
  waits_ = false;
  if (over_) log::info("input_ended", {{"lines", number_}});
  if (buffer_.size() <= payout::max_manifest_line) return;
  if (!skipping_) log::error("manifest_refused", {{"line", ++number_}, {"reason", "a line of standard input is too long"}});
  skipping_ = true;
  buffer_.clear();
}

void Pipe::take(std::string_view line) {
  if (!line.empty()) try {
      desk_.take_manifest(line);
    } catch (const Desk::Refused& e) {
      log::error("manifest_refused", {{"line", number_ + 1}, {"reason", e.what()}});
    }
  ++number_;
}

}  // namespace hh::ln
