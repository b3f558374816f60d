// What is wrong with an archive, before the archive's name stands before it. Internal to model/exported/.
#pragma once

#include <stdexcept>
#include <string>

namespace gradquake::model::exported {

class Refusal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void refuse(const std::string& message) { throw Refusal(message); }

}  // namespace gradquake::model::exported
