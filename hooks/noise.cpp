#include "gradquake/hooks/noise.h"

#include "gradquake/hooks/noise_reference.h"

namespace gradquake {

void add_noise(Variate v, const float* in, float* out, std::size_t n, float mean, float scale, Stream s,
               std::uint64_t first) {
  add_noise_reference(v, in, out, n, mean, scale, s, first);
}
void add_noise(Variate v, const double* in, double* out, std::size_t n, double mean, double scale, Stream s,
               std::uint64_t first) {
  add_noise_reference(v, in, out, n, mean, scale, s, first);
}
AddedNorms add_noise_measured(Variate v, const float* in, float* out, std::size_t n, float mean, float scale, Stream s,
                              std::uint64_t first) {
  return add_noise_measured_reference(v, in, out, n, mean, scale, s, first);
}
AddedNorms add_noise_measured(Variate v, const double* in, double* out, std::size_t n, double mean, double scale,
                              Stream s, std::uint64_t first) {
  return add_noise_measured_reference(v, in, out, n, mean, scale, s, first);
}
}  // namespace gradquake
