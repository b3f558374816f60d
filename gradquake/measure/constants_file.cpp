#include "gradquake/measure/constants_file.h"

#include <fmt/format.h>

namespace gradquake::measure {
namespace {

using config::Range;
using config::Reader;

double required(Reader& reader, const std::string& key) {
  reader.require(key);
  return reader.number(key, 0, Range::non_negative());
}

std::optional<theory::UniformConstants> read_uniform(Reader& root) {
  if (!root.has("uniform") || root.is_null("uniform")) {
    root.text_or_null("uniform", std::nullopt);
    return std::nullopt;
  }
  Reader reader = root.section("uniform");
  theory::UniformConstants uniform;
  uniform.C_grad = required(reader, "C_grad");
  uniform.C_hess = required(reader, "C_hess");
  uniform.L_f = required(reader, "L_f");
  uniform.L_grad = required(reader, "L_grad");
  uniform.L_hess = required(reader, "L_hess");
  reader.finish();
  return uniform;
}

std::vector<theory::OperatorConstants> read_operators(Reader& root) {
  std::vector<theory::OperatorConstants> operators;
  for (Reader& reader : root.list("per_operator")) {
    theory::OperatorConstants one;
    one.c = required(reader, "c");
    one.k = required(reader, "k");
    one.ell = required(reader, "ell");
    one.nu = required(reader, "nu");
    one.D = required(reader, "D");
    one.E = required(reader, "E");
    reader.finish();
    operators.push_back(one);
  }
  return operators;
}

void read_perturbations(Reader& root, theory::Constants& constants) {
  for (Reader& reader : root.list("delta")) {
    theory::ForwardMoments one;
    one.second_moment = required(reader, "second_moment");
    one.mean_squared = required(reader, "mean_squared");
    one.fourth_moment = required(reader, "fourth_moment");
    one.frequency = reader.number("frequency", 1, Range::unit());
    reader.finish();
    constants.delta.push_back(one);
  }
  for (Reader& reader : root.list("eps")) {
    theory::BackwardMoments one;
    one.second_moment = required(reader, "second_moment");
    one.mean_squared = required(reader, "mean_squared");
    one.frequency = reader.number("frequency", 1, Range::unit());
    reader.finish();
    constants.eps.push_back(one);
  }
}

std::optional<theory::MeasuredError> read_measured(Reader& root) {
  if (!root.has("measured") || root.is_null("measured")) {
    root.text_or_null("measured", std::nullopt);
    return std::nullopt;
  }
  Reader reader = root.section("measured");
  const theory::MeasuredError measured{required(reader, "second_moment"), required(reader, "bias_squared")};
  reader.finish();
  return measured;
}

std::vector<Estimate> read_estimates(Reader& root) {
  std::vector<Estimate> estimates;
  for (Reader& reader : root.list("estimates")) {
    Estimate one;
    reader.require("constant");
    one.constant = reader.text("constant", "");
    one.method = reader.text("method", "");
    one.iterations = reader.integer("iterations", 0, 0);
    one.tolerance = reader.number_or_null("tolerance", std::nullopt, Range::non_negative());
    one.standard_error = reader.number_or_null("standard_error", std::nullopt, Range::non_negative());
    reader.finish();
    estimates.push_back(one);
  }
  return estimates;
}

PredictionRequest read_prediction(Reader& root) {
  Reader reader = root.section("predict");
  PredictionRequest request;
  request.interval = reader.integer("interval", 1, 1);
  request.error = reader.number_or_null("error", std::nullopt, Range::non_negative());
  request.loss = reader.number_or_null("loss", std::nullopt);
  request.minimum_loss = reader.number_or_null("minimum_loss", std::nullopt);
  request.target_loss = reader.number_or_null("target_loss", std::nullopt, Range::positive());
  request.target_gradient = reader.number_or_null("target_gradient", std::nullopt, Range::positive());
  request.level = reader.number_or_null("level", std::nullopt, Range::non_negative());
  request.band.level = request.level.value_or(0);
  request.band.mad = reader.number("mad", 0, Range::non_negative());
  request.band.factor = reader.number("factor", request.band.factor, Range::positive());
  request.band.ewma = reader.number("ewma", request.band.ewma, {.min = 0, .max = 1, .min_open = true});
  request.band.hold = static_cast<int>(reader.integer("hold", request.band.hold, 1, 1'000'000));
  request.displacement = reader.number_or_null("displacement", std::nullopt, Range::non_negative());
  if (reader.has("alpha") || reader.has("beta")) {
    request.lanczos = Tridiagonal{reader.numbers("alpha", {}), reader.numbers("beta", {})};
    if (request.lanczos->alpha.size() != request.lanczos->beta.size() + 1) {
      reader.fail("beta", fmt::format("expected one entry fewer than alpha's {}, got {}", request.lanczos->alpha.size(),
                                      request.lanczos->beta.size()));
    }
  }
  reader.finish();
  return request;
}

std::string list_item(const theory::OperatorConstants& one) {
  return fmt::format("  - {{c: {}, k: {}, ell: {}, nu: {}, D: {}, E: {}}}\n", one.c, one.k, one.ell, one.nu, one.D,
                     one.E);
}

template <class Value>
std::string line(const char* key, const std::optional<Value>& value) {
  return value ? fmt::format("{}: {}\n", key, *value) : "";
}

std::string estimate_item(const Estimate& one) {
  const auto or_null = [](const std::optional<double>& x) { return x ? fmt::format("{}", *x) : "null"; };
  return fmt::format("  - {{constant: \"{}\", method: \"{}\", iterations: {}, tolerance: {}, standard_error: {}}}\n",
                     one.constant, one.method, one.iterations, or_null(one.tolerance), or_null(one.standard_error));
}

}  // namespace

ConstantsFile read_constants(config::Document& document) {
  Reader root = document.root();
  ConstantsFile file;
  theory::Constants& constants = file.constants;
  root.require("operators");
  constants.operators = static_cast<int>(root.integer("operators", 2, 2, 100'000));
  constants.uniform = read_uniform(root);
  constants.per_operator = read_operators(root);
  constants.smoothness = root.number_or_null("smoothness", std::nullopt, Range::positive());
  constants.pl = root.number_or_null("pl", std::nullopt, Range::positive());
  constants.gradient_variance = root.number_or_null("gradient_variance", std::nullopt, Range::non_negative());
  constants.initial_gap = root.number_or_null("initial_gap", std::nullopt, Range::non_negative());
  constants.step_size = root.number_or_null("step_size", std::nullopt, Range::positive());
  constants.steps = root.integer_or_null("steps", std::nullopt, 1);
  read_perturbations(root, constants);
  constants.measured = read_measured(root);
  file.estimates = read_estimates(root);
  file.prediction = read_prediction(root);
  root.finish();
  theory::validate(constants);
  return file;
}

ConstantsFile load_constants(const std::string& path, const std::vector<std::string>& overrides) {
  config::Document document = config::Document::load(path, overrides);
  return read_constants(document);
}

std::string constants_yaml(const ConstantsFile& file) {
  const theory::Constants& constants = file.constants;
  std::string text = fmt::format("operators: {}\n", constants.operators);
  if (constants.uniform) {
    const theory::UniformConstants& u = *constants.uniform;
    text += fmt::format("uniform: {{C_grad: {}, C_hess: {}, L_f: {}, L_grad: {}, L_hess: {}}}\n", u.C_grad, u.C_hess,
                        u.L_f, u.L_grad, u.L_hess);
  }
  if (!constants.per_operator.empty()) {
    text += "per_operator:\n";
    for (const theory::OperatorConstants& one : constants.per_operator) text += list_item(one);
  }
  text += line("smoothness", constants.smoothness) + line("pl", constants.pl) +
          line("gradient_variance", constants.gradient_variance) + line("initial_gap", constants.initial_gap) +
          line("step_size", constants.step_size) + line("steps", constants.steps);
  if (!constants.delta.empty()) {
    text += "delta:\n";
    for (const theory::ForwardMoments& one : constants.delta) {
      text += fmt::format("  - {{second_moment: {}, mean_squared: {}, fourth_moment: {}, frequency: {}}}\n",
                          one.second_moment, one.mean_squared, one.fourth_moment, one.frequency);
    }
  }
  if (!constants.eps.empty()) {
    text += "eps:\n";
    for (const theory::BackwardMoments& one : constants.eps) {
      text += fmt::format("  - {{second_moment: {}, mean_squared: {}, frequency: {}}}\n", one.second_moment,
                          one.mean_squared, one.frequency);
    }
  }
  if (constants.measured) {
    text += fmt::format("measured: {{second_moment: {}, bias_squared: {}}}\n", constants.measured->second_moment,
                        constants.measured->bias_squared);
  }
  if (!file.estimates.empty()) {
    text += "estimates:\n";
    for (const Estimate& one : file.estimates) text += estimate_item(one);
  }
  return text;
}

}  // namespace gradquake::measure
