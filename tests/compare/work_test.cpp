#include "gradquake/compare/work.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace gradquake::compare {
namespace {

namespace fs = std::filesystem;

class WorkTest : public testing::Test {
 protected:
  WorkTest() { fs::remove(file_); }
  ~WorkTest() override { fs::remove(file_); }

  std::string text() const {
    std::ifstream in(file_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Twice each number; counts what was done anew, where that is in this process.
  std::vector<nlohmann::json> doubled(Work& work, const std::vector<std::string>& names) {
    return work.results(names,
                        [&](std::size_t i) {
                          ++done_;
                          return nlohmann::ordered_json(2 * std::stod(names[i]));
                        },
                        {});
  }

  fs::path file_ = fs::temp_directory_path() / ("work_test_" + std::to_string(getpid()) + ".jsonl");
  int done_ = 0;
};

TEST_F(WorkTest, WhatIsFinishedIsNotDoneAgainAndALineCutShortIsNone) {
  {
    Work work(file_, 1, [] {});
    EXPECT_EQ(doubled(work, {"1", "2", "0.1"})[2], 0.2);
  }
  EXPECT_EQ(done_, 3);
  fs::resize_file(file_, fs::file_size(file_) - 3);
  Work work(file_, 1, [] {});
  EXPECT_EQ(doubled(work, {"0.1", "2", "1", "3"}), (std::vector<nlohmann::json>{0.2, 4.0, 2.0, 6.0}));
  EXPECT_EQ(done_, 5);
}

TEST_F(WorkTest, TheFileDoesNotTellHowManyWorked) {
  const std::vector<std::string> names{"5", "4", "3", "2", "1"};
  std::string texts[2];
  for (const std::int64_t jobs : {1, 3}) {
    fs::remove(file_);
    Work work(file_, jobs, [] {});
    doubled(work, names);
    work.put_in_order();
    texts[jobs == 3] = text();
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(texts[0].substr(0, texts[0].find('\n')), R"({"name": "5", "result": 10.0})");
}

TEST_F(WorkTest, WhatAnotherCallHasFinishedStays) {
  {
    Work work(file_, 1, [] {});
    doubled(work, {"1", "2"});
  }
  {
    Work work(file_, 1, [] {});
    doubled(work, {"3"});
    work.put_in_order();
  }
  Work work(file_, 1, [] {});
  done_ = 0;
  doubled(work, {"1", "2", "3"});
  EXPECT_EQ(done_, 0);
}

TEST_F(WorkTest, WhatWasFinishedBeforeAMistakeStays) {
  Work work(file_, 1, [] {});
  EXPECT_THROW(doubled(work, {"1", "x"}), std::invalid_argument);
  EXPECT_EQ(text(), "{\"name\": \"1\", \"result\": 2.0}\n");
}

TEST(PaceTest, SaysHowMuchIsDone) {
  Pace pace;
  EXPECT_EQ(pace.line(3, 10, "networks"), "3 of 10 networks");
  EXPECT_EQ(pace.line(10, 10, "networks"), "10 of 10 networks, 0 s left");
}

}  // namespace
}  // namespace gradquake::compare
