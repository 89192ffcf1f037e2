#pragma once
#include "core/base/limits.hpp"
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

struct Target {
    const char* name; ///< of the folder in tests/fuzz/corpus
    void (*run)(std::string_view bytes);
};

inline constexpr std::array core_targets{Target{"cron", cron}, Target{"nodeset", nodeset}};

} // namespace loom::fuzz
