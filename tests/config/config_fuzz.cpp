// Mutates configs and reads them: every outcome must be a clean read or a UserError of one line. Anything else that is
// thrown, a resolved copy that does not resolve to itself, or a crash, fails.
//   config_fuzz [seconds = 20] [seed = 1] [folder of seed files]
// On a crash, or a case that takes 10 s, the culprit is written to config_fuzz.case.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "gradquake/config/document.h"
#include "gradquake/core/error.h"

namespace gradquake::config {
namespace {

constexpr const char* kExample =
    R"(run: {name: digits-mlp, seed: 1, steps: 2000, threads: auto, out: runs, on_nonfinite: stop}
data: {kind: digits, batch_size: 64}
model: {kind: mlp, widths: [64, 128, 128, 128, 10], activation: relu}
objective: {kind: cross_entropy, regularizer: {kind: none, weight: 0.0}}
optimizer: {kind: sgd, learning_rate: 0.05, momentum: 0.0, schedule: {kind: constant}, clip_norm: null}
perturbations:
  - label: late-forward   # a comment
    sites: "layers.[12]"
    kind: &kind gaussian
    scale: 1.0e-1
    schedule: {kind: every, interval: 100, offset: 0, from: 0, until: null}
  - {sites: '*', scale: 2, schedule: {kind: *kind , interval: 7}}
  - label: |
      a block
    "scale": +.5
monitor:
  shadow: {interval: 1}
  curvature: {at: log2, limit: 20}
note: >-
  folded
  lines
? remark
: "\x41\u00e9\"" 
)";

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }

  std::string mutate(std::string text, const std::vector<std::string>& seeds) {
    for (std::size_t n = 1 + below(4); n > 0; --n) {
      const std::size_t at = below(text.size() + 1);
      switch (below(9)) {
        case 0:
          if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
          break;
        case 1:
          if (at < text.size()) text[at] = static_cast<char>(below(256));
          break;
        case 2:
          text.erase(at, 1 + below(20));
          break;
        case 3:
          text.insert(at, token());
          break;
        case 4:
          text.insert(at, text.substr(below(text.size() + 1), below(60)));
          break;
        case 5: {
          const std::string& other = seeds[below(seeds.size())];
          text = text.substr(0, at) + other.substr(below(other.size() + 1));
          break;
        }
        case 6:
          text.insert(at, repeated(token(), below(4) == 0 ? 2000 : 70));
          break;
        case 7:
          text.insert(at, std::string(1, "[]{},:#&*!|>'\"%@`-? \n\t\r"[below(24)]));
          break;
        default:
          text.resize(at);
      }
    }
    return text.size() > 60'000 ? text.substr(0, 60'000) : text;
  }

  std::string token() {
    static const std::vector<std::string> kTokens = {"[",
                                                     "]",
                                                     "{",
                                                     "}",
                                                     "{a: ",
                                                     "[[",
                                                     "- ",
                                                     "? ",
                                                     ": ",
                                                     "- - ",
                                                     "&a ",
                                                     "*a ",
                                                     "&a [*a ]",
                                                     "!!str ",
                                                     "!",
                                                     "!<",
                                                     "!a!b ",
                                                     "%TAG ! x\n",
                                                     "%YAML 1.2\n",
                                                     "%YAML 9.9\n",
                                                     "---\n",
                                                     "...\n",
                                                     "--- ",
                                                     "|",
                                                     "|9\n",
                                                     ">+\n",
                                                     "|-2\n",
                                                     "\"\\",
                                                     "\"\\x",
                                                     "\"\\U0010FFFF\"",
                                                     "\"\\uD800\"",
                                                     "'",
                                                     "''",
                                                     "\n",
                                                     "\n\n  ",
                                                     "\r\n",
                                                     "\t",
                                                     " #",
                                                     "<<: ",
                                                     "1e999",
                                                     "-1e999",
                                                     "99999999999999999999999",
                                                     ".nan",
                                                     ".inf",
                                                     "0x",
                                                     "~",
                                                     "null",
                                                     "true",
                                                     "\xEF\xBB\xBF",
                                                     "\xFF\xFE",
                                                     "\xC2\x85",
                                                     "\xE2\x80\xA8",
                                                     "a: a: a",
                                                     ",,",
                                                     ", ",
                                                     "? - ? - ",
                                                     "{? ",
                                                     "[? ",
                                                     "\"",
                                                     "@",
                                                     "`",
                                                     "run: ",
                                                     "perturbations.0: ",
                                                     ".",
                                                     "=",
                                                     std::string(200, '9'),
                                                     std::string(1100, 'k') + ": "};
    return kTokens[below(kTokens.size())];
  }

 private:
  std::string repeated(const std::string& text, std::size_t most) {
    std::string result;
    for (std::size_t n = below(most); n > 0; --n) result += text;
    return result;
  }

  std::mt19937_64 random_;
};

// Reads as components do, and leaves the rest to be unknown.
void read(Document& document) {
  document.exclusive("run.steps", "run.epochs");
  Reader root = document.root();
  Reader run = root.section("run");
  run.text("name", "x");
  run.integer("seed", 1, 0);
  run.integer_or_word("threads", "auto", std::nullopt, 1);
  if (run.has("epochs")) run.integer("epochs", 1, 0);
  run.integer("steps", 1, 0);
  run.text_or_null("out", "runs");
  run.choice("on_nonfinite", "stop", {"stop", "skip"});
  run.finish();
  root.section("data").text("kind", "digits");
  Reader model = root.section("model");
  model.integers("widths", {1}, 1);
  model.choice("kind", "mlp", {"mlp", "cnn"});
  Reader optimizer = root.section("optimizer");
  optimizer.number("learning_rate", 0.1, Range::positive());
  optimizer.number_or_null("clip_norm", std::nullopt);
  for (Reader& rule : root.list("perturbations")) {
    rule.text("label", "");
    rule.number("scale", 1);
    Reader schedule = rule.section("schedule");
    schedule.text("kind", "every");
    schedule.integer_or_null("until", std::nullopt, 0);
    schedule.texts("steps", {});
    schedule.finish();
  }
  root.section("monitor").section("shadow").integer("interval", 1, 0);
  root.text("note", "");
  root.text("remark", "");
  root.section("objective");
  root.finish();
}

// Both of these must hold for the resolved copy of whatever was read so far.
void check_resolved(const Document& document) {
  const std::string once = document.resolved();
  Document again = Document::parse(once, "resolved");
  try {
    read(again);
  } catch (const UserError&) {
    return;  // a partial copy need not be complete
  }
  Document third = Document::parse(again.resolved(), "resolved again");
  read(third);
  if (third.resolved() != again.resolved()) throw std::runtime_error("the resolved copy does not resolve to itself");
}

std::vector<std::string> seed_texts(const char* folder) {
  std::vector<std::string> seeds = {kExample};
  if (folder == nullptr || !std::filesystem::is_directory(folder)) return seeds;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return seeds;
}

// The case at hand, for the signal handler.
std::string g_text;

void keep_case() {
  const int file = open("config_fuzz.case", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0 || write(file, g_text.data(), g_text.size()) < 0) return;
  close(file);
}

void on_signal(int signal) {
  keep_case();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

struct Counts {
  std::int64_t cases = 0;
  std::int64_t parsed = 0;
  std::int64_t read = 0;
};

// False: something other than a UserError of one line came out.
bool survives(const std::string& text, const std::vector<std::string>& overrides, Counts& counts) {
  try {
    Document document = Document::parse(text, "fuzz.yaml", overrides);
    ++counts.parsed;
    try {
      read(document);
      ++counts.read;
    } catch (const UserError&) {
      check_resolved(document);
      throw;
    }
    check_resolved(document);
  } catch (const UserError& error) {
    const std::string message = error.what();
    if (message.find('\n') == std::string::npos && message.size() < 1000) return true;
    std::cerr << "not one short line: " << message << "\n";
    return false;
  } catch (const std::exception& error) {
    std::cerr << "not a UserError: " << error.what() << "\n";
    return false;
  }
  return true;
}

int run(double seconds, std::uint64_t seed, const char* folder) {
  const std::vector<std::string> seeds = seed_texts(folder);
  std::cout << "config_fuzz: seed " << seed << ", " << seconds << " s, " << seeds.size() << " seed texts" << std::endl;
  std::vector<std::string> corpus = seeds;
  for (const std::string& text : seeds) {
    Counts counts;
    if (!survives(text, {}, counts) || counts.parsed != 1) {
      std::cerr << "a seed text does not parse:\n" << text;
      return 1;
    }
  }
  Mutator mutator(seed);
  Counts counts;
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGALRM}) std::signal(signal, on_signal);
  const auto start = std::chrono::steady_clock::now();
  double slowest = 0;
  for (double now = 0; now < seconds; ++counts.cases) {
    g_text = mutator.mutate(corpus[mutator.below(corpus.size())], seeds);
    std::vector<std::string> overrides;
    if (mutator.below(3) == 0)
      overrides.push_back(mutator.mutate("perturbations.0.scale=3", {"run={steps: 1}", "a.b.c=[1, {d: 2}]"}));
    alarm(10);
    const std::int64_t read_before = counts.read;
    if (!survives(g_text, overrides, counts)) {
      keep_case();
      std::cerr << "case " << counts.cases << " of seed " << seed << " fails; its text is in config_fuzz.case"
                << (overrides.empty() ? "" : ", its override: " + overrides[0]) << "\n";
      return 1;
    }
    if (counts.read > read_before && corpus.size() < 500) corpus.push_back(g_text);
    const double after = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    slowest = std::max(slowest, after - now);
    now = after;
  }
  std::cout << counts.cases << " cases, " << counts.parsed << " parsed, " << counts.read << " read, slowest " << slowest
            << " s" << std::endl;
  return 0;
}

}  // namespace
}  // namespace gradquake::config

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 20;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  return gradquake::config::run(seconds, seed, argc > 3 ? argv[3] : nullptr);
}
