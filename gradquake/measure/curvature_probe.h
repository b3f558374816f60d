// Measures the ends of the Hessian's spectrum on a fixed probe set (docs/theory.md 4): train mode, the probe batch's
// own statistics, one fixed dropout mask, taps off, regulariser and weight decay included.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradquake/core/records.h"
#include "gradquake/core/tridiagonal.h"
#include "gradquake/curvature/hessian_operator.h"
#include "gradquake/hooks/export.h"
#include "gradquake/measure/curvature_config.h"
#include "gradquake/train/task.h"

namespace gradquake::measure {

class GRADQUAKE_EXPORT CurvatureProbe {
 public:
  // The probe set is drawn once from the training data by its own named seed. Keeps references to both. Where LibTorch
  // has no second derivative of an operator of the model, obstacle() says so, and config() measures nothing.
  CurvatureProbe(const train::Task& task, CurvatureConfig config);

  // Why the curvature cannot be measured; empty: it can.
  const std::string& obstacle() const { return obstacle_; }

  // At the weights as they are. learning_rate: gamma of gamma_L. Non-finite weights give NaN.
  CurvatureRecord measure(std::int64_t step, double learning_rate) const;

  // T_m of Lanczos' iteration started at `displacement`, at the weights w + move, which come back bit for bit. Both
  // lists: one tensor a parameter().
  Tridiagonal from(const std::vector<at::Tensor>& move, const std::vector<at::Tensor>& displacement, int steps) const;

  // The gradient on the probe set: l(w), ||grad l(w)||, and the variance of one sample's gradient, from the spread of
  // the means of 16 groups.
  struct Gradient {
    double loss = 0;
    double norm = 0;
    double variance = 0;
  };
  Gradient gradient() const;

  // The same variance from every sample's own gradient.
  struct SampleVariance {
    double value = 0;
    double standard_error = 0;
    std::int64_t samples = 0;
  };
  SampleVariance sample_variance() const;

  const data::Batch& batch() const { return probe_; }
  const CurvatureConfig& config() const { return config_; }

  const std::vector<at::Tensor>& parameters() const { return parameters_; }  // those that are trained

 private:
  at::Tensor data_loss(const data::Batch& batch) const;
  at::Tensor penalty() const;  // regulariser and weight decay; undefined without either
  at::Tensor loss() const;
  std::string second_derivative_obstacle() const;

  const train::Task& task_;
  CurvatureConfig config_;
  std::vector<at::Tensor> parameters_;
  data::Batch probe_;
  std::string obstacle_;
};

}  // namespace gradquake::measure
