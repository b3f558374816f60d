// Measured / bound over many cases, printed as a distribution and recorded in the test's XML properties.
#pragma once

#include <string>
#include <vector>

namespace gradquake::verification {

class Tightness {
 public:
  explicit Tightness(std::string name) : name_(std::move(name)) {}

  // A vanishing bound counts as ratio 0 where `measured` vanishes to rounding, as infinite otherwise.
  void add(double measured, double bound);

  std::size_t count() const { return ratios_.size(); }
  double largest() const;
  double quantile(double probability) const;
  void report() const;

 private:
  std::string name_;
  mutable std::vector<double> ratios_;
};

}  // namespace gradquake::verification
