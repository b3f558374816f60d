#include "gradquake/cli/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <iostream>

#include "gradquake/cli/command.h"
#include "gradquake/cli/failure.h"
#include "gradquake/report/print.h"

namespace gradquake::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

extern "C" void on_interrupt(int) { interrupted = 1; }

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string duration_text(double seconds) {
  const long total = std::lround(seconds);
  return total < 60 ? fmt::format("{} s", total) : fmt::format("{} min {:02} s", total / 60, total % 60);
}

}  // namespace

Session::Session(bool json) : json_(json), terminal_(::isatty(STDERR_FILENO) != 0), start_s_(now_s()) {
  interrupted = 0;
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

Session::~Session() {
  clear_line();
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

void Session::attach(run::Options& options) {
  options.log = [this](const std::string& line) {
    clear_line();
    std::cerr << line << '\n';
  };
  options.log_episodes = !terminal_;
  options.progress = [this](const run::Progress& progress) { terminal_ ? show(progress) : log_tenth(progress); };
  options.stop_requested = [] { return interrupted != 0; };
}

void Session::show(const run::Progress& progress) {
  const double now = now_s();
  if (first_step_ < 0) first_step_ = progress.step - 1;
  if (now - last_shown_s_ < 0.1) return;
  last_shown_s_ = now;
  const double rate = static_cast<double>(progress.step - first_step_) / std::max(1e-9, now - start_s_);
  const double left_s = static_cast<double>(progress.steps - progress.step) / rate;
  std::cerr << fmt::format("\r\033[Kstep {}/{}  {:.0f} steps/s  loss {}  grad norm {}  spikes {}  {} left",
                           progress.step, progress.steps, rate, report::number_text(progress.loss),
                           report::number_text(progress.grad_norm, 3), progress.spikes, duration_text(left_s))
            << std::flush;
  line_shown_ = true;
}

void Session::log_tenth(const run::Progress& progress) {
  const std::int64_t before = 10 * (progress.step - 1) / progress.steps, now = 10 * progress.step / progress.steps;
  if (now == before) return;
  std::cerr << fmt::format("{:>3} %  step {}/{}  loss {}  spikes {}\n", 10 * now, progress.step, progress.steps,
                           report::number_text(progress.loss), progress.spikes);
}

void Session::clear_line() {
  if (line_shown_) std::cerr << "\r\033[K" << std::flush;
  line_shown_ = false;
}

int Session::finish(const run::RunFolder& folder, const std::function<run::RunResult()>& train) {
  try {
    const run::RunResult result = train();
    clear_line();
    return print(result, folder);
  } catch (...) {
    clear_line();
    const std::string path = folder.path.string();
    return report_failure(std::filesystem::exists(folder.file("config.yaml"))
                              ? fmt::format(" ({} keeps what was written; go on with: gradquake resume {})", path, path)
                              : fmt::format(" ({} is gone: train again)", path));
  }
}

int Session::print(const run::RunResult& result, const run::RunFolder& folder) {
  if (result.interrupted) {
    std::cerr << fmt::format("interrupted after step {}; go on with: gradquake resume {}\n", result.steps,
                             folder.path.string());
    return kInterrupted;
  }
  if (json_) {
    std::cout << report::summary_text(result.summary);
  } else {
    report::print_report(std::cout, result.summary, result.spikes);
    std::cout << fmt::format("\nrecords in {}\n", folder.path.string());
  }
  return kDone;
}

}  // namespace gradquake::cli
