#include "gradquake/report/svg_text.h"

namespace gradquake::report {

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text)
    if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else
      safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return safe;
}

}  // namespace gradquake::report
