#include "gradquake/core/error.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace gradquake {
namespace {

TEST(UserErrorTest, NamesTheComponentBeforeTheMessage) {
  EXPECT_STREQ(UserError("data", "expected a folder, got 'x'").what(), "[data] expected a folder, got 'x'");
}

TEST(UserErrorTest, IsAnInvalidArgument) { EXPECT_THROW(throw UserError("a", "b"), std::invalid_argument); }

TEST(UserErrorTest, KeepsItsTextWhenCopied) {
  const auto copied = [] {
    const UserError original("data", "expected a folder");
    return UserError(original);
  };
  EXPECT_STREQ(copied().what(), "[data] expected a folder");
}

}  // namespace
}  // namespace gradquake
