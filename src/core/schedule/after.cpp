#include "core/schedule/after.hpp"

#include "core/schedule/verdicts.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// A follower starts at once; later than this it is made up for, as an instant of a schedule is.
constexpr Milliseconds late_follower = std::chrono::minutes(1);

bool condition_holds(After::When when, RunState state) {
    if (when == After::When::always) return true;
    // A run that was skipped itself is neither.
    if (when == After::When::success) return state == RunState::ok;
    return state != RunState::ok && state != RunState::skipped;
}

} // namespace

AfterPlan decide_after(const Job& job, const std::vector<Upstream>& ended, Instant now, const Pauses& pauses) {
    AfterPlan plan;
    Instant last{};
    for (const auto& after : job.policy->after) {
        const auto found = std::ranges::find(ended, after.job, &Upstream::job);
        if (found == ended.end()) return {};
        plan.upstream.push_back(found->run);
        last = std::max(last, found->finished);
        if (plan.why.empty() && !condition_holds(after.when, found->state))
            plan.why = fmt::format("run {} of job \"{}\" ended {} (after: {})", found->run, after.job,
                                   to_string(found->state), to_string(after.when));
    }
    if (plan.upstream.empty()) return {};
    plan.kind = plan.why.empty() ? AfterPlan::Kind::fire : AfterPlan::Kind::unmet;
    const auto window = job.policy->catch_up == CatchUp::skip ? late_follower : std::max(late_follower, job.policy->catch_up_window);
    if (plan.kind == AfterPlan::Kind::fire && now - last > window) {
        plan.kind = AfterPlan::Kind::missed;
        plan.why = fmt::format("what it follows had ended {} before, beyond the catch-up window of {}",
                               short_duration(now - last), short_duration(window));
    }
    Facts facts;
    facts.pauses = pauses;
    if (const auto* pause = paused(facts, now); pause && plan.kind == AfterPlan::Kind::fire) {
        plan.kind = AfterPlan::Kind::paused;
        plan.why = paused_since(*pause);
    }
    return plan;
}

std::string_view to_string(After::When when) {
    switch (when) {
    case After::When::success: return "success";
    case After::When::failure: return "failure";
    case After::When::always: return "always";
    }
    return "";
}

std::string after_text(const Job& job) {
    std::string text;
    for (const auto& after : job.policy->after) {
        text += (text.empty() ? "" : ", ") + after.job;
        if (after.when != After::When::success) text += fmt::format(" ({})", to_string(after.when));
    }
    return text;
}

} // namespace loom
