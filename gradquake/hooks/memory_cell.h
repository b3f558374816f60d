// The memory at one address: of each sample (of a whole tensor: one sample, 0) what was kept at its last `visits`
// visits, and beside it what the last step has overwritten, so that the step can be passed again or taken back.
// Internal to hooks/; not safe from several threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gradquake/hooks/state_text.h"

namespace gradquake::detail {

class MemoryCell {
 public:
  // `shape`: of what is kept of a sample.
  MemoryCell(std::int64_t visits, std::vector<std::int64_t> shape, const at::TensorOptions& options);

  // Rows [samples, elements]; `otherwise` where there is nothing.
  at::Tensor recall(const std::vector<std::int64_t>& samples, std::int64_t step, const at::Tensor& otherwise) const;
  void keep(const std::vector<std::int64_t>& samples, std::int64_t step, const at::Tensor& rows);
  bool is_complete(const std::vector<std::int64_t>& samples, std::int64_t step) const;
  void take_back(std::int64_t step);

  const std::vector<std::int64_t>& shape() const { return shape_; }
  std::int64_t last_step() const { return step_; }
  double bytes_of(std::int64_t samples) const;
  double bytes() const { return bytes_of(static_cast<std::int64_t>(visits_made_.size())); }
  std::int64_t new_among(const std::vector<std::int64_t>& samples) const;

  // What is held from step to step, samples in the order of their ids.
  void save(StateWriter& out) const;
  static MemoryCell restored(StateReader& in, std::int64_t visits);

 private:
  struct Place {
    const at::Tensor* held = nullptr;  // null: there is nothing
    std::int64_t position = 0;
  };
  Place place_of(std::int64_t sample, std::int64_t step) const;
  at::Tensor on_device(const std::vector<std::int64_t>& positions) const;
  void reserve(std::int64_t rows);

  std::int64_t visits_;
  std::vector<std::int64_t> shape_;
  std::int64_t elements_;
  at::Tensor held_;                                          // [rows * visits_, elements_]; a ring of visits_ a row
  std::unordered_map<std::int64_t, std::int64_t> row_of_;    // by sample
  std::vector<std::int64_t> visits_made_;                    // by row
  std::int64_t step_ = -1;                                   // the last
  at::Tensor before_;                                        // what it has overwritten
  std::unordered_map<std::int64_t, std::int64_t> position_;  // in before_, by row
};

}  // namespace gradquake::detail
