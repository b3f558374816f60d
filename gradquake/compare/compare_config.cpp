#include "gradquake/compare/compare_config.h"

#include <algorithm>

#include "gradquake/config/kind_reader.h"
#include "gradquake/hooks/perturbation.h"
#include "gradquake/hooks/sites/glob.h"

namespace gradquake::compare {
namespace {

// `drawn`: the key of the first and the most.
Sampling read_sampling(config::Reader reader, const std::string& drawn, Sampling sampling, std::int64_t least_batches) {
  const Sampling def = sampling;
  sampling.batches = reader.integer("batches", def.batches, least_batches, 1 << 20);
  const auto range = reader.integers(drawn, {def.least, def.most}, 2, 1 << 20);
  if (range.size() != 2 || range[0] > range[1])
    reader.fail(drawn, "expected two numbers, the first and the most, such as [" + std::to_string(def.least) + ", " +
                           std::to_string(def.most) + "]");
  sampling.least = range[0];
  sampling.most = range[1];
  sampling.width = reader.number("width", def.width, config::Range::positive());
  reader.finish();
  return sampling;
}

// Their size is the comparison's to set, relative to the tensor.
std::vector<KindSpec> read_kinds(config::Reader& compare) {
  std::vector<KindSpec> kinds;
  for (config::Reader& reader : compare.list("kinds")) {
    for (const char* own : {"scale", "relative_to"})
      if (reader.has(own))
        reader.fail(own, "expected no key of this name here: compare.relative_sizes says how large it is");
    const KindSpec kind = config::read_kind(reader, perturbations(), "gaussian");
    if (!kind.has("scale") || !kind.has("relative_to"))
      reader.fail("kind", "expected a kind with a scale that can be relative to the tensor, such as gaussian, got '" +
                              kind.kind + "'");
    reader.finish();
    kinds.push_back(kind);
  }
  if (kinds.empty()) kinds.push_back(perturbations().complete("gaussian"));
  return kinds;
}

}  // namespace

CompareConfig read_compare(config::Reader reader) {
  CompareConfig compare;
  compare.sites = reader.text("sites", compare.sites);
  try {
    const Glob checked(compare.sites);
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    reader.fail("sites", message.substr(message.find("] ") + 2));  // without the room
  }
  compare.at = reader.integers("at", compare.at, 0);
  if (compare.at.empty()) reader.fail("at", "expected a step at least, got none");
  std::sort(compare.at.begin(), compare.at.end());
  compare.at.erase(std::unique(compare.at.begin(), compare.at.end()), compare.at.end());
  compare.share = reader.number("share", compare.share, config::Range::positive());
  compare.screen = read_sampling(reader.section("screen"), "vectors", compare.screen, 1);
  compare.kinds = read_kinds(reader);
  compare.relative_sizes = reader.numbers("relative_sizes", compare.relative_sizes, config::Range::positive());
  if (compare.relative_sizes.empty()) reader.fail("relative_sizes", "expected a size at least, got none");
  std::sort(compare.relative_sizes.begin(), compare.relative_sizes.end());
  compare.probe = read_sampling(reader.section("probe"), "repeats", compare.probe, 2);
  reader.finish();
  return compare;
}

}  // namespace gradquake::compare
