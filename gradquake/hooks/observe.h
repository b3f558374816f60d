// Watches, or replaces, the tensor at every site of this thread, forward and backward, with or without a plan.
//
//   // Prints the norm of every activation and of every activation gradient of a model whose forward taps.
//   void print_norms(Net& net, const torch::Tensor& x) {
//     const auto print = [](const char* what) {
//       return [what](const gradquake::TapPoint& at, const torch::Tensor& tensor) {
//         std::cout << at.site.name() << ' ' << what << ' ' << tensor.norm().item<double>() << '\n';
//         return torch::Tensor();  // undefined: leave it as it is
//       };
//     };
//     const gradquake::ObserverScope scope({.on_forward = print("activation"), .on_backward = print("gradient")});
//     net.forward(x).sum().backward();
//   }
//
// Order. Scopes nest, and each stands between what lies outside of it and the consumers of the tensor:
//   forward    the outermost scope comes first; an observer inside a PlanScope sees y + delta, one outside sees y
//   backward   the innermost comes first; an observer inside a PlanScope sees the gradient of y + delta, one outside
//              sees it with eps added, as y's producer will
// What an observer hands on is what the next one sees. An observer's own gradient is that of the tensor it handed on.
//
// A PlanPause hides the observers outside of it, forward and backward; a PlanScope inside an observer does not.
// Gradients are seen as long as the scope lives: after it, graphs made under it are as if it had never been.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "gradquake/hooks/export.h"
#include "gradquake/hooks/sites/site.h"

namespace gradquake {

struct TapPoint {
  Site site;
  std::int64_t occurrence = 0;  // of the site: in the innermost PlanScope or, without one, in the observer's scope
  std::int64_t batch_dim = 0;   // as given to tap()
};

// Either may be empty. Each is handed the tensor and returns the one to put in its place, of the same shape, dtype and
// device (else std::invalid_argument), or an undefined one to leave it. They must not write into what they are given.
// Taps are off while one runs, so it may run a model itself.
//   on_forward   in the grad mode of the tap: what it computes its answer from is differentiated. Without grad mode, or
//                where the answer does not require grad, there is no on_backward.
//   on_backward  once a backward call and occurrence, with the gradient summed over all consumers. A graph keeps no
//                tensor for it.
struct Observer {
  std::function<at::Tensor(const TapPoint& at, const at::Tensor& tensor)> on_forward = {};
  std::function<at::Tensor(const TapPoint& at, const at::Tensor& gradient)> on_backward = {};
  // Also the sites beneath operators: what each reads, and what it keeps for the backward pass (sites/beneath.h).
  bool beneath = false;
};

namespace detail {
class ObserverLayer;
}

class GRADQUAKE_EXPORT ObserverScope {
 public:
  explicit ObserverScope(Observer observer);
  ~ObserverScope();
  ObserverScope(const ObserverScope&) = delete;
  ObserverScope& operator=(const ObserverScope&) = delete;

 private:
  std::unique_ptr<detail::ObserverLayer> layer_;
};

}  // namespace gradquake
