// The text of the UserError that `act` throws; a note where it throws none, or something else.
#pragma once

#include <exception>
#include <string>

#include "gradquake/core/error.h"

namespace gradquake::config {

template <typename Act>
std::string failure(Act act) {
  try {
    act();
  } catch (const UserError& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("not a UserError: ") + error.what();
  }
  return "no error";
}

}  // namespace gradquake::config
