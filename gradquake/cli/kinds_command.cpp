#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "gradquake/cli/command.h"
#include "gradquake/run/kind_groups.h"
#include "gradquake/run/plugin.h"

namespace gradquake::cli {
namespace {

constexpr const char* kKindsFooter = R"(Examples:
  gradquake kinds
  gradquake kinds schedule
  gradquake kinds schedule budget
  gradquake kinds --json
  gradquake kinds model --plugin ./libmynet.so

Lists what `kind:` may say in each part of a config, and the keys of each kind with what they allow and their default.)";

struct KindsOptions {
  std::string group;
  std::string kind;
  std::vector<std::string> plugins;
  bool json = false;
  bool markdown = false;
};

int print_json(const KindsOptions& options) {
  nlohmann::ordered_json json;
  if (!options.kind.empty())
    json = run::kind_json(run::kind_named(run::group_named(options.group), options.kind));
  else if (!options.group.empty())
    json = run::group_json(run::group_named(options.group));
  else
    for (const KindGroup* group : run::kind_groups()) json.push_back(run::group_json(*group));
  std::cout << json.dump(2) << '\n';
  return kDone;
}

int print_kinds(const KindsOptions& options) {
  run::load_plugins(options.plugins);
  if (options.json) return print_json(options);
  if (options.group.empty()) {
    const char* separator = "";
    for (const KindGroup* group : run::kind_groups()) {
      std::cout << separator << (options.markdown ? run::group_markdown(*group) : run::group_text(*group));
      separator = "\n";
    }
    return kDone;
  }
  const KindGroup& group = run::group_named(options.group);
  if (!options.kind.empty()) {
    std::cout << run::kind_text(run::kind_named(group, options.kind));
  } else if (options.markdown) {
    std::cout << run::group_markdown(group);
  } else {
    const char* separator = "";
    for (const KindInfo& kind : group.kinds()) {
      std::cout << separator << run::kind_text(kind);
      separator = "\n";
    }
  }
  return kDone;
}

}  // namespace

void add_kinds(CLI::App& app, Action& action) {
  const auto options = std::make_shared<KindsOptions>();
  CLI::App* command = app.add_subcommand("kinds", "List what a config can choose from, with every key");
  command->add_option("GROUP", options->group, "One group: perturbation, schedule, model, ...")->option_text("group");
  command->add_option("NAME", options->kind, "One kind of the group")->option_text("name");
  command->add_option("--plugin", options->plugins, "A plug-in whose kinds are listed too")->option_text("library");
  CLI::Option* json = command->add_flag("--json", options->json, "Print them as one JSON document");
  command->add_flag("--markdown", options->markdown, "Print the tables of configs/README.md")->excludes(json);
  command->footer(kKindsFooter);
  command->callback([options, &action] { action = [options] { return print_kinds(*options); }; });
}

}  // namespace gradquake::cli
