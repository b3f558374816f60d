#include "gradquake/cli/failure.h"

#include <exception>
#include <iostream>

#include "gradquake/cli/command.h"
#include "gradquake/core/error.h"

namespace gradquake::cli {
namespace {

bool verbose_failures = false;

// The first line says what happened; LibTorch's errors go on with a backtrace.
void print(const std::string& what, const std::string& after) {
  const std::size_t end = what.find('\n');
  std::cerr << "gradquake: " << what.substr(0, end) << after << '\n';
  if (end == std::string::npos) return;
  if (verbose_failures) std::cerr << what.substr(end + 1) << '\n';
}

}  // namespace

void set_verbose(bool verbose) { verbose_failures = verbose; }

int report_failure(const std::string& after) {
  try {
    throw;
  } catch (const UserError& error) {
    print(error.what(), after);
    return kCallersMistake;
  } catch (const DiskError& error) {
    print(error.what(), after);
    return kInternalError;
  } catch (const std::exception& error) {
    print(std::string("internal error: ") + error.what(), after);
    return kInternalError;
  }
}

}  // namespace gradquake::cli
