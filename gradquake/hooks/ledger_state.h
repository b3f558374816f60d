// What a ledger holds, and how scopes write into it. Internal to hooks/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gradquake/hooks/ledger.h"

namespace gradquake {

struct Ledger::State {
  struct Tally {
    std::int64_t count = 0;
    std::int64_t first_step = 0;
    std::string message;
  };
  // Whether a site that a rule addresses has run.
  struct Coverage {
    std::string rule, site, direction;
    bool ran_when_due = false;
    bool ran_at_all = false;
    std::int64_t missed = 0;  // scopes in which the rule was due and the site did not run
    std::int64_t first_missed = 0;
  };
  using WarningKey = std::tuple<std::string, std::string, std::string, std::string>;  // kind, site, rule, direction

  mutable std::mutex mutex;  // guards everything below; the functions below expect it to be free
  std::vector<InjectionRecord> entries;
  std::map<WarningKey, Tally> tallies;
  std::vector<Coverage> coverage;
  std::int64_t scopes = 0;  // that ended without an exception

  void record(InjectionRecord entry, bool changed_nothing);
  void warn(const std::string& kind, const std::string& site, const std::string& rule, const std::string& direction,
            std::int64_t step, const std::string& message);
  // The position of (rule, site) in `coverage`, made if new.
  std::size_t cover(const std::string& rule, const std::string& site, const std::string& direction);

 private:
  std::map<std::pair<std::string, std::string>, std::size_t> covered_;  // rule and site -> position in coverage
};

}  // namespace gradquake
