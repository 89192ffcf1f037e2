#pragma once
#include "core/schedule/planner.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

/// What tests of the planner share.
namespace loom::planning {

inline Instant at(std::string_view text) { return parse_instant(text).value(); }

inline CalendarPtr calendar(std::string_view week) {
    return std::make_shared<const Calendar>("freeze", utc_zone(), std::vector{parse_calendar_week(week).value()});
}

inline Job job_of(std::string_view schedule, std::string name = "backup") {
    Job job;
    job.name = std::move(name);
    job.schedule.emplace();
    job.schedule->text = schedule;
    job.schedule->cron = parse_cron(schedule).value();
    return job;
}

/// A planner and what it gave: `fire 10:00, missed 09:50`, the instants of one day without their date.
struct Rig {
    explicit Rig(std::vector<Job> jobs) { set(std::move(jobs)); }
    explicit Rig(Job job) : Rig(std::vector{std::move(job)}) {}
    /// Starts anew after a daemon that has decided about the instant `last_due`, and about none since.
    Rig(Job job, std::string_view last_due) : Rig(std::vector{job}) {
        Facts facts;
        facts.last_due = at(last_due);
        known[job.name] = {job.schedule->text, facts};
    }

    void set(std::vector<Job> jobs) {
        auto made = std::make_shared<Catalog>();
        made->jobs = std::move(jobs);
        std::ranges::sort(made->jobs, {}, &Job::name);
        catalog = std::move(made);
    }
    std::string activate(std::string_view now) {
        auto plan = planner.activate(catalog, known, at(now));
        if (!plan.activations.empty()) activated = plan.activations.back();
        return told(std::move(plan.planned));
    }
    std::string due(std::string_view now) { return told(planner.due(at(now))); }
    std::string pause(std::vector<Pause> pauses, std::string_view now) { return told(planner.set_pauses(PauseTable(pauses), at(now))); }
    std::string wake() const { return planner.next_wake() ? to_rfc3339(*planner.next_wake()) : "never"; }

    std::string told(std::vector<Planned> planned) {
        std::string text;
        for (auto& [job, decision] : planned) {
            constexpr const char* words[] = {"nothing", "fire", "skip", "missed", "hold"};
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", words[static_cast<int>(decision.kind)],
                                to_rfc3339(decision.due).substr(11, 5));
            last = decision;
        }
        return text;
    }

    CatalogPtr catalog;
    std::map<std::string, Planner::Known> known;
    std::string boot = "first";
    Planner planner{[this](const std::string&) { return busy; }, boot};
    Planner::Activation activated; ///< the last one
    Decision last;
    bool busy = false;
};

inline Pause pause_of(std::string_view since, std::string_view until = {}, std::string_view resumed = {}) {
    Pause pause;
    pause.since = at(since);
    if (!until.empty()) pause.until = at(until);
    if (!resumed.empty()) pause.resumed = at(resumed);
    pause.reason = "the disk is full";
    pause.by = "user:anna";
    return pause;
}

} // namespace loom::planning
