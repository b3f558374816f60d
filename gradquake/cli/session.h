// What train and resume share: the run's log and progress on standard error, Ctrl-C, and the report at the end. On a
// terminal progress is one line that is written over; in a log it is a line at every tenth of the run and one for each
// episode.
#pragma once

#include <functional>

#include "gradquake/run/run.h"

namespace gradquake::cli {

class Session {
 public:
  explicit Session(bool json);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Sets what the run logs, shows and is stopped by.
  void attach(run::Options& options);
  // Runs `train`, prints its result, or what became of the folder where it failed, and returns the exit status.
  int finish(const run::RunFolder& folder, const std::function<run::RunResult()>& train);

 private:
  int print(const run::RunResult& result, const run::RunFolder& folder);
  void show(const run::Progress& progress);
  void log_tenth(const run::Progress& progress);
  void clear_line();

  bool json_;
  bool terminal_;
  bool line_shown_ = false;
  double start_s_;
  double last_shown_s_ = 0;
  std::int64_t first_step_ = -1;
};

}  // namespace gradquake::cli
