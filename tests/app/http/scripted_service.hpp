#pragma once
#include "app/http/client.hpp"
#include "app/http/server.hpp"
#include "core/async/block_on.hpp"
#include "core/async/deadline.hpp"
#include "core/base/duration.hpp"
#include "support/folder.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <filesystem>
#include <thread>
#include <future>
#include <mutex>
#include <sys/time.h>

namespace loom {

/// Answers as told, and remembers who asked for what.
class ScriptedHttpService : public Service {
public:
    class Stream final : public EventStream {
    public:
        Stream(ScriptedHttpService& service, const Executor& executor) : service_(service), bell_(executor) {
            left_.assign(service.told.begin(), service.told.end());
        }
        ~Stream() override { ++service_.streams_gone; }
        awaitable<std::optional<Event>> next() override {
            if (!left_.empty()) {
                auto event = std::move(left_.front());
                left_.pop_front();
                co_return event;
            }
            if (service_.hold) co_await bell_.wait();
            co_return std::nullopt;
        }
        void close() override { bell_.ring(); }

    private:
        ScriptedHttpService& service_;
        Bell bell_;
        std::deque<Event> left_;
    };

    awaitable<Result<RunView>> start_job(Caller caller, StartJob request) override {
        return give("start_job " + caller.by + " " + request.job + " " + request.limit, run_view);
    }
    awaitable<Result<RunView>> start_exec(Caller, StartExec request) override {
        exec = request;
        return give("start_exec", run_view);
    }
    awaitable<Result<RunView>> retry(Caller caller, StartRetry request) override {
        return give("retry " + caller.by + " " + request.id + " " + request.states, run_view);
    }
    awaitable<Result<RunView>> cancel(Caller, RunRef request) override { return give("cancel " + request.id, run_view); }
    awaitable<Result<RunView>> run(RunQuery request) override {
        note("run " + request.id);
        co_await wait_in_vain(request.wait);
        if (error) co_return *error;
        co_return run_view;
    }
    awaitable<Result<RunPage>> runs(RunsQuery request) override {
        RunPage page;
        page.items = {run_view};
        page.next = "older";
        return give("runs " + request.job + " " + std::to_string(request.limit), page);
    }
    awaitable<Result<NodeResultList>> results(RunRef request) override {
        NodeResultList list;
        list.items.resize(2);
        list.items[0].exit_status = 2;
        return give("results " + request.id, list);
    }
    awaitable<Result<OutputGroupList>> gathered(RunRef request) override {
        OutputGroupList list;
        list.items.resize(1);
        list.items[0].out = output_text;
        return give("gathered " + request.id, list);
    }
    awaitable<Result<NodeOutputView>> output(NodeRef request) override {
        NodeOutputView view;
        view.result.node = request.node;
        view.out = output_text;
        return give("output " + request.id + " " + request.node, view);
    }
    awaitable<Result<NodeOutputPiece>> output_piece(NodeOutputQuery request) override {
        NodeOutputPiece piece;
        piece.result.node = request.node;
        piece.out.text = output_text;
        piece.out.offset = request.out;
        return give("output_piece " + request.id + " " + request.node + " " + std::to_string(request.out), piece);
    }
    awaitable<Result<std::unique_ptr<EventStream>>> watch(WatchRun request) override {
        note("watch " + request.id + (request.output ? " closely" : ""));
        if (error) co_return *error;
        const auto executor = co_await asio::this_coro::executor;
        std::unique_ptr<EventStream> stream = std::make_unique<Stream>(*this, executor);
        co_return stream;
    }
    awaitable<Result<std::unique_ptr<EventStream>>> events(EventsQuery request) override {
        WatchRun all;
        all.id = "all " + request.after;
        return watch(std::move(all));
    }
    awaitable<Result<JobView>> job(JobName request) override { return give("job " + request.name, JobView()); }
    awaitable<Result<HookList>> hooks() override { return give("hooks", HookList()); }
    awaitable<Result<HookTestView>> test_hook(TestHook request) override { return give("test_hook " + request.name, HookTestView()); }
    awaitable<Result<NotifyRuleList>> notify_rules() override { return give("notify_rules", NotifyRuleList()); }
    awaitable<Result<NotifyTestView>> test_notify(Caller caller, TestNotify request) override {
        return give("test_notify " + request.rule + " by " + caller.by, NotifyTestView());
    }
    awaitable<Result<TokenList>> tokens() override { return give("tokens", TokenList()); }
    awaitable<Result<NewTokenView>> create_token(Caller, CreateToken request) override {
        return give("create_token " + request.name, NewTokenView());
    }
    awaitable<Result<TokenView>> revoke_token(Caller, TokenName request) override {
        return give("revoke_token " + request.name, TokenView());
    }
    awaitable<Result<VersionView>> version() override { return give("version", VersionView()); }
    awaitable<Result<JobList>> jobs(JobsQuery) override {
        JobList list;
        list.items.resize(1);
        return give("jobs", list);
    }
    awaitable<Result<PauseView>> pause(Caller caller, PauseJob request) override {
        return give("pause " + request.job + " by " + caller.by, PauseView());
    }
    awaitable<Result<PauseView>> resume(Caller caller, ResumeJob request) override {
        return give("resume " + request.job + " by " + caller.by, PauseView());
    }
    awaitable<Result<NodeList>> nodes(NodesQuery request) override {
        NodeList list;
        list.items.resize(1);
        list.items[0].labels["role"] = "db";
        return give("nodes " + request.targets, list);
    }
    awaitable<Result<NodeSettingsView>> node_settings(NodeName request) override {
        return give("node_settings " + request.node, NodeSettingsView());
    }
    awaitable<Result<HostKeyView>> trust(Caller caller, TrustNode request) override {
        return give("trust " + request.node + " by " + caller.by, HostKeyView());
    }
    awaitable<Result<PlanView>> plan_job(StartJob request) override { return give("plan_job " + request.job, plan_view()); }
    awaitable<Result<PlanView>> plan_exec(StartExec request) override {
        return give("plan_exec " + request.targets, plan_view());
    }
    awaitable<Result<PlanView>> plan_retry(StartRetry request) override {
        return give("plan_retry " + request.id, plan_view());
    }
    awaitable<Result<BackfillList>> plan_backfill(BackfillQuery request) override {
        return give("plan_backfill " + request.job, BackfillList());
    }
    static PlanView plan_view() {
        PlanView view;
        view.waves.resize(1);
        return view;
    }
    awaitable<Result<DueList>> next(NextQuery request) override {
        return give("next " + std::to_string(request.count), DueList());
    }
    awaitable<Result<WhyView>> why(WhyQuery request) override {
        return give("why " + request.subject + "@" + request.at, WhyView());
    }
    awaitable<Result<CatalogView>> catalog() override {
        if (explode) throw std::logic_error("a bug");
        CatalogView view;
        view.problems.resize(1);
        return give("catalog", view);
    }
    awaitable<Result<CatalogDiffView>> catalog_diff() override { return give("catalog_diff", CatalogDiffView()); }
    awaitable<Result<CatalogView>> reload(Caller caller) override { return give("reload " + caller.by, CatalogView()); }
    awaitable<Result<CatalogView>> drain(Caller caller, DrainRequest request) override {
        return give((request.undo ? "drain undo " : "drain ") + caller.by, CatalogView());
    }

    std::vector<std::string> calls() {
        const std::lock_guard lock(mutex_);
        return calls_;
    }

    RunView run_view;
    StartExec exec;
    std::string output_text;
    std::optional<Error> error;
    std::vector<Event> told; ///< what a stream gives
    bool hold = false, explode = false;
    std::atomic<bool> waits{false}; ///< a run that goes on: who waits for its end waits in vain, as long as this is set
    std::atomic<int> streams_gone{0};

protected:
    void note(std::string call) {
        const std::lock_guard lock(mutex_);
        calls_.push_back(std::move(call));
    }
    awaitable<void> wait_in_vain(std::string wait) {
        const StopToken never;
        const Milliseconds step(5);
        auto left = wait.empty() ? Milliseconds(0) : parse_duration(wait).value();
        for (; waits && left.count() > 0; left -= step) co_await pause_for(step, never);
    }
    template <class T>
    awaitable<Result<T>> give(std::string call, T value) {
        note(std::move(call));
        if (error) co_return *error;
        co_return value;
    }

private:
    std::mutex mutex_;
    std::vector<std::string> calls_;
};

/// A server on a socket in a folder of its own, and clients for it.
class HttpBench {
public:
    explicit HttpBench(HttpLimits limits = {}, std::vector<ListenAddress> listen = {}) {
        settings.limits = limits;
        settings.listen = std::move(listen);
        auto created = start();
        if (!created) throw std::runtime_error(created.error().message);
        server = std::move(*created);
        client = create_http_service(socket_server(path));
    }
    ~HttpBench() {
        close();
        pool.join();
        blocking.join();
    }

    Result<std::unique_ptr<HttpServer>> start() {
        const Strands strands({make_strand(pool.get_executor()), make_strand(pool.get_executor())});
        return HttpServer::create({strands, blocking.get_executor(), served ? *served : service, path, "", settings, check_token, routes, {}});
    }
    void close() {
        if (!server) return;
        wait(server->close());
        server.reset();
    }

    template <class T>
    T wait(awaitable<T> work) {
        return block_on(pool.get_executor(), std::move(work));
    }

    /// A client that writes what it likes: connects, sends, and reads to the end.
    std::string raw(const std::string& text, bool half_close = false) {
        asio::io_context context;
        UnixSocket socket(context);
        socket.connect(asio::local::stream_protocol::endpoint(path));
        // Only a broken server lets this pass; then the test fails on what it read instead of hanging.
        const timeval limit{60, 0};
        ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        error_code ec;
        asio::write(socket, asio::buffer(text), ec);
        if (half_close) socket.shutdown(UnixSocket::shutdown_send, ec);
        std::string reply;
        asio::read(socket, asio::dynamic_buffer(reply), ec);
        return reply;
    }

    asio::thread_pool pool{2}, blocking{1};
    ScriptedHttpService service;
    Service* served = nullptr; ///< in place of the scripted one
    tests::Folder folder;
    std::string path = folder.path("loom.sock");
    std::unique_ptr<HttpServer> server;
    std::unique_ptr<Service> client;
    HttpSettings settings;
    TokenCheck check_token;
    std::vector<PlainRoute> routes;
};

} // namespace loom
