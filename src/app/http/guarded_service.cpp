#include "app/http/guarded_service.hpp"

#include "core/run/json.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr int pages_most = 50; ///< of runs that are looked through for one that the caller sees

/// The words for what is nowhere, and for what this caller may not see.
Error nothing_like(std::string_view kind, std::string_view name) { return not_found(fmt::format("there is no {} \"{}\" for this token", kind, name)); }

/// What the NodeSet of a grant means right now. One that means nothing any more, as when its group is gone, has no node.
awaitable<Sight> look(Service& inner, Grant grant) {
    Sight sight;
    sight.grant = std::move(grant);
    if (sight.grant.nodes.empty()) co_return sight;
    sight.nodes.emplace();
    NodesQuery query;
    query.targets = sight.grant.nodes;
    const auto found = co_await inner.nodes(std::move(query));
    if (found)
        for (const auto& node : found->items) sight.nodes->insert(node.name);
    co_return sight;
}

/// What the caller sees of a run; nothing: it sees none of it.
awaitable<Result<std::optional<RunView>>> show(Service& inner, const Sight& sight, RunView run) {
    NodeResultList results;
    if (sight.nodes && sight.job(run.job)) {
        RunRef ref;
        ref.id = run.id;
        auto found = co_await inner.results(std::move(ref));
        if (!found) co_return found.error();
        results = std::move(*found);
    }
    co_return narrow(std::move(run), sight, results);
}

/// The events that the caller may have.
class GuardedStream final : public EventStream {
public:
    GuardedStream(std::unique_ptr<EventStream> from, Service& inner, Sight sight)
        : from_(std::move(from)), inner_(inner), sight_(std::move(sight)) {}

    awaitable<std::optional<Event>> next() override {
        while (true) {
            // Ends as the stream below does.
            auto event = co_await from_->next();
            if (!event) co_return std::nullopt;
            if (co_await admit(*event)) co_return event;
        }
    }
    void close() override { from_->close(); }

private:
    /// Events that hold a whole run are cut as the run itself is.
    awaitable<bool> admit(Event& event) {
        auto* view = &event.data;
        if (event.type == "run") view = event.data.at("data").if_object();
        else if (!event.data.contains("job")) co_return narrow(event, sight_);
        auto run = from_json<RunView>(*view);
        if (!run) co_return false;
        const bool ended = !run->counts.empty();
        auto shown = co_await show(inner_, sight_, std::move(*run));
        if (!shown || !*shown) co_return false;
        if (!ended) (*shown)->counts.clear();
        *view = to_json(**shown).as_object();
        co_return true;
    }

    std::unique_ptr<EventStream> from_;
    Service& inner_;
    Sight sight_;
};

} // namespace

auto GuardedService::see_run(std::string id, std::string wait) -> awaitable<Result<SeenRun>> {
    SeenRun seen;
    seen.sight = co_await look(inner_, grant_);
    if (id == "last" && seen.sight.limited()) { // its own last one
        RunsQuery query;
        query.limit = 1;
        auto page = co_await runs(std::move(query));
        if (!page) co_return page.error();
        if (page->items.empty()) co_return nothing_like("run", id);
        id = page->items.front().id;
    }
    if (!wait.empty() && seen.sight.limited()) { // to wait for what it may not see would tell that it is there
        auto now = co_await see_run(std::move(id));
        if (!now) co_return now.error();
        id = std::move(now->run.id);
    }
    RunQuery query;
    query.id = id;
    query.wait = std::move(wait);
    auto run = co_await inner_.run(std::move(query));
    const bool hides = !run && (run.error().code == Errc::not_found || run.error().code == Errc::conflict);
    if (hides && seen.sight.limited()) co_return nothing_like("run", id);
    if (!run) co_return run.error();
    const auto all = run->targets;
    auto shown = co_await show(inner_, seen.sight, std::move(*run));
    if (!shown) co_return shown.error();
    if (!*shown) co_return nothing_like("run", id);
    seen.run = std::move(**shown);
    seen.whole = seen.run.targets == all;
    co_return seen;
}

awaitable<std::vector<std::string>> GuardedService::nodes_of(std::string targets) {
    std::vector<std::string> names;
    if (targets.find_first_not_of(" \t") == std::string::npos) co_return names;
    NodesQuery query;
    query.targets = std::move(targets);
    const auto found = co_await inner_.nodes(std::move(query));
    if (found)
        for (const auto& node : found->items) names.push_back(node.name);
    co_return names;
}

auto GuardedService::see_job(std::string name) -> awaitable<Result<SeenJob>> {
    SeenJob seen;
    seen.sight = co_await look(inner_, grant_);
    if (!seen.sight.job(name)) co_return nothing_like("job", name);
    JobName query;
    query.name = name;
    auto job = co_await inner_.job(std::move(query));
    if (!job && job.error().code == Errc::not_found && seen.sight.limited()) co_return nothing_like("job", name);
    if (!job) co_return job.error();
    seen.job = std::move(*job);
    seen.whole = true;
    if (seen.sight.nodes) {
        const auto nodes = co_await nodes_of(seen.job.targets);
        seen.whole = !nodes.empty() && seen.sight.sees_all_of(nodes);
        narrow(seen.job, seen.sight, nodes);
        if (seen.job.nodes == 0) co_return nothing_like("job", name);
    } else {
        narrow(seen.job, seen.sight, {});
    }
    co_return seen;
}

awaitable<Result<RunView>> GuardedService::run(RunQuery request) {
    auto seen = co_await see_run(std::move(request.id), std::move(request.wait));
    if (!seen) co_return seen.error();
    co_return std::move(seen->run);
}

awaitable<Result<RunPage>> GuardedService::runs(RunsQuery request) {
    const auto sight = co_await look(inner_, grant_);
    RunPage left;
    for (int pages = 0; pages < pages_most; ++pages) {
        auto query = request;
        auto page = co_await inner_.runs(std::move(query));
        if (!page) co_return page.error();
        left.next = page->next;
        for (auto& run : page->items) {
            auto shown = co_await show(inner_, sight, std::move(run));
            if (!shown) co_return shown.error();
            if (*shown) left.items.push_back(std::move(**shown));
        }
        if (!left.items.empty() || left.next.empty()) break;
        request.before = left.next;
    }
    if (!left.items.empty() && !left.next.empty()) left.next = left.items.back().id; // the page's own may be one that it does not see
    co_return left;
}

awaitable<Result<NodeResultList>> GuardedService::results(RunRef request) {
    auto seen = co_await see_run(std::move(request.id));
    if (!seen) co_return seen.error();
    RunRef ref;
    ref.id = seen->run.id;
    auto list = co_await inner_.results(std::move(ref));
    if (list) narrow(*list, seen->sight);
    co_return list;
}

awaitable<Result<OutputGroupList>> GuardedService::gathered(RunRef request) {
    auto seen = co_await see_run(std::move(request.id));
    if (!seen) co_return seen.error();
    RunRef ref;
    ref.id = seen->run.id;
    auto list = co_await inner_.gathered(std::move(ref));
    if (list) narrow(*list, seen->sight);
    co_return list;
}

awaitable<Result<NodeOutputView>> GuardedService::output(NodeRef request) {
    auto seen = co_await see_run(std::move(request.id));
    if (!seen) co_return seen.error();
    if (!seen->sight.node(request.node)) co_return nothing_like("node", request.node);
    request.id = seen->run.id;
    const auto node = request.node;
    auto view = co_await inner_.output(std::move(request));
    if (!view && view.error().code == Errc::not_found && seen->sight.limited()) co_return nothing_like("node", node);
    co_return view;
}

awaitable<Result<NodeOutputPiece>> GuardedService::output_piece(NodeOutputQuery request) {
    auto seen = co_await see_run(std::move(request.id));
    if (!seen) co_return seen.error();
    if (!seen->sight.node(request.node)) co_return nothing_like("node", request.node);
    request.id = seen->run.id;
    const auto node = request.node;
    auto piece = co_await inner_.output_piece(std::move(request));
    if (!piece && piece.error().code == Errc::not_found && seen->sight.limited()) co_return nothing_like("node", node);
    co_return piece;
}

awaitable<Result<std::unique_ptr<EventStream>>> GuardedService::watch(WatchRun request) {
    auto seen = co_await see_run(std::move(request.id));
    if (!seen) co_return seen.error();
    request.id = seen->run.id;
    auto stream = co_await inner_.watch(std::move(request));
    if (!stream) co_return stream.error();
    std::unique_ptr<EventStream> guarded = std::make_unique<GuardedStream>(std::move(*stream), inner_, std::move(seen->sight));
    co_return guarded;
}

awaitable<Result<std::unique_ptr<EventStream>>> GuardedService::events(EventsQuery request) {
    auto sight = co_await look(inner_, grant_);
    auto stream = co_await inner_.events(std::move(request));
    if (!stream) co_return stream.error();
    std::unique_ptr<EventStream> guarded = std::make_unique<GuardedStream>(std::move(*stream), inner_, std::move(sight));
    co_return guarded;
}

awaitable<Result<JobList>> GuardedService::jobs(JobsQuery request) {
    if (!request.name.empty()) {
        auto seen = co_await see_job(request.name);
        if (!seen) co_return seen.error();
        JobList one;
        one.items.push_back(std::move(seen->job));
        co_return one;
    }
    const auto sight = co_await look(inner_, grant_);
    auto list = co_await inner_.jobs(std::move(request));
    if (!list) co_return list.error();
    std::erase_if(list->items, [&](const auto& job) { return !sight.job(job.name); });
    std::map<std::string, std::vector<std::string>> expanded; // many jobs share their targets
    for (auto& job : list->items) {
        if (sight.nodes && !expanded.contains(job.targets)) {
            auto nodes = co_await nodes_of(job.targets);
            expanded[job.targets] = std::move(nodes);
        }
        narrow(job, sight, expanded[job.targets]);
    }
    if (sight.nodes) std::erase_if(list->items, [](const auto& job) { return job.nodes == 0; });
    co_return list;
}

awaitable<Result<JobView>> GuardedService::job(JobName request) {
    auto seen = co_await see_job(std::move(request.name));
    if (!seen) co_return seen.error();
    co_return std::move(seen->job);
}

awaitable<Result<NodeList>> GuardedService::nodes(NodesQuery request) {
    if (auto may = co_await may_ask_for(request.targets); !may) co_return may.error();
    const auto sight = co_await look(inner_, grant_);
    const auto targets = request.targets;
    auto list = co_await inner_.nodes(std::move(request));
    if (!list && list.error().code == Errc::not_found && sight.nodes) co_return nothing_like("node", targets);
    if (!list) co_return list.error();
    narrow(*list, sight);
    if (list->items.empty() && sight.nodes && !targets.empty()) co_return nothing_like("node", targets);
    co_return list;
}

awaitable<Result<NodeSettingsView>> GuardedService::node_settings(NodeName request) {
    const auto sight = co_await look(inner_, grant_);
    if (!sight.node(request.node)) co_return nothing_like("node", request.node);
    co_return co_await inner_.node_settings(std::move(request));
}

awaitable<Result<HostKeyView>> GuardedService::trust(Caller caller, TrustNode request) {
    const auto sight = co_await look(inner_, grant_);
    if (!sight.node(request.node)) co_return nothing_like("node", request.node);
    co_return co_await inner_.trust(std::move(caller), std::move(request));
}

awaitable<Result<DueList>> GuardedService::next(NextQuery request) {
    JobsQuery query;
    query.name = request.job;
    const auto mine = co_await jobs(std::move(query)); // whose job this is not gets the same answer as for none
    if (!mine) co_return mine.error();
    auto list = co_await inner_.next(std::move(request));
    if (!list) co_return list.error();
    std::set<std::string> names;
    for (const auto& job : mine->items) names.insert(job.name);
    std::erase_if(list->items, [&](const auto& due) { return !names.contains(due.job); });
    co_return list;
}

awaitable<Result<BackfillList>> GuardedService::plan_backfill(BackfillQuery request) {
    const auto seen = co_await see_job(request.job);
    if (!seen) co_return seen.error();
    co_return co_await inner_.plan_backfill(std::move(request));
}

awaitable<Result<WhyView>> GuardedService::why(WhyQuery request) {
    const auto subject = request.subject;
    const auto sight = co_await look(inner_, grant_);
    if (subject == "last" && sight.limited()) { // its own last one
        auto own = co_await see_run(subject);
        if (!own) co_return nothing_like("job or run", subject);
        request.subject = std::move(own->run.id);
    }
    auto view = co_await inner_.why(std::move(request));
    if (!sight.limited()) co_return view;
    if (!view) { // what is wrong with the rest of the request is told of a job that it sees
        const bool hides = view.error().code == Errc::not_found || view.error().code == Errc::conflict;
        if (hides) co_return nothing_like("job or run", subject);
        const auto seen = co_await see_job(subject);
        if (!seen) co_return nothing_like("job or run", subject);
        co_return view.error();
    }
    if (!view->run.empty()) {
        const auto seen = co_await see_run(view->run);
        if (!seen) co_return nothing_like("job or run", subject);
    } else if (const auto seen = co_await see_job(view->job); !seen) {
        co_return nothing_like("job or run", subject);
    }
    narrow(*view, sight);
    co_return view;
}

awaitable<Result<CatalogView>> GuardedService::catalog() {
    const auto sight = co_await look(inner_, grant_);
    auto view = co_await inner_.catalog();
    if (view) narrow(*view, sight);
    co_return view;
}

} // namespace loom
