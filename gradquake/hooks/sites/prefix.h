// Runs a model again from a site on: the operators before the site's first tap do not run, what they gave once is
// handed on in their place, graph and all. For many passes that differ only behind one site.
//
//   const gradquake::Prefix prefix(site, [&] { net.forward(x); });
//   for (...) {
//     const gradquake::PlanScope scope(plan, ...);           // rules at that site alone
//     std::optional<gradquake::PrefixReplay> replay(std::in_place, prefix);
//     const torch::Tensor loss = net.forward(x).sum();
//     replay.reset();                                        // the way back needs no replay
//     torch::autograd::grad({loss}, parameters, {}, /*retain_graph=*/true);
//   }
//
// The forward pass must call the same operators in the same order up to the site, with the same weights, masks and
// batch; another operator throws std::logic_error. Anything else that it does there, taps included, happens again. No
// observer may ask for gradients before the site: its hooks would stay on tensors that live on. Operators in place may
// write into what was recorded, then or behind the site: whole() says so, and the prefix is of no more use. Works in
// the thread that holds it, for any way in; operators of a backward call are not concerned.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/sites/site.h"

namespace gradquake {

namespace detail {
struct Tape;
class PrefixSwitch;
}  // namespace detail

class GRADQUAKE_EXPORT Prefix {
 public:
  // Runs the forward pass once, in the caller's grad mode.
  Prefix(const Site& site, const std::function<void()>& forward);
  ~Prefix();
  Prefix(const Prefix&) = delete;
  Prefix& operator=(const Prefix&) = delete;

  std::int64_t operators() const;  // that do not run again
  bool whole() const;              // nothing of it was written into since, and the site was met

 private:
  friend class PrefixReplay;
  std::unique_ptr<detail::Tape> tape_;
};

// For one forward pass. The prefix outlives it.
class GRADQUAKE_EXPORT PrefixReplay {
 public:
  explicit PrefixReplay(const Prefix& prefix);
  ~PrefixReplay();
  PrefixReplay(const PrefixReplay&) = delete;
  PrefixReplay& operator=(const PrefixReplay&) = delete;

 private:
  std::unique_ptr<detail::PrefixSwitch> switch_;
};

}  // namespace gradquake
