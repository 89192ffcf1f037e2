#pragma once
#include "core/base/limits.hpp"
#include "core/config/ansible.hpp"
#include "core/config/crontab.hpp"
#include "core/config/nodes_text.hpp"
#include "core/model/nodeset.hpp"
#include "core/time/cron.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string_view>

/// What the fuzzers call, and what the replay of their corpora calls: each takes any bytes and throws when a promise
/// does not hold. In a header of each floor (`core_targets.hpp`, `ssh_targets.hpp`, …), so that a test program links
/// nothing that stands above it.
namespace loom::fuzz {

inline void promise(bool kept, const char* what) {
    if (!kept) throw std::logic_error(what);
}

/// A schedule either says what is wrong with it, or yields strictly rising instants in a zone with gaps and folds.
inline void cron(std::string_view text) {
    static const auto zone = find_zone("Australia/Lord_Howe");
    const auto parsed = parse_cron(text, "a job");
    if (!parsed) return promise(!parsed.error().message.empty(), "an error without words");
    promise(parse_cron(text, "a job").value() == *parsed, "equal texts, different values");
    Schedule schedule;
    schedule.cron = *parsed;
    if (zone) schedule.zone = *zone;
    Instant after = std::chrono::sys_days(std::chrono::year(2026) / 4 / 4);
    for (int i = 0; i < 20; ++i) {
        const auto due = next(schedule, after);
        promise(due.has_value() == (parsed->kind != Cron::Kind::reboot), "a schedule without a date");
        if (!due) return;
        promise(*due > after, "time runs backwards");
        after = *due;
    }
}

/// An expression either says what is wrong with it, or yields names in order, and folding them loses nothing.
inline void nodeset(std::string_view text) {
    const auto lookup = [](std::string_view term) -> std::optional<std::vector<std::string>> {
        if (term == "*") return std::vector<std::string>{"n1", "n2", "n10", "db1"};
        if (term == "web") return std::vector<std::string>{"web01", "web02"};
        return std::nullopt;
    };
    const auto names = expand_nodeset(text, lookup);
    if (!names) return promise(!names.error().message.empty(), "an error without words");
    promise(names->size() <= limits::nodeset_nodes, "more nodes than allowed");
    promise(std::ranges::is_sorted(*names, natural_less), "not in natural order");
    promise(std::ranges::adjacent_find(*names) == names->end(), "a name comes twice");
    const auto folded = fold_nodeset(*names);
    if (folded.size() > limits::nodeset_expression_bytes) return;
    const auto again = expand_nodeset(folded);
    promise(again && *again == *names, "folding changed the set");
}

/// An inventory, as its text looks, INI or YAML: either faults with a place, or nodes that can be printed and read again.
inline void ansible(std::string_view text) {
    if (text.size() > 4096) return; // a few ranges already make as many names as are allowed
    AnsibleTexts texts;
    texts.inventories = {{"/c/hosts", std::string(text), false}};
    texts.settings_path = "/c/loom.yaml";
    texts.home = "/home/anna";
    Faults faults;
    std::deque<SourceText> sources;
    const auto inventory = read_ansible(texts, faults, sources);
    for (const auto& fault : faults) promise(fault.mark.line > 0 && !fault.message.empty(), "a fault without a place");
    promise(faults.empty() || inventory.nodes.empty(), "nodes beside faults");
    if (inventory.nodes.size() > 1000) return;
    const auto printed = nodes_text(inventory.nodes);
    ConfigTexts again;
    again.nodes = ConfigText{"/c/nodes.yaml", printed, false};
    const SourceText source{"/c/nodes.yaml", "nodes.yaml", printed};
    const auto read = read_inventory(source, again, faults);
    promise(!faults.empty() || nodes_text(read.nodes) == printed, "printed nodes read otherwise");
}

/// A crontab: faults with a place, or a manifest.
inline void crontab(std::string_view text) {
    for (const bool system : {false, true}) {
        const SourceText source{"/c/crontab", "crontab", text};
        Faults faults;
        const auto jobs = read_crontab(source, {system, "@*"}, faults);
        for (const auto& fault : faults) promise(fault.mark.line > 0 && !fault.message.empty(), "a fault without a place");
        promise(jobs.manifest.contains("jobs"), "no jobs");
        const auto yaml = to_yaml(jobs.manifest);
        const SourceText printed{"/c/m.yaml", "m.yaml", yaml};
        promise(parse_yaml(printed).has_value(), "a manifest that is no YAML");
    }
}

struct Target {
    const char* name; ///< of the folder in tests/fuzz/corpus
    void (*run)(std::string_view bytes);
};

inline constexpr std::array core_targets{Target{"cron", cron}, Target{"nodeset", nodeset}, Target{"ansible", ansible},
                                          Target{"crontab", crontab}};

} // namespace loom::fuzz
