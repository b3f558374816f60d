// What train and resume share: the run's log and progress on standard error, Ctrl-C, and the report at the end.
#pragma once

#include "gradquake/run/run.h"

namespace gradquake::cli {

class Session {
 public:
  explicit Session(bool json);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  run::RunHooks hooks();
  // Prints the result and returns the exit status.
  int finish(const run::RunResult& result, const run::RunFolder& folder);

 private:
  void show(const run::Progress& progress);
  void clear_line();

  bool json_;
  bool terminal_;
  bool line_shown_ = false;
  double start_s_;
  double last_shown_s_ = 0;
  std::int64_t first_step_ = -1;
};

}  // namespace gradquake::cli
