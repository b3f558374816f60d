#include "gradquake/compare/compare_config.h"

#include <algorithm>

#include "gradquake/hooks/sites/glob.h"

namespace gradquake::compare {
namespace {

ScreenConfig read_screen(config::Reader reader) {
  ScreenConfig screen;
  screen.batches = reader.integer("batches", screen.batches, 1, 1 << 20);
  const auto vectors = reader.integers("vectors", {screen.least, screen.most}, 2, 1 << 20);
  if (vectors.size() != 2 || vectors[0] > vectors[1])
    reader.fail("vectors", "expected two numbers, the first and the most, such as [4, 64]");
  screen.least = vectors[0];
  screen.most = vectors[1];
  screen.width = reader.number("width", screen.width, config::Range::positive());
  reader.finish();
  return screen;
}

}  // namespace

CompareConfig read_compare(config::Reader reader) {
  CompareConfig compare;
  compare.sites = reader.text("sites", compare.sites);
  try {
    glob_matches(compare.sites, "");
  } catch (const std::invalid_argument& error) {
    const std::string message = error.what();
    reader.fail("sites", message.substr(message.find("] ") + 2));  // without the room
  }
  compare.at = reader.integers("at", compare.at, 0);
  if (compare.at.empty()) reader.fail("at", "expected a step at least, got none");
  std::sort(compare.at.begin(), compare.at.end());
  compare.at.erase(std::unique(compare.at.begin(), compare.at.end()), compare.at.end());
  compare.share = reader.number("share", compare.share, config::Range::positive());
  compare.screen = read_screen(reader.section("screen"));
  reader.finish();
  return compare;
}

}  // namespace gradquake::compare
