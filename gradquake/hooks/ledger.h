// What was injected, and what went other than planned. One ledger per plan; safe to write from several threads (the
// backward pass of a GPU runs on a thread of its own).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/injection_record.h"

namespace gradquake {

// kind:
//   "site_never_ran"   a rule addresses the site, but the site ran in none of the scopes in which the rule was due (if
//                      it never was, in none at all); `site` is the rule's glob where no site has matched it yet
//   "fired_not_once"   a (site, occurrence, direction) of a rule that was due fired never (the scope ended without its
//                      backward, or the tensor required no grad) or more than once (backward called twice)
//   "changed_nothing"  the perturbation left every element as it was (a scale of 0 or below the tensor's precision)
// `count`: how often; `first_step`: the step at which it was first seen; `message`: one line for a person.
struct LedgerWarning {
  std::string kind, site, rule, direction, message;
  std::int64_t count = 0, first_step = 0;
};

class GRADQUAKE_EXPORT Ledger {
 public:
  Ledger();
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Hands over the entries since the last call, by step, and in order of execution within a step.
  std::vector<InjectionRecord> take_entries();

  // Warnings so far, ordered by kind, site, rule, direction. A scope is judged when it ends; one left by an exception
  // is not. Before the first scope has ended there are none.
  std::vector<LedgerWarning> warnings() const;

  // The counters behind warnings() as text, without pending entries, so that a resumed run warns as an unbroken one.
  // restore throws std::invalid_argument on text that save did not write.
  std::string save() const;
  void restore(const std::string& text);

  struct State;  // how a scope writes; internal
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace gradquake
