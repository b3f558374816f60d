// Networks that this project did not write, as `.pt2`: trained perturbed, killed with -9, resumed, loaded in Python.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <random>

#include "../model/python.h"
#include "workspace.h"

namespace gradquake::end_to_end {
namespace {

namespace fs = std::filesystem;

struct Network {
  const char* file;
  const char* data;
  const char* sites;  // of the rules, by module path
};

void PrintTo(const Network& network, std::ostream* out) { *out << network.file; }

constexpr const char* kImages = "data={kind: idx, path: images, pad: 12, channels: 3, batch_size: 8}";
constexpr const char* kBytes = "data={kind: npy, path: bytes, classes: 4, batch_size: 8}";

const Network kNetworks[] = {{"squeezenet1_1", kImages, "features.*.squeeze"},
                             {"mobilenet_v3_small", kImages, "features.*.block.0*"},
                             {"vit_small", kImages, "encoder.layers.*.mlp*"},
                             {"bert_tiny", kBytes, "*.attention*"}};

// A numpy file of whole numbers.
void write_npy(const fs::path& path, const std::string& shape, const std::vector<std::int64_t>& values) {
  std::string header = "{'descr': '<i8', 'fortran_order': False, 'shape': " + shape + ", }";
  header.resize(117, ' ');
  header += '\n';
  const std::string length{char(header.size()), 0};
  write_file(path, std::string("\x93NUMPY\x01\x00", 8) + length + header +
                       std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0])));
}

void write_bytes(const fs::path& folder) {
  constexpr int kRows = 64, kLength = 64;
  std::minstd_rand random(2);
  fs::create_directory(folder);
  std::vector<std::int64_t> tokens(kRows * kLength), labels(kRows);
  for (std::int64_t& token : tokens) token = random() % 128;
  for (std::int64_t& label : labels) label = random() % 4;
  write_npy(folder / "train_input.npy", "(64, 64)", tokens);
  write_npy(folder / "train_target.npy", "(64,)", labels);
}

Arguments train_exported(const Network& network, const std::string& name) {
  const fs::path model = data_folder().parent_path() / "models" / (std::string(network.file) + ".pt2");
  return Workspace::train(
      name, {"model={kind: exported, path: " + model.string() + "}", network.data, "run.steps=16",
             std::string("perturbations=[{label: seen, sites: '") + network.sites +
                 "', direction: both, scale: 2, relative_to: rms, schedule: {interval: 3, offset: 2, from: 2}},"
                 " {label: kept, sites: '*:saved.0', scale: 0.1, relative_to: rms, schedule: {interval: 5}}]",
             "optimizer.learning_rate=0.002", "checkpoint.interval=3", "evaluate.interval=100",
             "monitor.curvature.at=[]", "monitor.curvature.on_spike=none"});
}

class ExportedRunTest : public testing::TestWithParam<Network> {
 protected:
  void SetUp() override {
    if (data_folder().empty()) GTEST_SKIP() << "no folder of data, and of models beside it";
    write_images(workspace_.path() / "images");
    write_bytes(workspace_.path() / "bytes");
  }

  Arguments train(const std::string& name) const { return train_exported(GetParam(), name); }

  Workspace workspace_;
};

TEST_P(ExportedRunTest, SpikesAreNamedByModulePathAndAKilledRunIsResumedBitForBit) {
  ASSERT_EQ(workspace_.run(train("unbroken")).status, 0);
  const fs::path unbroken = workspace_.run_path("unbroken"), killed = workspace_.run_path("killed");
  const std::vector<Json> spikes = read_lines(unbroken / "spikes.jsonl");
  ASSERT_FALSE(spikes.empty());
  EXPECT_FALSE(spikes[0].at("verdict").get<std::string>().empty());
  const std::string site = spikes[0].at("causes").at(0).at("site");
  EXPECT_NE(site.find('.'), std::string::npos) << site;
  {
    Process process(train("killed"), workspace_.path());
    process.wait_until([&] { return fs::exists(killed / "checkpoints" / "step-000000000006.ckpt"); });
    process.send(SIGKILL);
    EXPECT_EQ(process.wait().status, 128 + SIGKILL);
  }
  const Result resumed = workspace_.run({"resume", "runs/killed"});
  EXPECT_EQ(resumed.status, 0) << resumed.err;
  expect_same_run(killed, unbroken);
  EXPECT_TRUE(read_file(killed / "model.pt2") == read_file(unbroken / "model.pt2"));
}

INSTANTIATE_TEST_SUITE_P(, ExportedRunTest, testing::ValuesIn(kNetworks),
                         [](const auto& network) { return std::string(network.param.file); });

// All at once, for Python takes seconds to load torch.
TEST(ExportedRunsTest, PythonLoadsWhatARunKeeps) {
  if (data_folder().empty()) GTEST_SKIP() << "no folder of data, and of models beside it";
  if (!model::python_has("torch") || !model::python_has("safetensors")) GTEST_SKIP() << "no Python with torch";
  const Workspace workspace;
  write_images(workspace.path() / "images");
  write_bytes(workspace.path() / "bytes");
  for (const Network& network : kNetworks)
    ASSERT_EQ(workspace.run(train_exported(network, network.file)).status, 0) << network.file;
  const fs::path script = workspace.path() / "load.py";
  write_file(script,
             "import pathlib, sys, torch\n"
             "from safetensors.torch import load_file\n"
             "for run in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
             "    state = torch.export.load(run / 'model.pt2').module().state_dict()\n"
             "    weights = load_file(run / 'weights.safetensors')\n"
             "    assert set(state) == set(weights), set(state) ^ set(weights)\n"
             "    assert all(torch.equal(state[name], weights[name]) for name in state)\n"
             "    print(run.name)\n");
  const std::string printed = model::run_python(script.string() + " " + (workspace.path() / "runs").string());
  EXPECT_EQ(printed, "bert_tiny\nmobilenet_v3_small\nsqueezenet1_1\nvit_small\n");
}

}  // namespace
}  // namespace gradquake::end_to_end
