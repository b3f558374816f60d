#include "gradquake/run/workers.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <map>
#include <set>
#include <stdexcept>

#include "gradquake/core/error.h"

namespace gradquake::run {
namespace {

using Results = std::map<std::size_t, std::string>;

Results shared_out(const std::vector<std::size_t>& items, std::int64_t jobs,
                   const std::function<std::string(std::size_t)>& work) {
  Results results;
  share_out(items, jobs, work, [&](std::size_t item, const std::string& result) {
    EXPECT_TRUE(results.emplace(item, result).second) << "twice: " << item;
  });
  return results;
}

TEST(WorkersTest, EachItemComesBackOnceHoweverManyWork) {
  const std::vector<std::size_t> items{7, 3, 11, 0, 5};
  const auto work = [](std::size_t item) { return std::string(item * 100000, 'x') + std::to_string(item); };
  const Results alone = shared_out(items, 1, work);
  ASSERT_EQ(alone.size(), items.size());
  for (const std::int64_t jobs : {2, 3, 16}) EXPECT_EQ(shared_out(items, jobs, work), alone) << jobs;
  EXPECT_TRUE(shared_out({}, 2, work).empty());
}

TEST(WorkersTest, TwoJobsAreTwoProcessesAndOneIsTheCallers) {
  const auto process = [](std::size_t) {
    usleep(20000);
    return std::to_string(getpid());
  };
  std::set<std::string> seen;
  for (const auto& [item, pid] : shared_out({0, 1, 2, 3}, 2, process)) seen.insert(pid);
  EXPECT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen.count(std::to_string(getpid())), 0U);
  EXPECT_EQ(shared_out({0}, 2, process).at(0), std::to_string(getpid()));
}

TEST(WorkersTest, AMistakeOfTheCallerStaysOne) {
  const auto work = [](std::size_t item) -> std::string {
    if (item == 1) throw UserError("data", "expected a file, got [none]");
    return "";
  };
  for (const std::int64_t jobs : {1, 2}) {
    try {
      shared_out({0, 1, 2}, jobs, work);
      FAIL() << "nothing thrown";
    } catch (const UserError& error) {
      EXPECT_STREQ(error.what(), "[data] expected a file, got [none]");
    }
  }
}

TEST(WorkersTest, AProcessThatDiesIsSaidAndNoneIsLeft) {
  const auto work = [](std::size_t item) -> std::string {
    if (item == 1) raise(SIGKILL);
    return "";
  };
  EXPECT_THROW(shared_out({0, 1, 2}, 2, work), std::runtime_error);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(WorkersTest, NoneOutlivesACallerThatIsKilled) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t caller = fork();
  ASSERT_GE(caller, 0);
  if (caller == 0) {
    share_out(
        {0, 1}, 2,
        [&](std::size_t) {
          const char ready = 'r';
          if (write(pipe_ends[1], &ready, 1) != 1) _exit(1);
          pause();
          return std::string();
        },
        [](std::size_t, const std::string&) {});
    _exit(0);
  }
  close(pipe_ends[1]);
  char ready[2];
  for (char& one : ready) ASSERT_EQ(read(pipe_ends[0], &one, 1), 1);
  kill(caller, SIGKILL);
  waitpid(caller, nullptr, 0);
  char more;
  EXPECT_EQ(read(pipe_ends[0], &more, 1), 0);  // every holder of the other end is gone
  close(pipe_ends[0]);
}

}  // namespace
}  // namespace gradquake::run
