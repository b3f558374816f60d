#include "gradquake/compare/work.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "gradquake/core/replace_file.h"
#include "gradquake/data/input_file.h"
#include "gradquake/run/workers.h"

namespace gradquake::compare {
namespace {

std::string line_of(const std::string& name, const std::string& result) {
  return fmt::format(R"({{"name": {}, "result": {}}})", nlohmann::json(name).dump(), result);
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Work::Work(std::filesystem::path file, std::int64_t jobs, std::function<void()> before_writing)
    : path_(std::move(file)), jobs_(jobs), before_writing_(std::move(before_writing)) {
  if (!std::filesystem::exists(path_)) return;
  const std::string text = data::read_text(path_.string());
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', bytes_)) {
    const auto line = nlohmann::ordered_json::parse(text.substr(bytes_, end - bytes_));
    finished_[line.at("name")] = line.at("result").dump();
    bytes_ = end + 1;
  }
}

Work::~Work() = default;

void Work::keep(const std::string& name, const std::string& result) {
  finished_[name] = result;
  if (path_.empty()) return;
  if (!file_) {
    before_writing_();
    file_.emplace(path_, bytes_);
  }
  file_->write(line_of(name, result));
  file_->sync();
}

std::vector<nlohmann::json> Work::results(const std::vector<std::string>& names,
                                          const std::function<nlohmann::ordered_json(std::size_t item)>& work,
                                          const std::function<void(std::size_t, std::size_t)>& tick) {
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (finished_.count(names[i]) == 0) missing.push_back(i);
    if (asked_names_.insert(names[i]).second) asked_.push_back(names[i]);
  }
  std::size_t done = names.size() - missing.size();
  run::share_out(
      missing, jobs_, [&](std::size_t i) { return work(i).dump(); },
      [&](std::size_t i, const std::string& result) {
        keep(names[i], result);
        if (tick) tick(++done, names.size());
      });
  std::vector<nlohmann::json> found;
  found.reserve(names.size());
  for (const std::string& name : names) found.push_back(nlohmann::json::parse(finished_.at(name)));
  return found;
}

void Work::put_in_order() {
  if (asked_.empty() || path_.empty()) return;
  std::string text;
  for (const std::string& name : asked_) text += line_of(name, finished_.at(name)) + '\n';
  for (const auto& [name, result] : finished_)
    if (asked_names_.count(name) == 0) text += line_of(name, result) + '\n';
  file_.reset();
  before_writing_();
  write_result("compare", path_, text);
  bytes_ = text.size();
}

Pace::Pace() = default;

std::string Pace::line(std::size_t done, std::size_t all, const std::string& what) {
  if (!first_ || done < *first_) {
    first_ = done;
    started_ns_ = now_ns();
    return fmt::format("{} of {} {}", done, all, what);
  }
  constexpr double kSecond = 1e9, kMinute = 60;
  const double passed = static_cast<double>(now_ns() - started_ns_) / kSecond;
  const double left =
      passed / static_cast<double>(std::max<std::size_t>(done - *first_, 1)) * static_cast<double>(all - done);
  return fmt::format("{} of {} {}, {} left", done, all, what,
                     left < 2 * kMinute ? fmt::format("{:.0f} s", left) : fmt::format("{:.0f} min", left / kMinute));
}

}  // namespace gradquake::compare
