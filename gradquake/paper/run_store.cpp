#include "gradquake/paper/run_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "gradquake/core/error.h"
#include "gradquake/report/optional_json.h"

namespace gradquake::paper {
namespace {

using nlohmann::json;

json line_of(const std::string& key, const RunRecord& r) {
  json line = {{"run", key},
               {"stable_grad_norm", r.stable_grad_norm},
               {"stable_iteration", report::or_null(r.stable_iteration)},
               {"mean_squared_norm", r.mean_squared_norm},
               {"final_loss", r.final_loss},
               {"half_loss", r.half_loss},
               {"late_loss", r.late_loss},
               {"weight_norm", r.weight_norm},
               {"half_weight_norm", r.half_weight_norm},
               {"seconds", r.seconds}};
  if (!r.trajectory.empty()) line["trajectory"] = r.trajectory;
  return line;
}

RunRecord record_of(const json& line) {
  RunRecord r;
  r.stable_grad_norm = report::number_at(line, "stable_grad_norm");
  r.stable_iteration = report::optional_at<std::int64_t>(line, "stable_iteration");
  r.mean_squared_norm = report::number_at(line, "mean_squared_norm");
  r.final_loss = report::number_at(line, "final_loss");
  r.half_loss = report::number_at(line, "half_loss");
  r.late_loss = report::number_at(line, "late_loss");
  r.weight_norm = report::number_at(line, "weight_norm");
  r.half_weight_norm = report::number_at(line, "half_weight_norm");
  r.seconds = report::number_at(line, "seconds");
  if (line.contains("trajectory")) r.trajectory = line.at("trajectory").get<std::vector<double>>();
  return r;
}

}  // namespace

RunStore::RunStore(const std::filesystem::path& file) {
  std::string text;
  {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream content;
    content << stream.rdbuf();
    text = content.str();
  }
  std::size_t whole = 0;
  for (std::size_t end; (end = text.find('\n', whole)) != std::string::npos; whole = end + 1) {
    const json line = json::parse(text.substr(whole, end - whole), nullptr, false);
    if (line.is_discarded()) continue;
    try {
      records_[line.at("run").get<std::string>()] = record_of(line);
    } catch (const json::exception&) {
      continue;
    }
  }
  descriptor_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0 || ::ftruncate(descriptor_, static_cast<off_t>(whole)) != 0)
    throw UserError("study", fmt::format("expected to write {}, got {}", file.string(), std::strerror(errno)));
}

RunStore::~RunStore() { ::close(descriptor_); }

const RunRecord* RunStore::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second;
}

std::size_t RunStore::size() const {
  const std::lock_guard lock(mutex_);
  return records_.size();
}

void RunStore::append(const std::vector<std::pair<std::string, RunRecord>>& runs) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, record] : runs) {
    const std::string line = line_of(key, record).dump() + '\n';
    if (::write(descriptor_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      throw std::ios_base::failure(fmt::format("writing a run: {}", std::strerror(errno)));
    records_[key] = record;
  }
}

}  // namespace gradquake::paper
