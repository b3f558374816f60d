// Finished runs on disk, so that an interrupted reproduction goes on where it was: one line of JSON a run in
// runs.jsonl, appended with one write each. A torn last line (kill -9) is cut off by the next start; a line that cannot
// be read is ignored and its run made again.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/paper/run_spec.h"

namespace gradquake::paper {

class GRADQUAKE_EXPORT RunStore {
 public:
  // Reads what is there; throws UserError where the file cannot be opened for writing.
  explicit RunStore(const std::filesystem::path& file);
  ~RunStore();
  RunStore(const RunStore&) = delete;
  RunStore& operator=(const RunStore&) = delete;

  const RunRecord* find(const std::string& key) const;                      // valid as long as the store
  void append(const std::vector<std::pair<std::string, RunRecord>>& runs);  // from any thread
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, RunRecord> records_;
  int descriptor_ = -1;
};

}  // namespace gradquake::paper
