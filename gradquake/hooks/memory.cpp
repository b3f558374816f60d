#include "gradquake/hooks/memory.h"

#include <c10/util/StringUtil.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gradquake/hooks/kinds/noise_perturbation.h"
#include "gradquake/hooks/memory_state.h"
#include "gradquake/hooks/refuse.h"
#include "gradquake/hooks/state_text.h"

namespace gradquake {
namespace {

constexpr std::string_view kMemoryHeader = "gradquake-memory-1";
const std::vector<std::int64_t> kWholeTensor = {0};

Memory::State::Key key_of(const MemoryAddress& address) {
  return {address.rule, address.site, address.direction, address.occurrence};
}

// What belongs to one sample, as a shape.
std::vector<std::int64_t> shape_of_sample(const at::Tensor& tensor, std::int64_t batch_dim, std::int64_t samples) {
  std::vector<std::int64_t> shape = tensor.sizes().vec();
  if (shape.empty()) return shape;
  std::rotate(shape.begin(), shape.begin() + batch_dim, shape.begin() + batch_dim + 1);
  shape[0] /= samples;
  return shape;
}

// One row a sample.
at::Tensor as_rows(const at::Tensor& tensor, std::int64_t batch_dim, std::int64_t samples) {
  return (tensor.dim() == 0 ? tensor : tensor.movedim(batch_dim, 0)).reshape({samples, -1});
}

at::Tensor from_rows(const at::Tensor& rows, const at::Tensor& like, std::int64_t batch_dim) {
  if (like.dim() == 0 || (batch_dim == 0 && like.is_contiguous())) return rows.reshape(like.sizes());
  at::Tensor value = detail::empty_keeping_strides(like);
  const at::Tensor moved = value.movedim(batch_dim, 0);
  moved.copy_(rows.reshape(moved.sizes()));
  return value;
}

std::string megabytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g MB", bytes / (1 << 20));
  return text;
}

}  // namespace

Memory::Memory() : state_(std::make_unique<State>()) {}
Memory::~Memory() = default;

double Memory::State::bytes(std::size_t rule) const {
  double sum = 0;
  for (const auto& [key, cell] : cells)
    if (std::get<0>(key) == rule) sum += cell.bytes();
  return sum;
}

bool Memory::needed() const {
  return std::any_of(state_->rules.begin(), state_->rules.end(),
                     [](const auto& rule) { return rule.need.has_value(); });
}

std::optional<MemoryPer> Memory::per(std::size_t rule) const {
  const State::Asked& asked = state_->rules.at(rule);
  return asked.need ? std::optional(asked.per) : std::nullopt;
}

double Memory::bytes(std::size_t rule) const {
  const std::scoped_lock lock(state_->mutex);
  return state_->bytes(rule);
}

void Memory::require_foreseen(std::size_t rule, std::int64_t samples) const {
  const State::Asked& asked = state_->rules.at(rule);
  if (!asked.need) return;
  const std::scoped_lock lock(state_->mutex);
  double sum = 0, largest = 0;
  std::string where;
  for (const auto& [key, cell] : state_->cells) {
    if (std::get<0>(key) != rule) continue;
    const double bytes = cell.bytes_of(asked.per == MemoryPer::kSample ? samples : 1);
    sum += bytes;
    if (bytes <= largest) continue;
    largest = bytes;
    where = "'" + std::get<1>(key) + "', " + to_text(std::get<2>(key));
  }
  if (sum <= asked.need->limit_bytes) return;
  detail::refuse_key("limit_mb", "rule '" + asked.label + "' to remember at most " + megabytes(asked.need->limit_bytes),
                     megabytes(sum) +
                         (asked.per == MemoryPer::kSample ? " for " + std::to_string(samples) + " samples" : "") +
                         ", of which " + megabytes(largest) + " at " + where);
}

void Memory::take_back(std::int64_t step) {
  const std::scoped_lock lock(state_->mutex);
  for (auto& [key, cell] : state_->cells) cell.take_back(step);
}

std::string Memory::save() const {
  const std::scoped_lock lock(state_->mutex);
  detail::StateWriter out;
  out.add(kMemoryHeader);
  out.add(static_cast<std::int64_t>(state_->cells.size()));
  for (const auto& [key, cell] : state_->cells) {
    const auto& [rule, site, direction, occurrence] = key;
    const State::Asked& asked = state_->rules[rule];
    out.add(asked.label);
    out.add(to_text(asked.per));
    out.add(asked.need->visits);
    out.add(site);
    out.add(to_text(direction));
    out.add(static_cast<std::int64_t>(occurrence));
    cell.save(out);
  }
  return out.take();
}

void Memory::restore(const std::string& bytes) {
  detail::StateReader in(bytes, "Memory::save");
  if (in.bytes() != kMemoryHeader) in.refuse();
  std::map<State::Key, detail::MemoryCell> cells;
  for (std::int64_t left = in.number(); left > 0; --left) {
    const std::string label = in.bytes(), per = in.bytes();
    const std::int64_t visits = in.number();
    const auto asked = std::find_if(state_->rules.begin(), state_->rules.end(), [&](const State::Asked& rule) {
      return rule.need && rule.label == label && to_text(rule.per) == per && rule.need->visits == visits;
    });
    if (asked == state_->rules.end()) {
      detail::refuse("the memory of this plan's rules",
                     "that of rule '" + label + "', " + per + " over " + std::to_string(visits) + " visits");
    }
    const auto rule = static_cast<std::size_t>(asked - state_->rules.begin());
    const std::string site = in.bytes();
    const Direction direction = from_text<Direction>(in.bytes());
    const auto occurrence = static_cast<std::uint32_t>(in.number());
    cells.emplace(State::Key{rule, site, direction, occurrence}, detail::MemoryCell::restored(in, visits));
  }
  if (!in.done()) in.refuse();
  const std::scoped_lock lock(state_->mutex);
  state_->cells = std::move(cells);
}

MemoryVisit::MemoryVisit(Memory& memory, MemoryAddress address, std::int64_t step,
                         const std::vector<std::int64_t>* samples, std::int64_t batch_dim, bool over)
    : memory_(&memory),
      address_(std::move(address)),
      step_(step),
      samples_(samples == nullptr ? &kWholeTensor : samples),
      batch_dim_(batch_dim),
      over_(over) {}

const detail::MemoryCell* MemoryVisit::cell_for(const at::Tensor& tensor) const {
  const Memory::State& state = memory_->state();
  const auto found = state.cells.find(key_of(address_));
  if (found == state.cells.end()) return nullptr;
  const std::vector<std::int64_t> shape = shape_of_sample(tensor, batch_dim_, sample_count());
  if (shape != found->second.shape()) {
    detail::refuse_at(address_.site,
                      "expected what rule '" + state.rules[address_.rule].label + "' remembers to keep its shape, " +
                          c10::str(at::IntArrayRef(found->second.shape()), ", got ", at::IntArrayRef(shape)));
  }
  return &found->second;
}

at::Tensor MemoryVisit::recall(const at::Tensor& otherwise) const {
  if (memory_ == nullptr) return otherwise;
  const std::scoped_lock lock(memory_->state().mutex);
  const detail::MemoryCell* const cell = cell_for(otherwise);
  if (over_ && (cell == nullptr || cell->last_step() != step_)) {
    detail::refuse_at(address_.site, "expected the recomputation of step " + std::to_string(step_) +
                                         " before a later one is remembered, got it after its scope had ended");
  }
  if (cell == nullptr) return otherwise;
  const at::Tensor rows = as_rows(otherwise, batch_dim_, sample_count());
  const at::Tensor found = cell->recall(*samples_, step_, rows);
  return found.is_same(rows) ? otherwise : from_rows(found, otherwise, batch_dim_);
}

void MemoryVisit::keep(const at::Tensor& value) const {
  if (memory_ == nullptr || over_) return;
  Memory::State& state = memory_->state();
  const Memory::State::Asked& asked = state.rules[address_.rule];
  std::vector<std::int64_t> sorted = *samples_;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    detail::refuse_key("memory", "every sample once in a batch",
                       "sample_ids with " + std::to_string(*twice) + " twice");
  const std::scoped_lock lock(state.mutex);
  cell_for(value);
  const std::vector<std::int64_t> shape = shape_of_sample(value, batch_dim_, sample_count());
  detail::MemoryCell& cell =
      state.cells.try_emplace(key_of(address_), asked.need->visits, shape, value.options()).first->second;
  if (const std::int64_t more = cell.new_among(*samples_); more > 0) {
    const double needed = state.bytes(address_.rule) + cell.bytes_of(more);
    if (needed > asked.need->limit_bytes) {
      detail::refuse_key(
          "limit_mb",
          "rule '" + asked.label + "' to remember at most " + megabytes(asked.need->limit_bytes) + " (limit_mb)",
          megabytes(needed) + " at site '" + address_.site + "'");
    }
  }
  cell.keep(*samples_, step_, as_rows(value, batch_dim_, sample_count()));
}

bool MemoryVisit::is_complete() const {
  if (memory_ == nullptr) return true;
  const std::scoped_lock lock(memory_->state().mutex);
  const auto found = memory_->state().cells.find(key_of(address_));
  return found != memory_->state().cells.end() && found->second.is_complete(*samples_, step_);
}

}  // namespace gradquake
