#include "json/strict.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/error.h"

namespace hh::json {
namespace {

constexpr size_t max_depth = 64;

// Builds the value while refusing what the library alone would let pass: duplicate keys, great depth, floats beyond range.
class Builder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return add(nullptr); }
  bool boolean(bool b) override { return add(b); }
  bool number_integer(int64_t n) override { return add(n); }
  bool number_unsigned(uint64_t n) override { return add(n); }
  bool number_float(double d, const std::string& text) override {
    // The lexer falls back to double for integers beyond 64 bits; taking those would round them.
    if (text.find_first_of(".eE") == std::string::npos) return fail("an integer beyond 64 bits: " + text.substr(0, 40));
    return add(d);
  }
  bool string(std::string& s) override { return add(std::move(s)); }
  bool binary(Json::binary_t&) override { return fail("binary data"); }
  bool start_object(size_t) override {
    keys_.emplace_back();
    return open(Json::object());
  }
  bool end_object() override {
    keys_.pop_back();
    stack_.pop_back();
    return true;
  }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_array() override {
    stack_.pop_back();
    return true;
  }
  bool key(std::string& k) override {
    if (!keys_.back().insert(k).second) return fail(fmt::format("duplicate key \"{}\"", k.substr(0, 60)));
    key_ = std::move(k);
    return true;
  }
  bool parse_error(size_t position, const std::string& token, const Json::exception& e) override {
    (void)token;
    // Shown without the bytes themselves: what() quotes input, which may be hostile or secret.
    const bool utf8 = std::string_view(e.what()).find("UTF-8") != std::string_view::npos;
    return fail(fmt::format("{} at byte {}", utf8 ? "invalid UTF-8" : "not valid JSON", position));
  }

  Json root;
  std::string problem;

 private:
  bool fail(std::string reason) {
    problem = std::move(reason);
    return false;
  }
  Json* place(Json&& value) {
    if (stack_.empty()) return &(root = std::move(value));
    Json& parent = *stack_.back();
    if (parent.is_array()) return &parent.emplace_back(std::move(value));
    // Keys are unique (checked above), so appending is enough; operator[] would search the whole object.
    auto& members = parent.get_ref<Json::object_t&>();
    members.emplace_back(std::move(key_), std::move(value));
    return &members.back().second;
  }
  bool add(Json&& value) {
    place(std::move(value));
    return true;
  }
  bool open(Json&& container) {
    if (stack_.size() >= max_depth) return fail(fmt::format("nested deeper than {}", max_depth));
    stack_.push_back(place(std::move(container)));
    return true;
  }

  std::vector<Json*> stack_;  // the containers that are open; a parent does not move while its child is open
  std::vector<std::unordered_set<std::string>> keys_;
  std::string key_;
};

}  // namespace

Json parse(std::string_view text) {
  // The library takes a zero byte for the end of its input and would not look at what follows.
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) throw Error(Exit::data, fmt::format("not valid JSON at byte {}: a zero byte", zero + 1));
  Builder builder;
  const bool good = Json::sax_parse(text.begin(), text.end(), &builder);
  if (!good || !builder.problem.empty()) throw Error(Exit::data, builder.problem.empty() ? "not valid JSON" : builder.problem);
  return std::move(builder.root);
}

std::string clean_text(std::string_view text, size_t max_bytes) {
  std::string out(text);
  if (text.size() > max_bytes) {
    size_t end = max_bytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // a byte that continues a character
    out = std::string(text.substr(0, end)) + "…";
  }
  return Json::parse(Json(out).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

std::string to_line(const Json& value) {
  try {
    return value.dump(-1, ' ', false, Json::error_handler_t::strict);
  } catch (const Json::exception&) {
    throw Error(Exit::software, "a record holds text that is not UTF-8");
  }
}

}  // namespace hh::json
