#include "core/schedule/planner.hpp"

#include "core/base/prefetch.hpp"
#include "core/schedule/verdicts.hpp"

#include <algorithm>
#include <utility>

namespace loom {
namespace {

/// A clock that is corrected by less changes nothing: all that was due until then has its verdict.
constexpr Milliseconds clock_correction = std::chrono::seconds(1);

/// Whether two schedules of one text come at the same times: their zone, or what the zone database says of it, may differ.
bool same_times(const Schedule& a, const Schedule& b) {
    const auto same_offset = [](const auto& x, const auto& y) { return x.at == y.at && x.offset == y.offset; };
    return a.cron == b.cron && a.gap == b.gap && a.fold == b.fold &&
           (a.zone == b.zone || std::ranges::equal(a.zone->transitions(), b.zone->transitions(), same_offset));
}

/// Whether a row says what became of the boot since which the job is known. A crash, or a full disk, may come between the two.
bool boot_is_settled(const Facts& facts) { return facts.last_due && *facts.last_due >= facts.since; }

/// Whether the job is absent because its text, or some manifest's, could not be taken.
bool is_broken(const Catalog& catalog, const std::string& job) {
    return std::ranges::any_of(catalog.problems, [&](const Problem& problem) {
        return problem.kind != Problem::Kind::warning && (problem.job == job || problem.job.empty());
    });
}

Pauses sorted(std::vector<Pause> pauses) {
    if (pauses.empty()) return nullptr;
    std::ranges::stable_sort(pauses, {}, &Pause::since);
    return std::make_shared<const std::vector<Pause>>(std::move(pauses));
}

} // namespace

PauseTable::PauseTable(const std::vector<Pause>& pauses) {
    std::vector<Pause> general;
    std::map<std::string, std::vector<Pause>> by_job;
    for (const auto& pause : pauses)
        if (pause.job.empty()) general.push_back(pause);
        else by_job[pause.job].push_back(pause);
    for (auto& [job, own] : by_job) {
        own.insert(own.end(), general.begin(), general.end());
        by_job_[job] = sorted(std::move(own));
    }
    general_ = sorted(std::move(general));
}

Pauses PauseTable::of(const std::string& job) const {
    const auto own = by_job_.find(job);
    return own == by_job_.end() ? general_ : own->second;
}

Planner::Planner(std::function<bool(const std::string&)> in_flight, std::string boot_id, bool starting)
    : in_flight_(std::move(in_flight)), boot_id_(std::move(boot_id)), starting_(starting) {}

Planner::Plan Planner::activate(CatalogPtr catalog, const std::map<std::string, Known>& known, Instant now) {
    std::map<std::string, Entry> seen;
    for (auto& entry : entries_) seen.emplace(entry.job->name, std::move(entry));

    Plan plan;
    const bool starting = std::exchange(starting_, false);
    agenda_.clear();
    entries_.clear();
    entries_.reserve(catalog->jobs.size());
    for (const auto& job : catalog->jobs) {
        if (!job.schedule) continue;
        const bool reboot = job.schedule->cron.kind == Cron::Kind::reboot;
        // The boot id is part of what was activated, so that each boot is new exactly once. What comes by a reload came to be
        // in the middle of one, and waits for the next.
        const auto identity_here = identity(*job.schedule);
        const auto text = reboot ? identity_here + " " + boot_id_ : identity_here;
        const auto text_within = identity_here + " within " + boot_id_;
        Entry entry{&job, {}, {}};
        const auto before = seen.find(job.name);
        const auto stored = known.find(job.name);
        const bool is_stored = stored != known.end() && (stored->second.text == text || (reboot && stored->second.text == text_within));
        if (before != seen.end() && identity(*before->second.job->schedule) == identity_here) {
            entry.history = std::move(before->second.history);
            entry.history.set_back(now);
            // What the new zone calls due in the past was not missed: nothing waited for it.
            if (!same_times(*before->second.job->schedule, *job.schedule)) entry.history.facts().since = now;
            if (is_stored) entry.history.facts().started = stored->second.facts.started;
            if (reboot) entry.nominal = before->second.nominal; // held by a blackout
        } else if (is_stored) {
            entry.history = History::known(stored->second.facts, now);
            if (reboot && stored->second.text == text && !boot_is_settled(stored->second.facts)) entry.nominal = now;
        } else {
            Facts facts;
            if (stored != known.end()) facts.last_due = stored->second.facts.last_due;
            facts.since = now;
            entry.history = History::known(std::move(facts), now);
            plan.activations.push_back({job.name, reboot && !starting ? text_within : text, now});
            if (reboot && starting) entry.nominal = now;
        }
        entry.history.facts().pauses = pauses_.of(job.name);
        entries_.push_back(std::move(entry));
        const auto number = static_cast<Agenda::Entry>(entries_.size() - 1);
        // Whoever took the job, or its schedule, out of the configuration and puts it back waits for nothing that came meanwhile.
        const bool returned = is_stored && before == seen.end() && catalog_ && !is_broken(*catalog_, job.name);
        if (reboot) take_boot(number, now, plan.planned);
        else if (returned) pass_over(number, now, plan.planned);
        else settle(number, now, plan.planned);
    }
    catalog_ = std::move(catalog);
    looked_ = now;
    return plan;
}

std::vector<Planned> Planner::due(Instant now) {
    std::vector<Planned> planned;
    if (looked_ && now < *looked_ - clock_correction) set_back(now, planned);
    looked_ = now;
    agenda_.take_due(now, taken_);
    Successor successor;
    for (std::size_t i = 0; i < taken_.size(); ++i) {
        // An entry says where its job is, so it is asked for before: of a million jobs a firing takes 224 ns, and took 357.
        if (i + 2 * prefetch_ahead < taken_.size()) prefetch(entries_[taken_[i + 2 * prefetch_ahead].entry]);
        if (i + prefetch_ahead < taken_.size()) {
            const auto soon = taken_[i + prefetch_ahead].entry;
            prefetch(*entries_[soon].job);
            agenda_.expect(soon);
        }
        take(taken_[i].entry, successor, now, planned);
    }
    return planned;
}

std::vector<Planned> Planner::set_pauses(PauseTable pauses, Instant now) {
    pauses_ = std::move(pauses);
    std::vector<Planned> planned;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        auto fresh = pauses_.of(entries_[i].job->name);
        auto& former = entries_[i].history.facts().pauses;
        const bool same = fresh == former || (fresh && former && *fresh == *former);
        former = std::move(fresh);
        if (!same) settle(static_cast<Agenda::Entry>(i), now, planned);
    }
    return planned;
}

/// The common case is one instant, on time, and costs one look for the next; all else is settled as at start.
void Planner::take(Agenda::Entry number, Successor& successor, Instant now, std::vector<Planned>& planned) {
    auto& entry = entries_[number];
    const auto& job = *entry.job;
    if (!entry.nominal) return settle(number, now, planned); // a pause is over
    const auto newer = successor.of(*job.schedule, *entry.nominal);
    if (newer && *newer <= now) return settle(number, now, planned);
    auto& facts = entry.history.facts();
    facts.in_flight = in_flight_(job.name);
    auto decision = decide(job, *entry.nominal, now, facts);
    if (decision.kind == Decision::Kind::hold) return hold(number, decision, newer);
    if (decision.kind == Decision::Kind::nothing) return plan_next(number, now);
    entry.history.add(decision, false);
    planned.push_back({entry.job, std::move(decision)});
    if (!newer || facts.pauses || entry.history.has(*newer) || is_finished(job, facts)) return plan_next(number, now);
    entry.nominal = *newer;
    agenda_.add(number, *newer + splay_of(job, *newer));
}

/// The boot is one instant, and no other follows.
void Planner::take_boot(Agenda::Entry number, Instant now, std::vector<Planned>& planned) {
    auto& entry = entries_[number];
    if (!entry.nominal) return;
    if (const auto* pause = paused(entry.history.facts(), now)) {
        planned.push_back({entry.job, passed_over(*pause, now, "1")});
        entry.nominal.reset();
        return;
    }
    Successor successor;
    take(number, successor, now, planned);
}

/// Decides whatever came since the last verdict, and plans what comes next.
void Planner::settle(Agenda::Entry number, Instant now, std::vector<Planned>& planned) {
    auto& entry = entries_[number];
    auto& facts = entry.history.facts();
    facts.in_flight = in_flight_(entry.job->name);
    auto decisions = catch_up(*entry.job, now, facts);
    bool gap = decisions.size() >= limits::missed_rows;
    for (auto& decision : decisions) {
        if (entry.history.has(decision.due)) continue;
        if (decision.kind == Decision::Kind::hold) return hold(number, decision, next(*entry.job->schedule, decision.due));
        entry.history.add(decision, std::exchange(gap, false));
        planned.push_back({entry.job, std::move(decision)});
    }
    plan_next(number, now);
}

/// One row for all that came while the job was not configured; what is on time starts.
void Planner::pass_over(Agenda::Entry number, Instant now, std::vector<Planned>& planned) {
    auto& entry = entries_[number];
    auto& facts = entry.history.facts();
    facts.in_flight = in_flight_(entry.job->name);
    auto decisions = catch_up(*entry.job, now, facts);
    std::erase_if(decisions, [&](const Decision& decision) { return entry.history.has(decision.due); });
    std::optional<Decision> fresh;
    if (!decisions.empty() && decisions.back().kind == Decision::Kind::fire && decisions.back().reason == Reason::cron) {
        fresh = std::move(decisions.back());
        decisions.pop_back();
    }
    if (!decisions.empty()) {
        auto passed = not_configured(decisions.back().due, decisions.size());
        entry.history.add(passed, false);
        planned.push_back({entry.job, std::move(passed)});
    }
    if (fresh) {
        entry.history.add(*fresh, false);
        planned.push_back({entry.job, std::move(*fresh)});
    }
    plan_next(number, now);
}

/// Waits for the end of the blackout, or for the next instant, which takes this one's place.
void Planner::hold(Agenda::Entry number, const Decision& held, std::optional<Instant> newer) {
    auto& entry = entries_[number];
    entry.nominal = held.due;
    auto wake = held.until;
    if (newer) wake = std::min(wake, *newer + splay_of(*entry.job, *newer));
    agenda_.add(number, wake);
}

void Planner::plan_next(Agenda::Entry number, Instant now) {
    auto& entry = entries_[number];
    const auto& job = *entry.job;
    const auto& facts = entry.history.facts();
    entry.nominal.reset();
    agenda_.remove(number);
    if (is_finished(job, facts)) return;
    if (const auto* pause = paused(facts, now)) {
        if (pause->until) agenda_.add(number, *pause->until);
        return;
    }
    // A splayed start that is still to come belongs to an instant that is past.
    auto after = std::max(now - job.schedule->splay, facts.since - Milliseconds(1));
    for (;;) {
        after = entry.history.first_open(after + Milliseconds(1)) - Milliseconds(1);
        const auto at = next(*job.schedule, after);
        if (!at) return;
        const auto start = *at + splay_of(job, *at);
        if (start > now && !entry.history.has(*at)) {
            entry.nominal = *at;
            return agenda_.add(number, start);
        }
        after = *at;
    }
}

/// Instants without a verdict lie ahead again, nearer than what the agenda waits for. The one walk through all jobs.
void Planner::set_back(Instant now, std::vector<Planned>& planned) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        entries_[i].history.set_back(now);
        settle(static_cast<Agenda::Entry>(i), now, planned);
    }
}

} // namespace loom
