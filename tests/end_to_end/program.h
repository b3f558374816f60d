// The built program as a user runs it: started with arguments in a working directory, stopped by signals, its two
// outputs kept apart.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace gradquake::end_to_end {

struct Result {
  int status = 0;  // exit status, or 128 + signal as a shell reports it
  std::string out, err;
};

using Arguments = std::vector<std::string>;

// `gradquake ARGUMENTS` in the background, standard input empty.
class Process {
 public:
  enum class Errors { kFile, kTerminal };  // where standard error leads

  Process(const Arguments& arguments, const std::filesystem::path& folder, Errors errors = Errors::kFile);
  ~Process();  // kills it if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Until `condition` holds; false where the program ended before.
  bool wait_until(const std::function<bool()>& condition);
  void send(int signal) const;
  Result wait();

 private:
  bool ended();
  std::string errors();

  pid_t pid_ = -1;
  int out_ = -1, err_ = -1, terminal_ = -1;
  bool ended_ = false;
  int state_ = 0;
};

Result run(const Arguments& arguments, const std::filesystem::path& folder);

}  // namespace gradquake::end_to_end
