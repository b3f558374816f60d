// What a plan remembers from step to step for the kinds that ask for it (Perturbation::memory): stale, delta,
// error_feedback, and kinds of one's own. At every address (rule, site, direction, occurrence; and sample, where it is
// kept by sample) a kind may keep a tensor at each visit, and recall what it kept some visits before:
//
//   struct Average : gradquake::Perturbation {     // of this visit and the one before
//     gradquake::Perturbed apply(const at::Tensor& y, const gradquake::PerturbationContext& context) const override {
//       const at::Tensor last = context.memory.recall(y);
//       context.memory.keep(y);
//       return {(y + last) / 2};
//     }
//     std::optional<gradquake::MemoryNeed> memory() const override { return gradquake::MemoryNeed{}; }
//   };
//
// A visit is a step at which the rule is due there; steps that its schedule skips are none. Every pass of one step
// recalls what stood before that step and replaces what the step has kept: a step that is passed again (recomputation,
// a second try) has the same bits, and a sample comes once in a step. Under a PlanPause, in a Rehearsal and in a
// PlanScope whose context says remembers = false nothing is recalled or kept.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/hooks/enum_text.h"
#include "gradquake/hooks/export.h"
#include "gradquake/hooks/rule.h"

namespace gradquake {

namespace detail {
class MemoryCell;
}

// What one memory belongs to: all of the tensor at a site, which must then hold the same samples in the same order at
// every visit; or one sample of it, found by StepContext::sample_ids.
enum class MemoryPer { kTensor, kSample };

template <>
struct EnumTexts<MemoryPer> {
  static constexpr std::array<std::pair<MemoryPer, const char*>, 2> table = {
      {{MemoryPer::kTensor, "per_tensor"}, {MemoryPer::kSample, "per_sample"}}};
};

// What a kind asks for.
struct MemoryNeed {
  std::optional<MemoryPer> per = {};  // empty: per sample at sites, per tensor at weights, which have no samples
  std::int64_t visits = 1;            // recall gives what was kept so many visits before
  double limit_bytes = 1 << 30;       // of all that the rule holds from step to step
};

struct MemoryAddress {
  std::size_t rule = 0;  // its position
  std::string site;
  Direction direction = Direction::kForward;  // or kBackward
  std::uint32_t occurrence = 0;
};

class MemoryVisit;

// The memory of one plan. Safe from several threads.
class GRADQUAKE_EXPORT Memory {
 public:
  Memory();
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  bool needed() const;                                   // whether a rule has one
  std::optional<MemoryPer> per(std::size_t rule) const;  // empty: this rule has none
  double bytes(std::size_t rule) const;                  // what it holds now
  // Throws std::invalid_argument where so many samples, at the addresses met by now, will need more than limit_bytes.
  void require_foreseen(std::size_t rule, std::int64_t samples) const;

  // Undoes what a step has kept, where nothing was kept since: for a step that is passed over.
  void take_back(std::int64_t step);

  // All of it as bytes, so that a resumed run goes on as an unbroken one. restore throws std::invalid_argument on what
  // save did not write, or wrote for other rules, and then changes nothing.
  std::string save() const;
  void restore(const std::string& bytes);

  struct State;  // how visits write; internal
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// The memory at one address, for one tensor.
class GRADQUAKE_EXPORT MemoryVisit {
 public:
  MemoryVisit() = default;  // no memory: nothing is there to recall, and keep does nothing
  // `samples`: ids of those that lie along `batch_dim`, several rows a sample or one; null for a memory per tensor.
  // `over`: only a replay of a step that has ended. Memory and ids outlive the visit.
  MemoryVisit(Memory& memory, MemoryAddress address, std::int64_t step, const std::vector<std::int64_t>* samples,
              std::int64_t batch_dim = 0, bool over = false);

  // What was kept so many visits before (MemoryNeed), of the shape, dtype and device of `otherwise`; and its values for
  // the samples of which there is none. May be `otherwise` itself. Throws std::invalid_argument where the shape is not
  // that of what was kept, or a step that has ended is replayed after a later visit.
  at::Tensor recall(const at::Tensor& otherwise) const;
  // Of the shape of what is recalled; its dtype is the same at every visit. Throws as recall does, where a sample comes
  // twice, and where more than limit_bytes would be held.
  void keep(const at::Tensor& value) const;
  // Whether there is something to recall of every sample.
  bool is_complete() const;

 private:
  std::int64_t sample_count() const { return static_cast<std::int64_t>(samples_->size()); }
  // What is there; null: nothing yet. Refuses another shape. The mutex is held.
  const detail::MemoryCell* cell_for(const at::Tensor& tensor) const;

  Memory* memory_ = nullptr;
  MemoryAddress address_;
  std::int64_t step_ = 0;
  const std::vector<std::int64_t>* samples_ = nullptr;
  std::int64_t batch_dim_ = 0;
  bool over_ = false;
};

}  // namespace gradquake
