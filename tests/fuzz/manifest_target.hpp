#pragma once
#include "core/config/catalog_builder.hpp"

#include <stdexcept>
#include <string_view>

/// A datafile and a manifest, divided by a line `%%`; without that line a manifest alone. Everything is either live or
/// has a problem with a place.
inline void fuzz_manifest(std::string_view input) {
    const auto divider = input.find("\n%%\n");
    loom::ConfigTexts texts;
    texts.settings = {"/c/loom.yaml", "groups: {web: 'web[1-3]'}\ndefaults: {overlap: skip}\n"};
    texts.nodes = loom::ConfigText{"/c/nodes.yaml", "web[1-3]: {labels: {os: linux}}\ndb1:\n"};
    if (divider != std::string_view::npos) texts.data = loom::ConfigText{"/c/data.yaml", std::string(input.substr(0, divider + 1))};
    texts.manifests = {{"/c/m.yaml", std::string(divider == std::string_view::npos ? input : input.substr(divider + 4))}};
    texts.check_task = [](const loom::TaskSpec&, const loom::Plugins&) -> loom::Result<void> { return {}; };
    const auto catalog = loom::build_catalog(texts);
    if (!catalog) {
        if (!catalog.error().message.starts_with("data.yaml:")) throw std::logic_error(catalog.error().message);
        return;
    }
    for (const auto& problem : (*catalog)->problems)
        if (problem.place.find(".yaml:") == std::string::npos) throw std::logic_error("a problem without a place: " + problem.message);
}
