#include "gradquake/model/exported/arguments.h"

#include <ATen/ScalarOps.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gradquake/model/exported/refusal.h"
#include "gradquake/model/exported/schema.h"

namespace gradquake::model::exported {
namespace {

using nlohmann::json;

c10::TypePtr inside_optional(const c10::TypePtr& type) {
  const auto optional = type->cast<c10::OptionalType>();
  return optional ? optional->getElementType() : type;
}

// Of a list; null: the type is none.
c10::TypePtr element_of(const c10::TypePtr& type) {
  const auto list = type->cast<c10::ListType>();
  return list ? list->getElementType() : nullptr;
}

bool is(const c10::TypePtr& type, c10::TypeKind kind) { return type && type->kind() == kind; }

// JSON knows no inf and no nan: they are written as texts.
double number(const json& value) {
  return value.is_string() ? std::stod(value.get<std::string>()) : value.get<double>();
}

class ArgumentReader {
 public:
  ArgumentReader(const c10::TypePtr& type, std::size_t length, std::size_t at, const SlotOf& slot_of, Node& node)
      : type_(inside_optional(type)),
        element_(element_of(type_)),
        length_(length),
        at_(at),
        slot_of_(slot_of),
        node_(node) {}

  void read(const json& argument) {
    const auto [kind, value] = member_of(argument);
    if (read_tensors(kind, value) || read_numbers(kind, value) || read_lists(kind, value) || read_symbols(kind, value))
      return;
    if (kind == "as_none") return set({});
    if (kind == "as_string") return set(value.get<std::string>());
    if (kind == "as_scalar_type") return set(static_cast<std::int64_t>(scalar_type(value)));
    if (kind == "as_layout") return set(static_cast<std::int64_t>(layout(value)));
    if (kind == "as_memory_format") return set(static_cast<std::int64_t>(memory_format(value)));
    if (kind == "as_device") return set(device(value));
    if (kind == "as_graph")
      refuse("it has a graph of its own (control flow, such as torch.cond), which is not carried out");
    refuse("it has an argument of kind " + kind + ", which is not known");
  }

 private:
  void set(c10::IValue value) { node_.arguments[at_] = std::move(value); }
  void fill(Fill::Kind kind, std::vector<Slot> slots, std::vector<c10::IValue> constants = {}) {
    node_.fills.push_back({kind, at_, std::move(slots), std::move(constants)});
  }
  // A value by its name, or None.
  Slot optional_slot(const json& an_optional) const {
    const auto [kind, value] = member_of(an_optional);
    return kind == "as_none" ? kNoSlot : slot_of_(value.at("name"));
  }

  bool read_tensors(const std::string& kind, const json& value) {
    if (kind == "as_tensor") {
      fill(Fill::Kind::kValue, {slot_of_(value.at("name"))});
    } else if (kind == "as_optional_tensor") {
      const Slot slot = optional_slot(value);
      if (slot == kNoSlot)
        set({});
      else
        fill(Fill::Kind::kValue, {slot});
    } else if (kind == "as_tensors" || kind == "as_optional_tensors") {
      std::vector<Slot> slots;
      for (const json& one : value)
        slots.push_back(kind == "as_tensors" ? slot_of_(one.at("name")) : optional_slot(one));
      const bool optional = is(element_, c10::TypeKind::OptionalType);
      fill(optional ? Fill::Kind::kOptionalTensors : Fill::Kind::kTensors, std::move(slots));
    } else {
      return false;
    }
    return true;
  }

  bool read_numbers(const std::string& kind, const json& value) {
    if (kind == "as_int") {
      const std::int64_t integer = integer_of(value);
      if (is(type_, c10::TypeKind::TensorType))
        set(number_tensor(integer));
      else if (is(type_, c10::TypeKind::FloatType))
        set(static_cast<double>(integer));
      else if (element_)
        set(std::vector<std::int64_t>(std::max<std::size_t>(length_, 1), integer));
      else
        set(integer);
    } else if (kind == "as_float") {
      set(is(type_, c10::TypeKind::TensorType) ? number_tensor(number(value)) : c10::IValue(number(value)));
    } else if (kind == "as_bool") {
      const c10::IValue flag = value.get<bool>();
      set(is(type_, c10::TypeKind::TensorType) ? number_tensor(flag) : flag);
    } else if (kind == "as_complex") {
      set(c10::complex<double>(value.at("real"), value.at("imag")));
    } else {
      return false;
    }
    return true;
  }

  bool read_lists(const std::string& kind, const json& value) {
    if (kind == "as_ints" && !is(element_, c10::TypeKind::FloatType)) {
      set(value.get<std::vector<std::int64_t>>());
    } else if (kind == "as_ints" || kind == "as_floats") {
      std::vector<double> numbers;
      for (const json& one : value) numbers.push_back(number(one));
      set(std::move(numbers));
    } else if (kind == "as_bools") {
      c10::List<bool> flags;
      for (const json& one : value) flags.push_back(one.get<bool>());
      set(std::move(flags));
    } else {
      return false;
    }
    return true;
  }

  // Sizes: a name, or a number.
  bool read_symbols(const std::string& kind, const json& value) {
    if (kind == "as_sym_int" || kind == "as_sym_float" || kind == "as_sym_bool") {
      if (!value.contains("as_name")) {
        read(value);
        return true;
      }
      const bool tensor = is(type_, c10::TypeKind::TensorType);
      fill(tensor ? Fill::Kind::kNumberTensor : Fill::Kind::kValue, {slot_of_(value.at("as_name"))});
      return true;
    }
    if (kind != "as_sym_ints" && kind != "as_sym_floats") return false;
    const bool integers = kind == "as_sym_ints";
    std::vector<Slot> slots;
    std::vector<c10::IValue> constants;
    for (const json& one : value) {
      const auto [member, held] = member_of(one);
      const bool named = member == "as_name";
      slots.push_back(named ? slot_of_(held) : kNoSlot);
      constants.push_back(named ? c10::IValue() : integers ? c10::IValue(integer_of(held)) : number(held));
    }
    fill(integers ? Fill::Kind::kIntegers : Fill::Kind::kNumbers, std::move(slots), std::move(constants));
    return true;
  }

  const c10::TypePtr type_, element_;
  const std::size_t length_, at_;
  const SlotOf& slot_of_;
  Node& node_;
};

}  // namespace

c10::IValue number_tensor(const c10::IValue& number) {
  const at::Tensor tensor = c10::scalar_to_tensor(number.toScalar());
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return tensor;
}

void read_argument(const json& argument, const c10::TypePtr& type, std::size_t length, std::size_t at,
                   const SlotOf& slot_of, Node& node) {
  ArgumentReader(type, length, at, slot_of, node).read(argument);
}

}  // namespace gradquake::model::exported
