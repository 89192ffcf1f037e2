#pragma once
#include "core/model/job.hpp"

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

} // namespace loom
