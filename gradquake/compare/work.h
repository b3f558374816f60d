// The work of a comparison: named items, each done once, by several processes, and kept in a file as they are done, so
// that a killed comparison goes on where it was.
//
//   Work work(folder / "finished.jsonl", jobs, [] { make_the_folder(); });
//   const auto results = work.results({"a", "b"}, [](std::size_t i) { return json_of(i); });
//
// A line an item: {"name": NAME, "result": RESULT}. A line that a kill cut short is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/report/json_lines.h"

namespace gradquake::compare {

class GRADQUAKE_EXPORT Work {
 public:
  // `before_writing`: called once, before the file is written to. No path: nothing is kept.
  Work(std::filesystem::path file, std::int64_t jobs, std::function<void()> before_writing);
  ~Work();
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  // The results of these, in this order: of those not finished yet, what `work` gives. `tick`: how many of how many are
  // there. What an item throws is thrown (run/workers.h).
  std::vector<nlohmann::json> results(const std::vector<std::string>& names,
                                      const std::function<nlohmann::ordered_json(std::size_t item)>& work,
                                      const std::function<void(std::size_t done, std::size_t all)>& tick);

  // Writes the file anew with what was asked for, in the order it was, and what was not behind it: equal comparisons
  // then have equal files, however many processes there were.
  void put_in_order();

 private:
  void keep(const std::string& name, const std::string& result);

  std::filesystem::path path_;
  std::int64_t jobs_;
  std::function<void()> before_writing_;
  std::map<std::string, std::string> finished_;
  std::vector<std::string> asked_;  // in order, each once
  std::set<std::string> asked_names_;
  std::uint64_t bytes_ = 0;  // of the file's whole lines
  std::optional<report::JsonLines> file_;
};

// What stands between two looks at the clock: "12 of 48 cells, 40 s left".
class GRADQUAKE_EXPORT Pace {
 public:
  Pace();
  // At the pace since the first call of this.
  std::string line(std::size_t done, std::size_t all, const std::string& what);

 private:
  std::int64_t started_ns_ = 0;
  std::optional<std::size_t> first_;
};

}  // namespace gradquake::compare
