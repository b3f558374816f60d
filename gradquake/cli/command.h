// One command of the program: its arguments, and what to do when it is chosen.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace gradquake::cli {

inline constexpr int kDone = 0;
inline constexpr int kInternalError = 1;
inline constexpr int kCallersMistake = 2;
inline constexpr int kInterrupted = 130;

// Sets `action` when its command was given; run() calls it after parsing.
using Action = std::function<int()>;

void add_train(CLI::App& app, Action& action);
void add_plan(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
void add_resume(CLI::App& app, Action& action);
void add_show(CLI::App& app, Action& action);
void add_reproduce(CLI::App& app, Action& action);
void add_theory(CLI::App& app, Action& action);
void add_kinds(CLI::App& app, Action& action);

}  // namespace gradquake::cli
