// The caller's mistakes: exit status 2, one line that says what was expected and what came, nothing left on disk.
#include <gtest/gtest.h>

#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;

struct Mistake {
  const char* name;
  Arguments arguments;
  std::vector<std::string> parts;  // of the line, in this order
};

void PrintTo(const Mistake& mistake, std::ostream* out) { *out << mistake.name; }

Mistake train(const char* name, const std::string& override, std::vector<std::string> parts) {
  return {name, {"train", "small.yaml", override}, std::move(parts)};
}

std::string plugins(const std::string& name) { return "plugins=[" GRADQUAKE_BINARY_DIR "/" + name + ".so]"; }

const std::string kRule = "direction: forward, kind: gaussian, scale: 1.0";

const Mistake kMistakes[] = {
    {"NoCommand", {}, {"expected a command", "train", "resume", "gradquake --help"}},
    {"UnknownCommand", {"trian", "small.yaml"}, {"'trian'", "nearest: train"}},
    {"UnknownQuestionOfTheory",
     {"theory", "boun"},
     {"expected a command (", "got 'boun'", "nearest: bound", "gradquake theory --help"}},
    {"UnknownGroupOfKinds", {"kinds", "schedul"}, {"expected a group of", "'schedul'", "(nearest: schedule)"}},
    {"UnknownKindOfAGroup", {"kinds", "schedule", "evry"}, {"expected a schedule kind", "(nearest: every)"}},
    {"NoConfig", {"train"}, {"CONFIG is required", "gradquake train --help"}},
    {"UnknownOption", {"train", "small.yaml", "--frob"}, {"--frob", "gradquake train --help"}},
    {"OptionOfAnotherCommand", {"plan", "small.yaml", "--overwrite"}, {"--overwrite", "gradquake plan --help"}},
    {"ConfigIsMissing", {"train", "absent.yaml"}, {"absent.yaml", "expected a readable YAML file"}},
    {"ConfigIsADirectory", {"train", "."}, {".: expected a YAML file, got a directory"}},
    {"ConfigIsEmpty", {"train", "empty"}, {"empty"}},
    {"ConfigIsNoYaml", {"train", "corrupt/train-images-idx3-ubyte.gz"}, {"corrupt/train-images-idx3-ubyte.gz"}},
    {"PlanOfAMissingConfig", {"plan", "absent.yaml"}, {"absent.yaml"}},
    {"UnknownKeyInTheFile", {"train", "unknown_key.yaml"}, {"unknown_key.yaml:2", "run.step", "(nearest: steps)"}},
    {"WrongTypeInTheFile",
     {"train", "wrong_type.yaml"},
     {"wrong_type.yaml:3", "run.seed", "expected an integer", "'one'"}},
    train("OverrideWithoutValue", "run.seed", {"override 'run.seed'", "dotted.key=value"}),
    train("UnknownSection", "modl.kind=mlp", {"override 'modl.kind=mlp'", "modl", "(nearest: model)"}),
    train("UnknownKey", "optimizer.learning_rat=0.1",
          {"override", "optimizer.learning_rat", "(nearest: learning_rate)"}),
    train("AbbreviatedKey", "optimizer.lr=0.1", {"optimizer.lr", "(nearest: learning_rate)"}),
    train("WrongType", "run.steps=abc", {"override 'run.steps=abc'", "run.steps", "expected an integer", "'abc'"}),
    train("OutOfRange", "optimizer.momentum=1.5", {"optimizer.momentum", "expected", "1.5"}),
    train("NotANumber", "optimizer.learning_rate=.nan", {"optimizer.learning_rate", "expected"}),
    train("UnknownModelKind", "model.kind=mpl", {"model.kind", "expected one of", "'mpl'", "(nearest: mlp)"}),
    train("UnknownPerturbationKind", "perturbations.0.kind=gausian",
          {"perturbations.0.kind", "'gausian'", "(nearest: gaussian)"}),
    train("UnknownDataKind", "data.kind=digit", {"data.kind", "'digit'", "(nearest: digits)"}),
    train("WidthsThatDoNotFitTheData", "model.widths=[63, 10]", {"expected a first width of 64", "got 63"}),
    train("GlobThatMatchesNothing", "perturbations=[{sites: \"layer.*\", " + kRule + "}]",
          {"perturbations.0.sites", "'layers.0'", "got 'layer.*'"}),
    train("DuplicateLabel",
          "perturbations=[{label: twin, sites: \"*\", " + kRule + "}, {label: twin, sites: \"*\", " + kRule + "}]",
          {"label", "twin"}),
    train("MemoryOfATensorWhoseSamplesChange", "perturbations=[{sites: layers.0, kind: stale, memory: per_tensor}]",
          {"perturbations.0.memory", "expected memory per_sample in rule 0", "got per_tensor and 32 samples"}),
    train("MemoryBeyondItsLimit", "perturbations=[{sites: layers.0, kind: delta, limit_mb: 0.1}]",
          {"perturbations.0.limit_mb", "at most 0.1 MB", "got ", "samples, of which", "'layers.0', forward"}),
    train("MemoryWithinAMemory", "perturbations=[{sites: layers.0, kind: delta, of: {kind: stale}}]",
          {"perturbations.0.of", "expected a kind without a memory of its own, got 'stale'"}),
    train("InnerKindWithoutItsKeys", "perturbations=[{sites: layers.0, kind: delta, of: top_k}]",
          {"perturbations.0.of", "expected a mapping {kind: top_k, share: ...}, got 'top_k'"}),
    train("PluginIsMissing", "plugins=[nowhere.so]", {"plugins: nowhere.so", "got no file"}),
    train("PluginIsNoLibrary", "plugins=[small.yaml]", {"plugins: small.yaml", "cannot be loaded"}),
    train("PluginIsAnotherLibrary", plugins("libgradquake_hooks"), {"GRADQUAKE_PLUGIN", "a library without"}),
    train("PluginOfAnotherVersion", plugins("libplugin_another_version"),
          {"built against gradquake 0.1.0", "got one built against 0.0.1"}),
    train("PluginWithAMissingSymbol", plugins("libplugin_missing_symbol"),
          {"cannot be loaded", "function_of_a_library_that_was_not_linked"}),
    train("PluginWhoseKindIsTaken", plugins("libplugin_taken_kind"), {"libplugin_taken_kind.so", "gaussian"}),
    train("AliasOfNoSite", "aliases={nope: x}", {"aliases of the model's sites", "'layers.", "got 'nope'"}),
    train("ExportedModelIsMissing", "model={kind: exported, path: nowhere.pt2}", {"nowhere.pt2", "got no file"}),
    train("ExportedModelIsNone", "model={kind: exported, path: small.yaml}", {"small.yaml", "cannot be read"}),
    train("ScriptIsNone", "model={kind: torchscript, path: small.yaml}", {"small.yaml", "cannot be read"}),
    train("DataPathIsMissing", "data={kind: idx, path: nowhere}", {"nowhere"}),
    train("DataFileIsTruncated", "data={kind: idx, path: corrupt}", {"corrupt/train-images-idx3-ubyte.gz"}),
    train("DataFileIsNoLibsvm", "data={kind: libsvm, path: small.yaml}", {"small.yaml:1"}),
    train("WeightsAreMissing", "model.weights=nowhere.pt", {"nowhere.pt"}),
    train("WeightsAreNone", "model.weights=small.yaml", {"small.yaml"}),
    train("DeviceThatIsNotThere", "run.device=cuda", {"expected run.device cpu, got cuda"}),
    train("OutBelowAFile", "run.out=small.yaml/runs", {"small.yaml/runs", "Not a directory"}),
    train("OutIsAFile", "run.out=small.yaml", {"small.yaml", "Not a directory"}),
    train("NameWithAFolder", "run.name=../elsewhere", {"run.name", "'../elsewhere'"}),
};

class MistakeTest : public testing::TestWithParam<Mistake> {
 protected:
  void SetUp() override {
    const fs::path& folder = workspace_.path();
    write_file(folder / "empty", "");
    write_file(folder / "unknown_key.yaml", "run:\n  step: 3\n");
    write_file(folder / "wrong_type.yaml", "run:\n  steps: 3\n  seed: one\n");
    fs::create_directory(folder / "corrupt");
    for (const char* name : {"train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"}) {
      // The first bytes of a gzip file whose rest is missing.
      write_file(folder / "corrupt" / (std::string(name) + "-ubyte.gz"),
                 std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03\xed\xc1", 12));
    }
  }

  Workspace workspace_;
};

TEST_P(MistakeTest, IsOneLineStatusTwoAndNothingLeft) {
  const std::vector<std::string> before = tree(workspace_.path());
  const Result result = workspace_.run(GetParam().arguments);
  EXPECT_EQ(result.status, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(lines_of(result.err).size(), 1U) << result.err;
  EXPECT_EQ(result.err.rfind("gradquake: ", 0), 0U) << result.err;
  std::size_t at = 0;
  for (const std::string& part : GetParam().parts) {
    at = result.err.find(part, at);
    ASSERT_NE(at, std::string::npos) << part << " is missing in: " << result.err;
  }
  EXPECT_EQ(tree(workspace_.path()), before);
}

INSTANTIATE_TEST_SUITE_P(, MistakeTest, testing::ValuesIn(kMistakes),
                         [](const auto& kind) { return std::string(kind.param.name); });

class RunFolderTest : public testing::Test {
 protected:
  Workspace workspace_;
};

TEST_F(RunFolderTest, IsNeverOverwrittenUnasked) {
  const fs::path run = workspace_.trained("run", {"run.steps=50"});
  const std::string before = read_file(run / "steps.jsonl");
  const Result result = workspace_.run(Workspace::train("run", {"run.steps=60"}));
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("runs/run, which exists (--overwrite replaces it"), std::string::npos) << result.err;
  EXPECT_EQ(read_file(run / "steps.jsonl"), before);
  EXPECT_EQ(tree(workspace_.path() / "runs").front(), "run") << "no hidden folder";
}

TEST_F(RunFolderTest, IsReplacedWholeWhenAsked) {
  const fs::path run = workspace_.trained("run");
  write_file(run / "notes.txt", "of the old run");
  EXPECT_EQ(workspace_.run(Workspace::train("run", {"run.steps=50", "--overwrite"})).status, 0);
  EXPECT_FALSE(fs::exists(run / "notes.txt"));
  EXPECT_EQ(read_lines(run / "steps.jsonl").size(), 50U);
  EXPECT_EQ(checkpoints(run).back(), "step-000000000050.ckpt");
}

TEST_F(RunFolderTest, OverwriteSparesWhatIsNoRun) {
  fs::create_directories(workspace_.run_path("thesis"));
  write_file(workspace_.run_path("thesis") / "chapter.txt", "years of work");
  const Result result = workspace_.run(Workspace::train("thesis", {"--overwrite"}));
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.err.find("no manifest.json"), std::string::npos) << result.err;
  EXPECT_EQ(read_file(workspace_.run_path("thesis") / "chapter.txt"), "years of work");
}

TEST_F(RunFolderTest, LeftoversOfAKilledStartAreRemovedByTheNext) {
  fs::create_directories(workspace_.path() / "runs/.run.new-123/checkpoints");
  workspace_.trained("run", {"run.steps=50"});
  for (const std::string& path : tree(workspace_.path() / "runs")) EXPECT_EQ(path.rfind("run", 0), 0U) << path;
}

TEST_F(RunFolderTest, MistakeBesideAnExistingRunLeavesItAlone) {
  const fs::path run = workspace_.trained("run", {"run.steps=50"});
  const std::string before = read_file(run / "steps.jsonl");
  EXPECT_EQ(workspace_.run(Workspace::train("run", {"--overwrite", "perturbations.0.sites=nothing"})).status, 2);
  EXPECT_EQ(read_file(run / "steps.jsonl"), before);
}

}  // namespace
}  // namespace gradquake::end_to_end
