#include "app/notify/notifier.hpp"

#include "app/notify/message.hpp"
#include "core/async/offload.hpp"
#include "core/base/digest.hpp"
#include "core/base/log.hpp"

#include <algorithm>
#include <boost/json.hpp>

namespace loom {
namespace {

constexpr std::size_t changes_at_once = 256;
constexpr std::uint32_t past_runs_first = 8;
/// Runs of other processes ring no bell.
constexpr std::chrono::seconds look_every{15};

EndedRun end_of(const RunView& run) {
    EndedRun end;
    end.state = parse_run_state(run.state).value_or(RunState::running);
    end.reason = parse_reason(run.reason).value_or(Reason::manual);
    if (run.finished)
        if (const auto at = parse_instant(*run.finished)) end.at = *at;
    return end;
}

bool any_concerned(const Catalog& catalog, const std::string& job) {
    return std::ranges::any_of(catalog.notify, [&](const auto& rule) { return concerns(rule, job); });
}

const NotifyRule* find_rule(const Catalog& catalog, const std::string& name) {
    const auto found = std::ranges::find(catalog.notify, name, &NotifyRule::name);
    return found == catalog.notify.end() ? nullptr : &*found;
}

} // namespace

void Notifier::note(const Error& error) {
    if (!std::exchange(failing_, true)) logs::daemon.error({}, "notifications stand still: {}", error.message);
}

/// What each rule makes of the change.
awaitable<Result<std::vector<OutboxEntry>>> Notifier::entries_of(CatalogPtr catalog, RunChange change) {
    std::vector<OutboxEntry> entries;
    RunRef ref;
    ref.id = change.run;
    const auto run = co_await parts_.engine.run(ref);
    if (!run && run.error().code == Errc::not_found) co_return entries; // pruned meanwhile
    if (!run) co_return run.error();
    if (!any_concerned(*catalog, run->job)) co_return entries;
    std::vector<EndedRun> past;
    RunsQuery query;
    query.job = run->job;
    query.before = run->id;
    query.limit = past_runs_first;
    while (!change.noted) { // most jobs have been ok a few runs ago
        const auto page = co_await parts_.engine.runs(query);
        if (!page) co_return page.error();
        for (const auto& one : page->items) past.push_back(end_of(one));
        if (page->next.empty() || reaches_success(past) || past.size() >= limits::notify_past_runs) break;
        query.before = page->next;
        query.limit = static_cast<std::uint32_t>(limits::notify_past_runs - past.size());
    }
    const auto now = parts_.clock.now();
    for (const auto& rule : catalog->notify) {
        if (!concerns(rule, run->job)) continue;
        const auto notice = change.noted ? notice_of_overdue(rule) : notice_of(rule, end_of(*run), past);
        if (!notice) continue;
        OutboxEntry entry;
        entry.id = uuid_v7(now.time_since_epoch().count());
        entry.rule = rule.name;
        entry.event = boost::json::serialize(cloud_event(rule, *notice, *run, entry.id, now));
        entry.created = entry.next = now;
        entries.push_back(std::move(entry));
    }
    co_return entries;
}

/// True: there was something to look at, and may be more.
awaitable<bool> Notifier::look_at_changes(CatalogPtr catalog) {
    auto ask = [&outbox = parts_.outbox] { return outbox.changes(changes_at_once); };
    const auto changes = co_await offload(parts_.blocking, std::move(ask));
    if (!changes) {
        note(changes.error());
        co_return false;
    }
    if (changes->empty()) {
        failing_ = false;
        co_return false;
    }
    std::vector<OutboxEntry> fresh;
    for (const auto& change : *changes) {
        auto entries = co_await entries_of(catalog, change);
        if (!entries) {
            note(entries.error());
            co_return false;
        }
        std::ranges::move(*entries, std::back_inserter(fresh));
    }
    auto decide = [&outbox = parts_.outbox, looked_at = *changes, fresh] { return outbox.decide(looked_at, fresh); };
    const auto done = co_await offload(parts_.blocking, std::move(decide));
    if (!done) note(done.error());
    else failing_ = false;
    co_return done.has_value();
}

awaitable<void> Notifier::send_one(CatalogPtr catalog, OutboxEntry entry) {
    const auto* rule = find_rule(*catalog, entry.rule);
    Result<void> done = Error{Errc::denied, "the rule is not configured any more"};
    if (rule) {
        auto event = boost::json::parse(entry.event).as_object();
        auto target = rule->target;
        done = co_await parts_.sender.send(std::move(target), std::move(event), parts_.clock.now());
    }
    tally_.count(entry.rule, done ? "sent" : "failed");
    auto next = std::optional<Instant>();
    if (!done && done.error().code != Errc::denied) next = next_notify(entry.attempts + 1, entry.created, parts_.clock.now());
    const auto why = done ? std::string() : done.error().message;
    if (!done && entry.attempts == 0) logs::daemon.warn({}, "notify {}: {}", entry.rule, why);
    if (!done && !next) logs::daemon.error({}, "notify {}: given up: {}", entry.rule, why);
    auto settle = [&outbox = parts_.outbox, key = entry.key, good = done.has_value(), next, why] {
        return good ? outbox.sent(key) : outbox.failed(key, next, why);
    };
    const auto settled = co_await offload(parts_.blocking, std::move(settle));
    if (!settled) note(settled.error()); // it is sent once more: the receiver knows its id
}

awaitable<void> Notifier::send_due(CatalogPtr catalog) {
    auto ask = [&outbox = parts_.outbox, now = parts_.clock.now()] { return outbox.due(now, limits::notify_at_once); };
    auto due = co_await offload(parts_.blocking, std::move(ask));
    if (!due) {
        note(due.error());
        co_return;
    }
    for (auto& entry : *due) {
        auto send = [this, catalog, entry]() -> awaitable<void> { co_await send_one(catalog, entry); };
        sends_.spawn(std::move(send));
    }
    co_await sends_.join();
}

awaitable<void> Notifier::count_entries() {
    auto ask = [&outbox = parts_.outbox] { return outbox.counts(); };
    const auto counts = co_await offload(parts_.blocking, std::move(ask));
    if (!counts) co_return;
    waiting_ = counts->waiting;
    dead_ = counts->dead;
}

/// How long there is nothing to do.
awaitable<Milliseconds> Notifier::rest(bool anything) {
    if (anything) co_return Milliseconds(0);
    auto ask = [&outbox = parts_.outbox] { return outbox.next_due(); };
    const auto next = co_await offload(parts_.blocking, std::move(ask));
    Milliseconds most = look_every;
    if (next && *next) most = std::clamp<Milliseconds>(**next - parts_.clock.now(), Milliseconds(0), most);
    co_return failing_ ? std::max<Milliseconds>(most, std::chrono::seconds(1)) : most;
}

awaitable<void> Notifier::run(StopToken stop) {
    const auto executor = co_await asio::this_coro::executor;
    auto ring = [bell = bell_](StopReason) { bell.ring(); };
    const auto registration = stop.on_stop(executor, std::move(ring));
    while (!stop.requested()) {
        const auto catalog = parts_.engine.current_catalog();
        auto want = [&outbox = parts_.outbox, wanted = !catalog->notify.empty()] { return outbox.want(wanted); };
        const auto wanted = co_await offload(parts_.blocking, std::move(want));
        if (!wanted) note(wanted.error());
        bool more = false;
        if (!catalog->notify.empty()) more = co_await look_at_changes(catalog);
        co_await send_due(catalog);
        co_await count_entries();
        const auto time = co_await rest(more);
        if (time.count() <= 0) continue;
        const bool rung = co_await bell_.wait_for(time);
        (void)rung;
    }
}

} // namespace loom
