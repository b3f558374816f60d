#include "gradquake/measure/constants_json.h"

#include <nlohmann/json.hpp>

#include "gradquake/report/optional_json.h"

namespace gradquake::measure {
namespace {

using Json = nlohmann::ordered_json;

template <class Value>
void add(Json& document, const char* key, const std::optional<Value>& value) {
  if (value) document[key] = *value;
}

void add_operators(Json& document, const theory::Constants& constants) {
  if (constants.uniform) {
    document["uniform"] = {{"C_grad", constants.uniform->C_grad},
                           {"C_hess", constants.uniform->C_hess},
                           {"L_f", constants.uniform->L_f},
                           {"L_grad", constants.uniform->L_grad},
                           {"L_hess", constants.uniform->L_hess}};
  }
  for (const theory::OperatorConstants& one : constants.per_operator) {
    document["per_operator"].push_back(
        {{"c", one.c}, {"k", one.k}, {"ell", one.ell}, {"nu", one.nu}, {"D", one.D}, {"E", one.E}});
  }
}

void add_perturbations(Json& document, const theory::Constants& constants) {
  for (const theory::ForwardMoments& one : constants.delta) {
    document["delta"].push_back({{"second_moment", one.second_moment},
                                 {"mean_squared", one.mean_squared},
                                 {"fourth_moment", one.fourth_moment},
                                 {"frequency", one.frequency}});
  }
  for (const theory::BackwardMoments& one : constants.eps) {
    document["eps"].push_back(
        {{"second_moment", one.second_moment}, {"mean_squared", one.mean_squared}, {"frequency", one.frequency}});
  }
  if (constants.measured) {
    document["measured"] = {{"second_moment", constants.measured->second_moment},
                            {"bias_squared", constants.measured->bias_squared}};
  }
}

}  // namespace

Json constants_json(const ConstantsFile& file) {
  const theory::Constants& constants = file.constants;
  Json document{{"operators", constants.operators}};
  add_operators(document, constants);
  add(document, "smoothness", constants.smoothness);
  add(document, "pl", constants.pl);
  add(document, "gradient_variance", constants.gradient_variance);
  add(document, "initial_gap", constants.initial_gap);
  add(document, "step_size", constants.step_size);
  add(document, "steps", constants.steps);
  add_perturbations(document, constants);
  for (const Estimate& one : file.estimates) {
    document["estimates"].push_back({{"constant", one.constant},
                                     {"method", one.method},
                                     {"iterations", one.iterations},
                                     {"tolerance", report::or_null(one.tolerance)},
                                     {"standard_error", report::or_null(one.standard_error)}});
  }
  return document;
}

}  // namespace gradquake::measure
