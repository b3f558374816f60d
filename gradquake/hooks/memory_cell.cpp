#include "gradquake/hooks/memory_cell.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/util/accumulate.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace gradquake::detail {
namespace {

std::string_view bytes_view(const std::vector<std::int64_t>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(std::int64_t)};
}

std::vector<std::int64_t> numbers_in(const std::string& bytes) {
  std::vector<std::int64_t> numbers(bytes.size() / sizeof(std::int64_t));
  if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(std::int64_t));
  return numbers;
}

}  // namespace

MemoryCell::MemoryCell(std::int64_t visits, std::vector<std::int64_t> shape, const at::TensorOptions& options)
    : visits_(visits),
      shape_(std::move(shape)),
      elements_(c10::multiply_integers(shape_)),
      held_(at::empty({0, elements_}, options)) {}

MemoryCell::Place MemoryCell::place_of(std::int64_t sample, std::int64_t step) const {
  const auto found = row_of_.find(sample);
  if (found == row_of_.end()) return {};
  const std::int64_t row = found->second;
  std::int64_t made = visits_made_[static_cast<std::size_t>(row)];
  if (step == step_) {
    if (const auto known = position_.find(row); known != position_.end())
      return made > visits_ ? Place{&before_, known->second} : Place{};
  }
  return made >= visits_ ? Place{&held_, row * visits_ + made % visits_} : Place{};
}

at::Tensor MemoryCell::on_device(const std::vector<std::int64_t>& positions) const {
  return at::tensor(positions, at::kLong).to(held_.device());
}

at::Tensor MemoryCell::recall(const std::vector<std::int64_t>& samples, std::int64_t step,
                              const at::Tensor& otherwise) const {
  struct Part {
    const at::Tensor* held;
    std::vector<std::int64_t> from, to;
  };
  std::array<Part, 2> parts = {{{&held_, {}, {}}, {&before_, {}, {}}}};
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Place place = place_of(samples[i], step);
    if (place.held == nullptr) continue;
    Part& part = parts[place.held == &held_ ? 0 : 1];
    part.from.push_back(place.position);
    part.to.push_back(static_cast<std::int64_t>(i));
  }
  at::Tensor result = otherwise;
  for (const Part& part : parts) {
    if (part.to.empty()) continue;
    const at::Tensor found = part.held->index_select(0, on_device(part.from)).to(otherwise.options());
    if (part.to.size() == samples.size()) return found;
    if (result.is_same(otherwise)) result = otherwise.clone();
    result.index_copy_(0, on_device(part.to).to(otherwise.device()), found);
  }
  return result;
}

void MemoryCell::keep(const std::vector<std::int64_t>& samples, std::int64_t step, const at::Tensor& rows) {
  if (step != step_) {
    step_ = step;
    before_ = at::Tensor();
    position_.clear();
  }
  std::vector<std::int64_t> touched;
  for (const std::int64_t sample : samples) {
    const auto [found, is_new] = row_of_.try_emplace(sample, static_cast<std::int64_t>(visits_made_.size()));
    if (is_new) visits_made_.push_back(0);
    touched.push_back(found->second);
  }
  held_ = held_.to(rows.device());  // a restored one lies on the CPU
  reserve(static_cast<std::int64_t>(visits_made_.size()));
  std::vector<std::int64_t> overwritten, written;
  for (const std::int64_t row : touched) {
    std::int64_t& made = visits_made_[static_cast<std::size_t>(row)];
    if (position_.try_emplace(row, static_cast<std::int64_t>(position_.size())).second)
      overwritten.push_back(row * visits_ + made++ % visits_);
    written.push_back(row * visits_ + (made - 1) % visits_);
  }
  if (!overwritten.empty()) {
    const at::Tensor before = held_.index_select(0, on_device(overwritten));
    before_ = before_.defined() ? at::cat({before_, before}) : before;
  }
  held_.index_copy_(0, on_device(written), rows.to(held_.options()));
}

bool MemoryCell::is_complete(const std::vector<std::int64_t>& samples, std::int64_t step) const {
  return std::all_of(samples.begin(), samples.end(),
                     [&](std::int64_t sample) { return place_of(sample, step).held != nullptr; });
}

void MemoryCell::take_back(std::int64_t step) {
  if (step != step_ || position_.empty()) return;
  std::vector<std::int64_t> written(position_.size());
  for (const auto& [row, position] : position_) {
    const std::int64_t made = --visits_made_[static_cast<std::size_t>(row)];
    written[static_cast<std::size_t>(position)] = row * visits_ + made % visits_;
  }
  held_.index_copy_(0, on_device(written), before_);
  step_ = -1;
  before_ = at::Tensor();
  position_.clear();
}

double MemoryCell::bytes_of(std::int64_t samples) const {
  return static_cast<double>(samples) * static_cast<double>(visits_ * elements_) *
         static_cast<double>(held_.element_size());
}

std::int64_t MemoryCell::new_among(const std::vector<std::int64_t>& samples) const {
  return std::count_if(samples.begin(), samples.end(),
                       [this](std::int64_t sample) { return row_of_.find(sample) == row_of_.end(); });
}

void MemoryCell::reserve(std::int64_t rows) {
  if (rows * visits_ <= held_.size(0)) return;
  const at::Tensor larger = at::zeros({std::max(rows * visits_, 2 * held_.size(0)), elements_}, held_.options());
  larger.narrow(0, 0, held_.size(0)).copy_(held_);
  held_ = larger;
}

void MemoryCell::save(StateWriter& out) const {
  std::vector<std::pair<std::int64_t, std::int64_t>> rows;  // sample and row
  for (const auto& [sample, row] : row_of_)
    if (visits_made_[static_cast<std::size_t>(row)] > 0) rows.emplace_back(sample, row);
  std::sort(rows.begin(), rows.end());
  std::vector<std::int64_t> samples, made, positions;
  for (const auto& [sample, row] : rows) {
    samples.push_back(sample);
    made.push_back(visits_made_[static_cast<std::size_t>(row)]);
    for (std::int64_t i = 0; i < visits_; ++i) positions.push_back(row * visits_ + i);
  }
  const at::Tensor held = held_.index_select(0, on_device(positions)).to(at::kCPU).contiguous();
  out.add(static_cast<std::int64_t>(held.scalar_type()));
  out.add(bytes_view(shape_));
  out.add(bytes_view(samples));
  out.add(bytes_view(made));
  out.add(std::string_view(static_cast<const char*>(held.const_data_ptr()), held.nbytes()));
}

MemoryCell MemoryCell::restored(StateReader& in, std::int64_t visits) {
  const std::int64_t dtype = in.number();
  if (dtype >= static_cast<std::int64_t>(at::ScalarType::NumOptions)) in.refuse();
  MemoryCell cell(visits, numbers_in(in.bytes()), at::TensorOptions(static_cast<at::ScalarType>(dtype)));
  const std::vector<std::int64_t> samples = numbers_in(in.bytes());
  cell.visits_made_ = numbers_in(in.bytes());
  const std::string held = in.bytes();
  const auto rows = static_cast<std::int64_t>(samples.size());
  if (cell.visits_made_.size() != samples.size() || static_cast<double>(held.size()) != cell.bytes_of(rows))
    in.refuse();
  for (std::int64_t row = 0; row < rows; ++row) cell.row_of_.emplace(samples[static_cast<std::size_t>(row)], row);
  cell.held_ = at::empty({rows * visits, cell.elements_}, cell.held_.options());
  if (!held.empty()) std::memcpy(cell.held_.mutable_data_ptr(), held.data(), held.size());
  return cell;
}

}  // namespace gradquake::detail
