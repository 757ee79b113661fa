// What a person at a terminal gets instead of records.
#pragma once
#include <string>
#include <vector>

namespace hh {

// Columns as wide as needed, two spaces apart. Columns named in `right` (by a '>' before the heading) are set to the right.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  void add(std::vector<std::string> cells);
  std::string text() const;

 private:
  std::vector<bool> right_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hh
