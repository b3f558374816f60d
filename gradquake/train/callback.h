// What watches a run. The loop knows no monitor and no writer: it hands plain records to callbacks, in order, and asks
// them for their state at a checkpoint, so that a resumed run continues them exactly.
//
//   struct PrintLoss : gradquake::train::Callback {
//     void before_update(const StepRecord& record, const StepView&) override { std::cout << record.loss << '\n'; }
//   };
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/hooks/export.h"

namespace gradquake::train {

// The tensors of one step, valid during the call only. Gradients are without regulariser, before clipping.
struct StepView {
  const std::vector<at::Tensor>& parameters;  // w_t: the update has not happened yet
  const std::vector<at::Tensor>& perturbed;   // u~
  const std::vector<at::Tensor>& clean;       // u; empty without shadow
};

// How a run ended.
struct RunEnd {
  std::int64_t steps = 0;          // steps made, resumed ones included
  double final_loss = 0;           // of the last step, as trained
  bool stopped_nonfinite = false;  // on_nonfinite: stop, at step `steps` - 1
  std::int64_t skipped_steps = 0;  // on_nonfinite: skip; of `steps`, those without an update
  bool interrupted = false;        // asked to stop; a checkpoint was written
  double steps_per_second = 0;     // of this process
};

class GRADQUAKE_EXPORT Callback {
 public:
  virtual ~Callback() = default;
  virtual void on_start(const RunInfo&) {}
  virtual void before_update(const StepRecord&, const StepView&) {}
  virtual void on_evaluation(const EvaluationRecord&) {}
  virtual void on_finish(const RunEnd&) {}
  // The state a checkpoint keeps, and its way back. What was written to files belongs to it by its position.
  virtual std::string save() { return {}; }
  virtual void restore(const std::string&) {}
};

}  // namespace gradquake::train
