// What the kinds with a memory share. Internal to hooks/.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradquake/hooks/perturbation.h"

namespace gradquake::kinds {

// `own`, then `memory` and `limit_mb`.
std::vector<Parameter> with_memory(std::vector<Parameter> own);
MemoryNeed memory_need(const KindSpec& spec, std::int64_t visits = 1);
// ", per tensor": where the spec says it.
std::string memory_words(const KindSpec& spec);

// `of`: the kind that is carried out within another; and what is wrong with it, a memory of its own.
Parameter inner_parameter(KindSpec by_default, std::string meaning);
std::optional<KindProblem> check_inner(const KindSpec& spec);

// The tensor in which sums are held: itself in float64 and float32, in float32 what is narrower.
at::Tensor widened(const at::Tensor& tensor);

// A kind that carries out another on a tensor of its making. Depends on what the inner one depends on, or, with a
// memory per tensor, on the whole tensor.
class Remembering : public Perturbation {
 public:
  explicit Remembering(const KindSpec& spec);
  bool has_amplitude() const override { return inner_->has_amplitude(); }
  bool has_slope() const override { return inner_->has_slope(); }
  Chance chance() const override { return inner_->chance() == Chance::kNone ? Chance::kNone : Chance::kSome; }
  Scope scope() const override { return need_.per == MemoryPer::kTensor ? Scope::kBatch : inner_->scope(); }
  std::optional<MemoryNeed> memory() const override { return need_; }

 protected:
  // The inner kind at `tensor`, which is the outer one's or widened from it; relative to its RMS where it asks for one.
  Perturbed inner(const at::Tensor& tensor, const PerturbationContext& context) const;
  std::string inner_words() const { return words_; }

 private:
  std::unique_ptr<Perturbation> inner_;
  MemoryNeed need_;
  std::string words_;
};

}  // namespace gradquake::kinds
