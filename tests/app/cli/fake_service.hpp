#pragma once
#include "app/cli/context.hpp"
#include "core/async/bell.hpp"
#include "core/run/json.hpp"

#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <mutex>
#include <sstream>

namespace loom {

/// What the fake service answers, and what it was asked.
struct CliScript {
    RunView run;          ///< what start_job, start_exec, cancel and run give
    RunView ended;        ///< what run gives once the stream has ended
    std::vector<Event> events;
    bool hold = false;    ///< the stream waits after its events until it is closed or the run is cancelled
    std::function<void()> when_watched; ///< called in the first `next` after the events
    std::optional<Error> error;         ///< every call ends so
    OutputGroupList groups;
    NodeResultList results;
    NodeOutputView output;
    std::deque<Result<NodeOutputPiece>> pieces; ///< one for each time that one is asked for; an empty one afterwards
    std::vector<NodeOutputQuery> pieces_asked;
    RunPage runs;
    JobList jobs;
    NodeList nodes;
    DueList due;
    BackfillList backfill;
    NodeSettingsView node_settings;
    HostKeyView host_key;
    WhyView why;
    PlanView plan;
    PauseView pause;
    PauseJob paused;
    ResumeJob resumed;
    CatalogView catalog;
    std::optional<CatalogView> reloaded; ///< what a reload gives; none: the catalog
    CatalogDiffView diff;
    TokenList tokens;
    HookList hooks;
    TestHook hook_tested;
    HookTestView hook_test;
    NotifyRuleList rules;
    TestNotify notify_tested;
    NotifyTestView notify_test;
    CreateToken token;

    std::vector<std::string> calls;
    StartExec exec;
    StartJob job;
    StartRetry retry;
    NodesQuery nodes_query;
    std::string asked_node;
    std::vector<TrustNode> trusted;
    RunsQuery runs_query;
    NextQuery next_query;
    BackfillQuery backfill_query;
    WhyQuery why_query;
    bool finished = false;
    std::mutex mutex;
    std::unique_ptr<Bell> bell;
};

class CliFakeStream final : public EventStream {
public:
    CliFakeStream(CliScript& script, const Executor& executor) : script_(script), bell_(executor) {
        script.bell = std::make_unique<Bell>(bell_);
        left_.assign(script.events.begin(), script.events.end());
    }
    awaitable<std::optional<Event>> next() override {
        if (!left_.empty()) {
            auto event = std::move(left_.front());
            left_.pop_front();
            co_return event;
        }
        if (script_.when_watched) std::exchange(script_.when_watched, {})();
        if (script_.hold) co_await bell_.wait();
        script_.finished = true;
        co_return std::nullopt;
    }
    void close() override { bell_.ring(); }

private:
    CliScript& script_;
    Bell bell_;
    std::deque<Event> left_;
};

class CliFakeService final : public Service {
public:
    explicit CliFakeService(CliScript& script) : script_(script) {}

    awaitable<Result<RunView>> start_job(Caller, StartJob request) override {
        script_.job = std::move(request);
        return give("start_job", script_.run);
    }
    awaitable<Result<RunView>> start_exec(Caller, StartExec request) override {
        script_.exec = std::move(request);
        return give("start_exec", script_.run);
    }
    awaitable<Result<RunView>> retry(Caller, StartRetry request) override {
        script_.retry = std::move(request);
        return give("retry", script_.run);
    }
    awaitable<Result<RunView>> cancel(Caller, RunRef) override {
        if (script_.bell) script_.bell->ring();
        return give("cancel", script_.run);
    }
    awaitable<Result<RunView>> run(RunQuery) override {
        return give("run", script_.finished ? script_.ended : script_.run);
    }
    awaitable<Result<RunPage>> runs(RunsQuery request) override {
        script_.runs_query = std::move(request);
        return give("runs", script_.runs);
    }
    awaitable<Result<NodeResultList>> results(RunRef) override { return give("results", script_.results); }
    awaitable<Result<OutputGroupList>> gathered(RunRef) override { return give("gathered", script_.groups); }
    awaitable<Result<NodeOutputView>> output(NodeRef) override { return give("output", script_.output); }
    awaitable<Result<NodeOutputPiece>> output_piece(NodeOutputQuery request) override {
        if (script_.error) co_return *script_.error;
        script_.pieces_asked.push_back(request);
        if (script_.pieces.empty()) co_return NodeOutputPiece{};
        auto piece = std::move(script_.pieces.front());
        script_.pieces.pop_front();
        if (!piece) co_return piece.error();
        co_return std::move(*piece);
    }
    awaitable<Result<std::unique_ptr<EventStream>>> watch(WatchRun) override {
        if (script_.error) co_return *script_.error;
        const auto executor = co_await asio::this_coro::executor;
        std::unique_ptr<EventStream> stream = std::make_unique<CliFakeStream>(script_, executor);
        co_return stream;
    }
    awaitable<Result<std::unique_ptr<EventStream>>> events(EventsQuery) override {
        WatchRun all;
        return watch(std::move(all));
    }
    awaitable<Result<JobView>> job(JobName) override { return give("job", script_.jobs.items.empty() ? JobView() : script_.jobs.items.front()); }
    awaitable<Result<HookList>> hooks() override { return give("hooks", script_.hooks); }
    awaitable<Result<HookTestView>> test_hook(TestHook request) override {
        script_.hook_tested = std::move(request);
        return give("test_hook", script_.hook_test);
    }
    awaitable<Result<NotifyRuleList>> notify_rules() override { return give("notify_rules", script_.rules); }
    awaitable<Result<NotifyTestView>> test_notify(Caller, TestNotify request) override {
        script_.notify_tested = std::move(request);
        return give("test_notify", script_.notify_test);
    }
    awaitable<Result<TokenList>> tokens() override { return give("tokens", script_.tokens); }
    awaitable<Result<NewTokenView>> create_token(Caller, CreateToken request) override {
        NewTokenView made;
        made.token = "loom_secret";
        made.about.name = request.name;
        made.about.scope = request.scope;
        made.about.jobs = request.jobs;
        made.about.nodes = request.nodes;
        script_.token = std::move(request);
        return give("create_token", made);
    }
    awaitable<Result<TokenView>> revoke_token(Caller, TokenName request) override {
        TokenView view;
        view.name = request.name;
        return give("revoke_token", view);
    }
    awaitable<Result<VersionView>> version() override { return give("version", VersionView()); }
    awaitable<Result<JobList>> jobs(JobsQuery) override { return give("jobs", script_.jobs); }
    awaitable<Result<PauseView>> pause(Caller, PauseJob request) override {
        script_.paused = std::move(request);
        return give("pause", script_.pause);
    }
    awaitable<Result<PauseView>> resume(Caller, ResumeJob request) override {
        script_.resumed = std::move(request);
        return give("resume", script_.pause);
    }
    awaitable<Result<NodeList>> nodes(NodesQuery request) override {
        script_.nodes_query = std::move(request);
        return give("nodes", script_.nodes);
    }
    awaitable<Result<NodeSettingsView>> node_settings(NodeName request) override {
        script_.asked_node = std::move(request.node);
        return give("node_settings", script_.node_settings);
    }
    awaitable<Result<HostKeyView>> trust(Caller, TrustNode request) override {
        script_.trusted.push_back(request);
        auto key = script_.host_key;
        key.recorded = !request.fingerprint.empty();
        return give("trust", key);
    }
    awaitable<Result<PlanView>> plan_job(StartJob request) override {
        script_.job = std::move(request);
        return give("plan_job", script_.plan);
    }
    awaitable<Result<PlanView>> plan_exec(StartExec request) override {
        script_.exec = std::move(request);
        return give("plan_exec", script_.plan);
    }
    awaitable<Result<PlanView>> plan_retry(StartRetry request) override {
        script_.retry = std::move(request);
        return give("plan_retry", script_.plan);
    }
    awaitable<Result<BackfillList>> plan_backfill(BackfillQuery request) override {
        script_.backfill_query = std::move(request);
        return give("plan_backfill", script_.backfill);
    }
    awaitable<Result<DueList>> next(NextQuery request) override {
        script_.next_query = std::move(request);
        return give("next", script_.due);
    }
    awaitable<Result<WhyView>> why(WhyQuery request) override {
        script_.why_query = std::move(request);
        return give("why", script_.why);
    }
    awaitable<Result<CatalogView>> catalog() override { return give("catalog", script_.catalog); }
    awaitable<Result<CatalogDiffView>> catalog_diff() override { return give("catalog_diff", script_.diff); }
    awaitable<Result<CatalogView>> reload(Caller) override { return give("reload", script_.reloaded.value_or(script_.catalog)); }
    awaitable<Result<CatalogView>> drain(Caller, DrainRequest request) override {
        return give(request.undo ? "drain undo" : "drain", script_.catalog);
    }

private:
    template <class T>
    awaitable<Result<T>> give(const char* call, T value) {
        script_.calls.emplace_back(call);
        if (script_.error) co_return *script_.error;
        co_return value;
    }

    CliScript& script_;
};

/// A command line with a fake daemon behind it, and streams that are strings.
class CliBench {
public:
    class FixedClock final : public Clock {
    public:
        Instant now() const override { return Instant(std::chrono::seconds(1'769'846'700)); } // 2026-01-31T08:05:00Z
    };

    CliBench() : context{Streams{in, out, err}, pool.get_executor(), clock, "user:anna"} {
        context.open_service = [this](const std::string&, Need asked) -> Result<OpenService> {
            need = asked;
            if (door_error) return *door_error;
            OpenService open;
            open.service = std::make_unique<CliFakeService>(script);
            open.daemon = daemon;
            open.remote = remote;
            return open;
        };
        context.load_catalog = [this](const std::string&) -> Result<CatalogPtr> {
            if (door_error) return *door_error;
            return std::make_shared<const Catalog>(catalog);
        };
        context.reconnect_pause = std::chrono::milliseconds(0);
        context.serve = [](const std::string& config) { return config == "bad" ? 6 : 0; };
        context.doctor = [this](const std::string&) { return checkups; };
        context.libraries = [] { return std::string("libssh2 1.11.1"); };
        context.on_interrupt = [this](std::function<void()> callback) { interrupt = std::move(callback); };
        context.leave = [this](int code) { left = code; };
    }
    ~CliBench() { pool.join(); }

    int operator()(std::vector<std::string> args) { return run_command_line(std::move(args), context); }

    std::istringstream in;
    std::ostringstream out, err;
    asio::thread_pool pool{2};
    FixedClock clock;
    CommandContext context;
    CliScript script;
    Catalog catalog;
    std::vector<Checkup> checkups;
    std::optional<Error> door_error;
    std::optional<Need> need;
    std::function<void()> interrupt;
    bool daemon = true, remote = false;
    int left = -1;
};

inline bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline Event cli_event(std::string type, const boost::json::value& json) {
    Event event;
    event.type = std::move(type);
    event.data = json.as_object();
    return event;
}

} // namespace loom
