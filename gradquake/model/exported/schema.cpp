#include "gradquake/model/exported/schema.h"

#include <map>
#include <nlohmann/json.hpp>

#include "gradquake/model/exported/refusal.h"

namespace gradquake::model::exported {

std::int64_t integer_of(const nlohmann::json& value) {
  if (!value.is_number_integer()) refuse("expected an integer, got " + value.dump().substr(0, 40));
  return value.get<std::int64_t>();
}

at::ScalarType scalar_type(std::int64_t code) {
  static const std::map<std::int64_t, at::ScalarType> types{
      {1, at::kByte},        {2, at::kChar},          {3, at::kShort},          {4, at::kInt},
      {5, at::kLong},        {6, at::kHalf},          {7, at::kFloat},          {8, at::kDouble},
      {9, at::kComplexHalf}, {10, at::kComplexFloat}, {11, at::kComplexDouble}, {12, at::kBool},
      {13, at::kBFloat16},   {28, at::kUInt16},       {34, at::kUInt32},        {35, at::kUInt64}};
  const auto found = types.find(code);
  if (found == types.end()) refuse("element type " + std::to_string(code) + " of the export schema is not known");
  return found->second;
}

at::Layout layout(std::int64_t code) {
  if (code != 7) refuse("expected strided tensors, layout 7 of the export schema, got " + std::to_string(code));
  return at::kStrided;
}

at::MemoryFormat memory_format(std::int64_t code) {
  switch (code) {
    case 1:
      return at::MemoryFormat::Contiguous;
    case 2:
      return at::MemoryFormat::ChannelsLast;
    case 3:
      return at::MemoryFormat::ChannelsLast3d;
    case 4:
      return at::MemoryFormat::Preserve;
    default:
      refuse("memory format " + std::to_string(code) + " of the export schema is not known");
  }
}

at::Device device(const nlohmann::json& device) {
  const std::string type = device.at("type");
  const nlohmann::json& index = device.at("index");
  return at::Device(index.is_null() ? type : type + ":" + std::to_string(index.get<int>()));
}

Member member_of(const nlohmann::json& a_union) {
  if (!a_union.is_object() || a_union.size() != 1)
    refuse("expected a union of the export schema, one member in braces, got " + a_union.dump().substr(0, 80));
  return {a_union.begin().key(), a_union.begin().value()};
}

}  // namespace gradquake::model::exported
