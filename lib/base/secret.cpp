#include "base/secret.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

namespace hh {
namespace {

constexpr size_t limit = 1u << 20;
constexpr size_t shortest_literal = 24;  // characters without a dot that are rather a macaroon, rune or key than a file's name

// A secret of several lines (PEM) could be logged in part, so its lines are hidden as well.
void hide(const std::string& secret) {
  log::hide(secret);
  for (size_t start = 0; start < secret.size();) {
    const size_t end = std::min(secret.find('\n', start), secret.size());
    log::hide(std::string_view(secret).substr(start, end - start));
    start = end + 1;
  }
}

std::string from_file(const std::string& path, const std::string& setting) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) throw Error(Exit::config, fmt::format("{}: secret file {} cannot be read: does it exist?", setting, shown_reference(path)));
  if ((info.st_mode & 077) != 0)
    throw Error(Exit::config, fmt::format("{}: secret file {} can be read by others (mode {:04o}): chmod 600 {}", setting, path, info.st_mode & 07777, path));
  return read_file(path, limit);
}

std::string from_credential(const std::string& name, const std::string& setting) {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr)
    throw Error(Exit::config, fmt::format("{}: credential:{} needs $CREDENTIALS_DIRECTORY (LoadCredential= in the unit)", setting, name));
  if (name.find('/') != std::string::npos) throw Error(Exit::config, fmt::format("{}: credential name {} has a slash", setting, name));
  return read_file(std::string(folder) + "/" + name, limit);
}

std::string from_command(const std::string& command, const std::string& setting) {
  FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) throw Error(Exit::config, fmt::format("{}: cannot run {}", setting, command));
  std::string output;
  char buffer[4096];
  size_t n = 0;
  while ((n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0 && output.size() <= limit) output.append(buffer, n);
  const int status = ::pclose(pipe);
  if (status != 0) throw Error(Exit::config, fmt::format("{}: the command for this secret failed (status {}): {}", setting, status, command));
  return output;
}

}  // namespace

std::string load_secret_bytes(const std::string& reference, const std::string& setting) {
  std::string secret;
  if (reference.starts_with("exec:"))
    secret = from_command(reference.substr(5), setting);
  else if (reference.starts_with("credential:"))
    secret = from_credential(reference.substr(11), setting);
  else
    secret = from_file(reference, setting);
  if (secret.empty()) throw Error(Exit::config, fmt::format("{}: the secret is empty", setting));
  log::hide(secret);
  return secret;
}

std::string load_secret(const std::string& reference, const std::string& setting) {
  std::string secret = load_secret_bytes(reference, setting);
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.empty()) throw Error(Exit::config, fmt::format("{}: the secret is empty", setting));
  hide(secret);
  return secret;
}

std::string shown_reference(const std::string& reference) {
  const bool names_a_place = reference.starts_with("exec:") || reference.starts_with("credential:") || reference.starts_with("/") ||
                             reference.find('.') != std::string::npos || reference.size() < shortest_literal || std::filesystem::exists(reference);
  return names_a_place && reference.find('\n') == std::string::npos ? reference : "[redacted]";
}

}  // namespace hh
