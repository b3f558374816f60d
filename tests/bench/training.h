// A network, its batch and plain SGD: what the rows of a training step time.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "gradquake/model/network.h"
#include "gradquake/model/trained_parameters.h"
#include "networks.h"

namespace gradquake::bench {

// step() is forward, backward and plain SGD.
class Training {
 public:
  Training(const std::string& name, bool tapped) : Training(name, make_network(name, tapped)) {}
  Training(const std::string& name, const model::Network& network)
      : network_(network),
        parameters_(model::trained_parameters(*network_.module).tensors),
        batch_(make_samples(name, batch_size(name))) {}

  void step() {
    at::cross_entropy_loss(network_.forward({batch_.input, batch_.target}), batch_.target).backward();
    const at::NoGradGuard no_grad;
    for (at::Tensor& w : parameters_) {
      w.sub_(w.grad(), 0.01);
      w.mutable_grad().reset();
    }
  }

  std::int64_t rows() const { return batch_.target.size(0); }

 private:
  model::Network network_;
  std::vector<at::Tensor> parameters_;
  Samples batch_;
};

}  // namespace gradquake::bench
