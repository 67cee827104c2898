// Columns whose groups are listed one by one (GPTQ's g_idx), as groups of neighbours.
#include "stored_codes.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace tsumugi {

static void check_groups(const std::vector<int32_t>& groups, int64_t count) {
  for (const int32_t group : groups) {
    if (group < 0 || group >= count) throw std::runtime_error("a list of groups names one that is not there");
  }
}

// Every column becomes a group of its own: for matrices that are decoded at once.
static void spread_groups(CodedRows& coded, const std::vector<int32_t>& groups, int64_t count) {
  const auto spread = [&](std::vector<float>& shared) {
    if (shared.empty()) return;
    std::vector<float> each(static_cast<size_t>(coded.rows * coded.columns));
    for (int64_t row = 0; row < coded.rows; ++row) {
      for (int64_t column = 0; column < coded.columns; ++column) {
        each[static_cast<size_t>(row * coded.columns + column)] =
            shared[static_cast<size_t>(row * count + groups[static_cast<size_t>(column)])];
      }
    }
    shared = std::move(each);
  };
  spread(coded.scales);
  spread(coded.offsets);
  coded.group = 1;
}

static void sort_columns(CodedRows& coded, const std::vector<int32_t>& groups) {
  coded.order.resize(groups.size());
  std::iota(coded.order.begin(), coded.order.end(), 0);
  std::stable_sort(coded.order.begin(), coded.order.end(),
                   [&](int32_t a, int32_t b) { return groups[static_cast<size_t>(a)] < groups[static_cast<size_t>(b)]; });
  for (size_t place = 0; place < groups.size(); ++place) {
    if (groups[static_cast<size_t>(coded.order[place])] != static_cast<int64_t>(place) / coded.group)
      throw std::runtime_error("groups of columns are not full");
  }
  std::vector<uint8_t> line(groups.size());
  for (int64_t row = 0; row < coded.rows; ++row) {
    uint8_t* codes = coded.codes.data() + row * coded.columns;
    for (size_t place = 0; place < line.size(); ++place) line[place] = codes[coded.order[place]];
    std::copy(line.begin(), line.end(), codes);
  }
}

void group_columns(CodedRows& coded, ColumnGroups column_groups, const std::vector<int32_t>& groups, int64_t count) {
  if (column_groups == ColumnGroups::runs) return;
  if (static_cast<int64_t>(groups.size()) != coded.columns) throw std::runtime_error("a list of groups is too short");
  check_groups(groups, count);
  if (column_groups == ColumnGroups::any) return spread_groups(coded, groups, count);
  sort_columns(coded, groups);
}

}  // namespace tsumugi
