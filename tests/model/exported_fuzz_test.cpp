// Archives damaged one place at a time: each is a network or a UserError, and nothing else ever happens. The sanitizers
// see these tests too.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <exception>
#include <filesystem>
#include <functional>

#include "exported_files.h"
#include "files.h"

namespace gradquake::model::exported {
namespace {

using data::read_file;
using data::TemporaryFolder;
using Json = nlohmann::json;

// Loads an archive and runs it; what comes out that is no UserError fails the test.
class Trial {
 public:
  explicit Trial(std::vector<std::int64_t> input, std::optional<std::string> output = {})
      : input_(at::ones(input)), output_(std::move(output)) {}

  void run(const std::string& bytes, const std::string& what) {
    const std::string path = folder_.path("net.pt2");
    std::filesystem::remove(path);  // some file systems wait for the disk where one is overwritten
    folder_.write("net.pt2", bytes);
    ++trials;
    try {
      const at::NoGradGuard no_grad;
      const auto model = load_exported(path, output_);
      model->forward(input_);
      model->eval();
      model->forward(input_);
    } catch (const UserError& error) {
      ++refused;
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << what << ": " << error.what();
    } catch (const std::exception& error) {
      ADD_FAILURE() << what << ": " << error.what();
    }
  }

  int trials = 0, refused = 0;

 private:
  const OneThread one_thread_;
  const TemporaryFolder folder_;
  const at::Tensor input_;
  const std::optional<std::string> output_;
};

std::string inverted(std::string bytes, std::size_t at) {
  bytes[at] = static_cast<char>(~bytes[at]);
  return bytes;
}

TEST(ExportedFuzzTest, EveryInvertedByteIsReadOrRefused) {
  const std::string whole = read_file(exported_file("mlp"));
  Trial trial({5, 6});
  for (std::size_t at = 0; at < whole.size(); ++at) trial.run(inverted(whole, at), "byte " + std::to_string(at));
  EXPECT_GT(trial.refused, trial.trials / 2);
}

TEST(ExportedFuzzTest, EveryTruncationIsRefused) {
  const std::string whole = read_file(exported_file("mlp"));
  Trial trial({5, 6});
  for (std::size_t i = 0; i < 64; ++i)
    trial.run(whole.substr(0, whole.size() * i / 64), std::to_string(i) + " of 64 parts");
  EXPECT_EQ(trial.refused, 64);
}

// Beneath the sums of the zip format, which catch most inverted bytes: every value of the graph and of the lists of
// tensors gone, or another.
class JsonFuzz {
 public:
  // `every`: of how many damages one is tried.
  JsonFuzz(Trial& trial, const std::string& network, const std::string& record, int every = 1)
      : trial_(trial),
        every_(every),
        records_(records_of(exported_file(network))),
        content_([&]() -> std::string& {
          for (auto& [name, content] : records_)
            if (name == record) return content;
          throw std::invalid_argument("no record " + record);
        }()),
        whole_(Json::parse(content_)) {}

  void run(const std::string& under = "") { visit(whole_.at(Json::json_pointer(under)), Json::json_pointer(under)); }

 private:
  void attempt(const std::function<void(Json&)>& damage, const std::string& what) {
    if (attempts_++ % every_ != 0) return;
    Json damaged = whole_;
    damage(damaged);
    content_ = damaged.dump();
    trial_.run(archive_of(records_), what);
  }

  void visit(const Json& value, const Json::json_pointer& at) {
    static const Json others[] = {nullptr, -1, 3, 1e300, "", "x", true, Json::array(), Json::object(), 1LL << 62};
    for (const Json& other : others)
      if (other != value) attempt([&](Json& damaged) { damaged[at] = other; }, at.to_string() + " = " + other.dump());
    const auto erase = [&](Json& damaged) {
      Json& parent = damaged[at.parent_pointer()];
      if (parent.is_object())
        parent.erase(at.back());
      else
        parent.erase(std::stoul(at.back()));
    };
    if (!at.empty()) attempt(erase, at.to_string() + " gone");
    if (!value.is_structured()) return;
    for (const auto& item : value.items()) visit(item.value(), at / item.key());
  }

  Trial& trial_;
  const int every_;
  int attempts_ = 0;
  std::vector<std::pair<std::string, std::string>> records_;
  std::string& content_;
  const Json whole_;
};

TEST(ExportedFuzzTest, EveryOtherValueInTheProgramIsReadOrRefused) {
  Trial trial({5, 6});
  JsonFuzz(trial, "mlp", kProgram).run();
  EXPECT_GT(trial.refused, trial.trials / 10);
}

TEST(ExportedFuzzTest, EveryOtherValueInTheListOfWeightsIsReadOrRefused) {
  Trial trial({5, 6});
  JsonFuzz(trial, "mlp", kWeightsList).run();
  EXPECT_GT(trial.refused, trial.trials / 10);
}

// Lists of tensors, sizes, devices, types, operators in place and of several outputs.
TEST(ExportedFuzzTest, EveryOtherValueInManyKindsOfNodesIsReadOrRefused) {
  Trial images({5, 3, 8, 8}), shared({5, 4, 6}, "logits");
  JsonFuzz(images, "images", kProgram, 5).run("/graph_module/graph/nodes");
  JsonFuzz(shared, "shared", kProgram, 5).run("/graph_module/graph/nodes");
  EXPECT_GT(images.refused, images.trials / 10);
  EXPECT_GT(shared.refused, shared.trials / 10);
}

}  // namespace
}  // namespace gradquake::model::exported
