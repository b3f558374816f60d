#include "gradquake/compare/ranks.h"

#include <algorithm>
#include <numeric>

#include "gradquake/compare/interval.h"

namespace gradquake::compare {
namespace {

struct PairTest {
  std::size_t worse, better;
  double p;
};

PairTest test(const std::vector<std::vector<double>>& values, std::size_t i, std::size_t j) {
  std::vector<double> differences;
  for (std::size_t b = 0; b < values[i].size(); ++b) differences.push_back(values[i][b] - values[j][b]);
  const double sum = std::accumulate(differences.begin(), differences.end(), 0.0), p = p_of_mean(differences);
  return sum > 0 ? PairTest{i, j, p} : PairTest{j, i, p};
}

}  // namespace

std::vector<Rank> ranks_of(const std::vector<std::vector<double>>& values) {
  const auto all = static_cast<std::int64_t>(values.size());
  std::vector<PairTest> pairs;
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = i + 1; j < values.size(); ++j) pairs.push_back(test(values, i, j));
  std::stable_sort(pairs.begin(), pairs.end(), [](const PairTest& a, const PairTest& b) { return a.p < b.p; });
  std::vector<Rank> ranks(values.size(), Rank{1, all});
  constexpr double kLevel = 0.05;
  for (std::size_t k = 0; k < pairs.size() && pairs[k].p <= kLevel / static_cast<double>(pairs.size() - k); ++k) {
    ++ranks[pairs[k].better].first;
    --ranks[pairs[k].worse].last;
  }
  return ranks;
}

}  // namespace gradquake::compare
