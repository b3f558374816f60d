// A network as the trainer takes it: any torch module, and a function from a batch to its output.
//
//   Network plain(std::make_shared<Net>());                     // forward(input) of the module
//   Network own(net, [net](const data::Batch& batch) { return net->forward(batch["tokens"], batch["mask"]); });
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradquake/data/batch.h"
#include "gradquake/hooks/sites/operator_mode.h"
#include "gradquake/model/model.h"

namespace gradquake::model {

struct Network {
  using Forward = std::function<at::Tensor(const data::Batch&)>;

  Network() = default;
  Network(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): as the next but one
  Network(std::shared_ptr<torch::nn::Module> own_module, Forward own_forward)
      : module(std::move(own_module)), forward(std::move(own_forward)) {}

  // Converts, so that a factory may return its module alone.
  template <std::derived_from<torch::nn::Module> M>
  Network(std::shared_ptr<M> own) : module(own) {  // NOLINT(google-explicit-constructor)
    if constexpr (std::derived_from<M, Model>) {
      forward = [own](const data::Batch& batch) { return own->forward_batch(batch); };
      if (own) {
        label_inside = own->label_inside();
        most_rows = own->most_rows();
        notes = own->notes();
      }
    } else {
      forward = [own](const data::Batch& batch) { return own->forward(batch.input()); };
    }
  }

  std::shared_ptr<torch::nn::Module> module;  // parameters, buffers, mode
  Forward forward;
  std::optional<bool> label_inside;                                   // the output holds the label; absent: not known
  std::int64_t most_rows = std::numeric_limits<std::int64_t>::max();  // that forward takes at once
  std::vector<std::string> notes;               // what a user should know before training, a line each
  std::optional<OperatorSites> operator_sites;  // where forward finds its sites so (operator_sites.h)
};

}  // namespace gradquake::model
