#include "gradquake/config/parse.h"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "gradquake/config/builder.h"
#include "gradquake/config/utf8.h"

namespace gradquake::config {
namespace {

class Ignore : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

void scan(const std::string& text, YAML::EventHandler& handler) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  while (parser.HandleNextDocument(handler)) {
  }
}

// yaml-cpp 0.7 takes the end of the text for the end of a quote, but refuses an end mark inside one.
bool leaves_a_quote_open(const std::string& text) {
  Ignore ignore;
  try {
    scan(text + "\n...\n", ignore);
  } catch (const YAML::Exception&) {
    return true;
  }
  return false;
}

}  // namespace

Value parse_yaml(const std::string& raw, const Source& source, int override_index) {
  const std::string text = normalized(raw);
  if (const auto bad = find_bad_byte(text)) source.fail({bad->line, override_index}, bad->problem);
  Builder builder(source, override_index);
  try {
    scan(text, builder);
  } catch (const YAML::Exception& error) {
    const bool star = error.msg.find("alias") != std::string::npos || error.msg.find("anchor") != std::string::npos;
    source.fail({std::max(error.mark.line + 1, 1), override_index},
                "expected YAML, got a mistake at column " + std::to_string(std::max(error.mark.column + 1, 1)) + ": " +
                    one_line(error.msg) + (star ? " (quote text that starts with * or &)" : ""));
  }
  if (leaves_a_quote_open(text)) source.fail(builder.last_scalar(), "expected YAML, got a quote that is never closed");
  return builder.take();
}

}  // namespace gradquake::config
