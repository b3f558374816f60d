// The words of torch.export's schema (torch/_export/serde/schema.py of PyTorch 2.13, major version 8). Its enums are
// not c10's: float32 is 7 there and 6 here. Every function refuses what it does not know.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace gradquake::model::exported {

inline constexpr std::int64_t kSchemaMajor = 8;

std::int64_t integer_of(const nlohmann::json& value);
at::ScalarType scalar_type(std::int64_t code);
at::Layout layout(std::int64_t code);
at::MemoryFormat memory_format(std::int64_t code);
at::Device device(const nlohmann::json& device);

// A union of the schema, {"as_int": 3}: the name of its one member, and what it holds.
struct Member {
  const std::string& name;
  const nlohmann::json& value;
};
Member member_of(const nlohmann::json& a_union);

}  // namespace gradquake::model::exported
