#include "core/schedule/planner.hpp"

#include <algorithm>

namespace loom {

Planner::Planner(std::function<bool(const std::string&)> in_flight, std::string boot_id)
    : in_flight_(std::move(in_flight)), boot_id_(std::move(boot_id)) {}

Planner::Plan Planner::activate(CatalogPtr catalog, const std::map<std::string, Known>& known, Instant now) {
    std::map<std::string, Known> seen;
    for (const auto& entry : entries_) seen[entry.job->name] = {entry.job->schedule->text, entry.facts};

    Plan plan;
    agenda_.clear();
    entries_.clear();
    for (const auto& job : catalog->jobs) {
        if (!job.schedule) continue;
        const bool reboot = job.schedule->cron.kind == Cron::Kind::reboot;
        // The boot id is part of what was activated, so that each boot is new exactly once.
        const auto text = reboot ? job.schedule->text + " " + boot_id_ : job.schedule->text;
        Entry entry{&job, {}, {}};
        const auto before = seen.find(job.name);
        const auto stored = known.find(job.name);
        if (before != seen.end() && before->second.text == job.schedule->text) {
            entry.facts = before->second.facts;
        } else if (stored != known.end() && stored->second.text == text) {
            entry.facts = stored->second.facts;
        } else {
            if (stored != known.end()) entry.facts.last_due = stored->second.facts.last_due;
            entry.facts.since = now;
            plan.activations.push_back({job.name, text});
            if (reboot) plan.planned.push_back({&job, {Decision::Kind::fire, now, Reason::cron, ""}});
        }
        entry.facts.in_flight = in_flight_(job.name);
        for (auto& decision : catch_up(job, now, entry.facts)) {
            entry.facts.last_due = std::max(entry.facts.last_due.value_or(decision.due), decision.due);
            plan.planned.push_back({&job, std::move(decision)});
        }
        entries_.push_back(std::move(entry));
        plan_next(static_cast<Agenda::Entry>(entries_.size() - 1), now);
    }
    catalog_ = std::move(catalog);
    return plan;
}

std::vector<Planned> Planner::due(Instant now) {
    std::vector<Planned> planned;
    agenda_.take_due(now, taken_);
    for (const auto& taken : taken_) {
        auto& entry = entries_[taken.entry];
        entry.facts.in_flight = in_flight_(entry.job->name);
        const auto nominal = entry.nominal;
        auto decision = decide(*entry.job, nominal, now, entry.facts);
        const bool late = decision.kind == Decision::Kind::nothing;
        if (!late) {
            entry.facts.last_due = nominal;
            planned.push_back({entry.job, std::move(decision)});
        }
        // The machine slept, or the clock jumped: what lies between is decided as at start.
        for (auto& missed : catch_up(*entry.job, now, entry.facts)) {
            entry.facts.last_due = std::max(entry.facts.last_due.value_or(missed.due), missed.due);
            planned.push_back({entry.job, std::move(missed)});
        }
        plan_next(taken.entry, std::max(nominal, now));
    }
    return planned;
}

void Planner::plan_next(Agenda::Entry number, Instant after) {
    auto& entry = entries_[number];
    const auto at = next(*entry.job->schedule, after);
    if (!at) return;
    entry.nominal = *at;
    agenda_.add(number, *at + splay_of(*entry.job, *at));
}

} // namespace loom
