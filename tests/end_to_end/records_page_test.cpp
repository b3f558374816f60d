// docs/records.md names every field of every record: held against the files of a run and against core/records.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

using Fields = std::set<std::string>;

constexpr const char* kTotals = "ledger.jsonl, totals";

// The first column of the table under each heading that begins with a file's name.
std::map<std::string, Fields> documented() {
  std::map<std::string, Fields> files;
  std::string file;
  static const std::regex heading("^## ([a-z]+\\.jsonl?.*)$"), row("^\\| `([^`]+)` \\|.*");
  for (const std::string& line : lines_of(read_file(std::string(GRADQUAKE_SOURCE_DIR) + "/docs/records.md"))) {
    std::smatch match;
    if (line.rfind("## ", 0) == 0) file = std::regex_match(line, match, heading) ? match[1].str() : "";
    if (!file.empty() && std::regex_match(line, match, row)) {
      EXPECT_TRUE(files[file].insert(match[1]).second) << file << " lists " << match[1] << " twice";
    }
  }
  return files;
}

// Paths of all values: a.b for objects, a[] for the entries of a list. What is empty or null ends its path.
void collect(const Json& value, const std::string& path, Fields& paths) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, inner] : value.items()) collect(inner, path.empty() ? key : path + "." + key, paths);
  } else if (value.is_array() && !value.empty()) {
    for (const Json& inner : value) collect(inner, path + "[]", paths);
  } else {
    paths.insert(path);
  }
}

// `<name>` in the page stands for any key.
bool is_field(const std::string& path, const std::string& field) {
  const std::string pattern = std::regex_replace(std::regex_replace(field, std::regex("\\[\\]"), "\\[\\]"),
                                                 std::regex("<[a-z]+>"), "[a-z_0-9]+");
  return std::regex_match(path, std::regex(pattern));
}

// An empty list or a null object shows nothing of what it could hold.
bool is_empty_parent(const std::string& path, const std::string& field) {
  return field.rfind(path + ".", 0) == 0 || field.rfind(path + "[]", 0) == 0;
}

void expect_same(const std::string& file, const Fields& found, const Fields& fields) {
  for (const std::string& path : found) {
    const bool known = std::any_of(fields.begin(), fields.end(), [&](const std::string& field) {
      return is_field(path, field) || is_empty_parent(path, field);
    });
    EXPECT_TRUE(known) << file << " holds " << path << ", which docs/records.md does not name";
  }
  for (const std::string& field : fields) {
    if (field.front() == '<') continue;  // not of every run
    const bool there = std::any_of(found.begin(), found.end(), [&](const std::string& path) {
      return is_field(path, field) || is_empty_parent(path, field);
    });
    EXPECT_TRUE(there) << "docs/records.md names " << field << ", which " << file << " does not hold";
  }
}

// Names of a struct's members, as the header declares them.
Fields members(const std::string& header, const std::string& name) {
  const std::size_t begin = header.find("struct " + name + " {");
  EXPECT_NE(begin, std::string::npos) << name;
  static const std::regex member("^  [A-Za-z_0-9:<>, ]+ ([a-z_A-Z]+)( = [^;]+)?;.*");
  Fields names;
  for (const std::string& line : lines_of(header.substr(begin, header.find("\n};", begin) - begin))) {
    std::smatch match;
    if (std::regex_match(line, match, member)) names.insert(match[1]);
  }
  return names;
}

Fields fields_of(const std::filesystem::path& file) {
  Fields found;
  if (file.extension() == ".jsonl") {
    for (const Json& line : read_lines(file)) collect(line, "", found);
  } else {
    collect(read_json(file), "", found);
  }
  return found;
}

TEST(RecordsPageTest, NamesEveryFieldOfEveryFileOfARun) {
  const Workspace workspace;
  const std::filesystem::path run = workspace.trained("run");
  const std::filesystem::path totals = workspace.trained("totals", {"ledger={detail: totals, interval: 50}"});
  const auto files = documented();
  EXPECT_EQ(files.size(), 9U);
  for (const auto& [file, fields] : files) {
    expect_same(file, fields_of(file == kTotals ? totals / "ledger.jsonl" : run / file), fields);
  }
}

TEST(RecordsPageTest, LeavesNoFileOfARunOut) {
  const Workspace workspace;
  const std::string page = read_file(std::string(GRADQUAKE_SOURCE_DIR) + "/docs/records.md");
  const std::filesystem::path run = workspace.trained("run");
  for (const auto& entry : std::filesystem::directory_iterator(run)) {
    const std::string name = entry.path().filename().string();
    if (name[0] == '.') continue;
    EXPECT_NE(page.find("`" + name), std::string::npos) << name;
  }
}

TEST(RecordsPageTest, NamesTheMembersOfTheRecords) {
  const auto header = [](const char* path) {
    return read_file(std::string(GRADQUAKE_SOURCE_DIR) + "/gradquake/" + path);
  };
  const std::string text = header("core/records.h") + header("hooks/injection_record.h");
  const auto files = documented();
  const std::map<std::string, std::string> records = {{"InjectionRecord", "ledger.jsonl"},
                                                      {"InjectionTotal", kTotals},
                                                      {"EvaluationRecord", "evaluations.jsonl"},
                                                      {"CurvatureRecord", "curvature.jsonl"},
                                                      {"SpikeRecord", "spikes.jsonl"},
                                                      {"SpikePrediction", "predictions.jsonl"},
                                                      {"StepLine", "steps.jsonl"}};
  for (const auto& [record, file] : records) {
    ASSERT_TRUE(files.contains(file)) << file;
    Fields top, declared = members(text, record);
    for (const std::string& field : files.at(file)) top.insert(field.substr(0, field.find_first_of(".[")));
    top.erase("<metric>");  // the keys of a map
    declared.erase("metrics");
    EXPECT_EQ(declared, top) << record << " and " << file;
  }
}

}  // namespace
}  // namespace gradquake::end_to_end
