#include "gradquake/hooks/kinds/amplitudes.h"

namespace gradquake::kinds {
namespace {

class ConstantAmplitude : public Amplitude {
 public:
  double at(std::int64_t) const override { return 1; }
  std::string describe() const override { return ""; }
};

}  // namespace

AmplitudeKind constant_amplitude() {
  return {{.name = "constant", .summary = "1"},
          [](const KindSpec&, const ScheduleContext&) { return std::make_unique<ConstantAmplitude>(); }};
}

}  // namespace gradquake::kinds
