// The constants c, k, ell, nu, D, E of one operator, measured on a model that is cut into stages (constants_measure.h
// says how), each with its method.
#pragma once

#include <cstdint>
#include <vector>

#include "gradquake/hooks/export.h"
#include "gradquake/measure/constants_file.h"
#include "gradquake/measure/perturbation_moments.h"
#include "gradquake/measure/stages.h"

namespace gradquake::measure {

inline constexpr std::int64_t kRows = 16;  // samples at which k, D and E are measured: those with the longest input

class GRADQUAKE_EXPORT OperatorMeasurement {
 public:
  // Both outlive this object; the methods are appended to `estimates`.
  OperatorMeasurement(const Stages& stages, std::uint64_t seed, std::vector<Estimate>& estimates)
      : stages_(stages), seed_(seed), estimates_(estimates) {}

  theory::OperatorConstants of(std::size_t i);  // i = 1 .. N
  std::vector<SiteSize> site_sizes() const;

 private:
  void note(std::size_t i, const char* name, const std::string& method, std::int64_t iterations = 0,
            std::optional<double> tolerance = std::nullopt, std::optional<double> standard_error = std::nullopt);
  double parameter_norm(std::size_t i);
  std::vector<std::int64_t> longest_rows(std::size_t i) const;
  at::Tensor sample_gradients(std::size_t i) const;

  const Stages& stages_;
  std::uint64_t seed_;
  std::vector<Estimate>& estimates_;
};

}  // namespace gradquake::measure
