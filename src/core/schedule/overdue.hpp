#pragma once
#include "core/model/run.hpp"

namespace loom {

/// From when on a run is overdue, counted from its start, and what is said of it then.
struct Overdue {
    Milliseconds after{0};
    std::string why;

    friend bool operator==(const Overdue&, const Overdue&) = default;
};

/// `past`: how long the job's last runs took that were ok, in any order. The key that is passed first counts; nothing
/// where nothing is expected, or the past is too short to tell what is usual. Pure.
std::optional<Overdue> overdue_of(const Expect& expect, std::vector<Milliseconds> past);

/// By when a run is to have begun on a node, and what is said of it where it has not.
struct LateStart {
    Instant at{};
    std::string why;

    friend bool operator==(const LateStart&, const LateStart&) = default;
};

/// Counted from the instant that the schedule started the run for; else, for a retry and a backfill too, from when it was
/// asked for: the row is taken as it was then. Pure.
std::optional<LateStart> start_of(const Expect& expect, const Run& row);
/// Whether the run has begun on a node. Pure.
bool has_begun(const Run& row);

} // namespace loom
