#include "gradquake/cli/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <iostream>

#include "gradquake/cli/command.h"
#include "gradquake/report/print.h"

namespace gradquake::cli {
namespace {

volatile std::sig_atomic_t interrupted = 0;

extern "C" void on_interrupt(int) { interrupted = 1; }

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string duration_text(double seconds) {
  const auto total = static_cast<long>(seconds + 0.5);
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

run::RunHooks Session::hooks() {
  run::RunHooks hooks;
  hooks.log = [this](const std::string& line) {
    clear_line();
    std::cerr << line << '\n';
  };
  if (terminal_) hooks.progress = [this](const run::Progress& progress) { show(progress); };
  hooks.stop_requested = [] { return interrupted != 0; };
  return hooks;
}

void Session::show(const run::Progress& progress) {
  const double now = now_s();
  if (first_step_ < 0) first_step_ = progress.step - 1;
  if (now - last_shown_s_ < 0.1) return;
  last_shown_s_ = now;
  const double rate = static_cast<double>(progress.step - first_step_) / std::max(1e-9, now - start_s_);
  const double left_s = static_cast<double>(progress.steps - progress.step) / rate;
  std::cerr << fmt::format("\r\033[Kstep {}/{}  {:.0f} steps/s  loss {:.4g}  grad norm {:.3g}  spikes {}  {} left",
                           progress.step, progress.steps, rate, progress.loss, progress.grad_norm, progress.spikes,
                           duration_text(left_s))
            << std::flush;
  line_shown_ = true;
}

void Session::clear_line() {
  if (line_shown_) std::cerr << "\r\033[K" << std::flush;
  line_shown_ = false;
}

int Session::finish(const run::RunResult& result, const run::RunFolder& folder) {
  clear_line();
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
