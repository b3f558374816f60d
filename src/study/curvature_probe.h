// Measures the ends of the Hessian's spectrum on a fixed probe set (THEORY.md 4): train mode with the probe batch's own
// statistics, one fixed dropout mask, taps off, regulariser and weight decay included.
#pragma once

#include <cstdint>
#include <vector>

#include "gradquake/core/export.h"
#include "gradquake/core/records.h"
#include "gradquake/curvature/hessian_operator.h"
#include "gradquake/study/assembly.h"
#include "gradquake/study/run_config.h"

namespace gradquake::study {

class GRADQUAKE_EXPORT CurvatureProbe {
 public:
  // The probe set is drawn once from the training data by its own named seed. Keeps references to both.
  CurvatureProbe(const RunConfig& config, const Assembly& parts);

  // At the weights as they are. learning_rate: gamma of gamma_L. Non-finite weights give NaN.
  CurvatureRecord measure(std::int64_t step, double learning_rate) const;

 private:
  at::Tensor loss() const;

  const RunConfig& config_;
  model::Model& model_;
  std::vector<at::Tensor> parameters_;
  data::Batch probe_;
};

}  // namespace gradquake::study
