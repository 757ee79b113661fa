#include "wishes.h"

#include <algorithm>
#include <string>

namespace hh::pool {
namespace {

std::optional<bitcoin::Difficulty> read_difficulty(std::string_view text) {
  if (const auto d = bitcoin::Difficulty::from_text(text)) return std::min(*d, bitcoin::max_share_difficulty());
  std::string_view whole = text.substr(0, text.find('.'));
  whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));
  if (whole.size() >= 10 && text.find_first_not_of("0123456789.") == std::string_view::npos) return bitcoin::max_share_difficulty();
  return std::nullopt;
}

void read_part(Wishes& w, std::string_view part) {
  const size_t equals = part.find('=');
  if (equals == std::string_view::npos) return;
  std::string key(part.substr(0, equals));
  std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c); });
  const auto d = read_difficulty(part.substr(equals + 1));
  if (!d) return;
  if (key == "d" || key == "diff" || key == "difficulty") w.fixed = d;
  if (key == "sd" || key == "startdiff") w.start = d;
  if (key == "md" || key == "mindiff") w.least = d;
}

}  // namespace

Wishes wishes_of(std::string_view password) {
  Wishes w;
  for (size_t at = 0; at <= password.size();) {
    const size_t end = std::min(password.find_first_of(",;& ", at), password.size());
    read_part(w, password.substr(at, end - at));
    at = end + 1;
  }
  return w;
}

}  // namespace hh::pool
