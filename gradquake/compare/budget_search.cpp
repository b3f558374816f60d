#include "gradquake/compare/budget_search.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace gradquake::compare {

std::vector<double> monotone_fit(std::vector<double> values) {
  struct Block {
    double sum;
    std::size_t size;
    double mean() const { return sum / static_cast<double>(size); }
  };
  std::vector<Block> blocks;
  for (const double value : values) {
    blocks.push_back({value, 1});
    while (blocks.size() > 1 && blocks[blocks.size() - 2].mean() > blocks.back().mean()) {
      const Block last = blocks.back();
      blocks.pop_back();
      blocks.back().sum += last.sum;
      blocks.back().size += last.size;
    }
  }
  values.clear();
  for (const Block& block : blocks) values.insert(values.end(), block.size, block.mean());
  return values;
}

BudgetSearch::BudgetSearch(double budget, int least, int most, int start, int stride)
    : budget_(budget), least_(least), most_(most), start_(std::clamp(start, least, most)), stride_(stride) {}

std::vector<int> BudgetSearch::next() const {
  if (tried_.empty()) return {start_};
  std::vector<int> wanted;
  const int lowest = tried_.begin()->first, highest = tried_.rbegin()->first;
  const std::optional<int> low = within(), high = beyond();
  if (!low && lowest > least_) wanted.push_back(std::max(lowest - stride_, least_));
  if (!high && highest < most_) wanted.push_back(std::min(highest + stride_, most_));
  if (!wanted.empty()) return wanted;
  const int below = low.value_or(least_), above = high.value_or(most_);
  for (const int k : {below + stride_ / 2, above - stride_ / 2})
    if (k > below && k < above && tried_.count(k) == 0 && (wanted.empty() || wanted.back() < k)) wanted.push_back(k);
  return wanted;
}

void BudgetSearch::add(int k, std::vector<double> costs) { tried_[k] = std::move(costs); }

std::map<int, Interval> BudgetSearch::costs() const {
  std::map<int, std::vector<double>> fitted;  // by seed
  const std::size_t seeds = tried_.empty() ? 0 : tried_.begin()->second.size();
  for (std::size_t seed = 0; seed < seeds; ++seed) {
    std::vector<double> own;
    for (const auto& [k, costs] : tried_) own.push_back(costs[seed]);
    own = monotone_fit(std::move(own));
    auto value = own.begin();
    for (const auto& [k, costs] : tried_) fitted[k].push_back(*value++);
  }
  std::map<int, Interval> intervals;
  for (const auto& [k, costs] : fitted) intervals[k] = mean_of(costs);
  return intervals;
}

std::optional<int> BudgetSearch::within() const {
  std::optional<int> largest;
  for (const auto& [k, cost] : costs())
    if (cost.high < budget_) largest = k;
  return largest;
}

std::optional<int> BudgetSearch::beyond() const {
  for (const auto& [k, cost] : costs())
    if (cost.low > budget_) return k;
  return std::nullopt;
}

}  // namespace gradquake::compare
