#include "base/secret.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

namespace hh {
namespace {

constexpr size_t limit = 1u << 20;

std::string from_file(const std::string& path, const std::string& setting) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) throw Error(Exit::config, fmt::format("{}: secret file {} cannot be read: does it exist?", setting, path));
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

std::string load_secret(const std::string& reference, const std::string& setting) {
  std::string secret;
  if (reference.starts_with("exec:"))
    secret = from_command(reference.substr(5), setting);
  else if (reference.starts_with("credential:"))
    secret = from_credential(reference.substr(11), setting);
  else
    secret = from_file(reference, setting);
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.empty()) throw Error(Exit::config, fmt::format("{}: the secret is empty", setting));
  log::hide(secret);
  return secret;
}

}  // namespace hh
