#pragma once
#include "core/config/catalog_builder.hpp"

namespace loom::tests {

/// A configuration in memory under /c, whose checks accept every task. Tests change the texts and build.
inline ConfigTexts catalog_texts(std::string manifest, std::string nodes = "web1:\nweb2:\ndb1:\n") {
    ConfigTexts texts;
    texts.settings = {"/c/loom.yaml", "nodesfile: nodes.yaml\njobspath: jobs\n"};
    texts.nodes = ConfigText{"/c/nodes.yaml", std::move(nodes)};
    texts.manifests = {{"/c/jobs/web.yaml", std::move(manifest)}};
    texts.home = "/home/anna";
    texts.state_dir = "/state";
    texts.check_task = [](const TaskSpec&, const Plugins&) -> Result<void> { return {}; };
    return texts;
}

/// Each problem as `place: message`, one a line.
inline std::string problem_lines(const Catalog& catalog) {
    std::string lines;
    for (const auto& problem : catalog.problems) lines += problem.place + ": " + problem.message + "\n";
    return lines;
}

/// The problems of a configuration that must build; a fatal error's text otherwise.
inline std::string problems_of(const ConfigTexts& texts) {
    const auto catalog = build_catalog(texts);
    return catalog ? problem_lines(**catalog) : "fatal " + catalog.error().message;
}

} // namespace loom::tests
