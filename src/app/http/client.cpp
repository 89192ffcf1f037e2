#include "app/http/client.hpp"

#include "app/http/exchange.hpp"
#include "app/http/parameters.hpp"
#include "app/http/table.hpp"
#include "core/async/deadline.hpp"
#include "core/async/stop.hpp"
#include "core/base/digest.hpp"

namespace loom {
namespace {

template <auto Member>
HttpCall make_call(const typename Endpoint<Member>::Request& request) {
    const auto& endpoint = endpoint_of<Member>();
    HttpCall call;
    call.method = endpoint.method;
    auto parameters = to_parameters(request);
    call.target = std::string(api_root) + fill_path(endpoint.path, parameters);
    if (call.method == HttpMethod::get) {
        if (!parameters.empty()) call.target += "?" + to_query(parameters);
    } else {
        // Defaults may be left out: the daemon's are the same.
        const auto whole = to_json(request);
        boost::json::object body;
        for (const auto& [name, text] : parameters) body[name] = whole.at(name);
        call.body = boost::json::serialize(body);
    }
    return call;
}

/// What starts a run may be sent again when the connection breaks: it says itself by a key, and so starts one run.
template <auto Member>
constexpr bool starts_a_run = std::is_same_v<typename Endpoint<Member>::Reply, RunView> && MemberTraits<decltype(Member)>::takes_caller;

constexpr int sends_most = 60;
constexpr std::chrono::seconds send_again_after{1};

std::string new_key() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return uuid_v7(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

awaitable<Result<std::string>> send(ServerAddress server, HttpCall call) {
    const StopToken never;
    const int most = server.remote() && !call.key.empty() ? sends_most : 1;
    for (int sends = 1;; ++sends) {
        auto copy = call;
        auto body = co_await exchange(server, std::move(copy));
        // A daemon that nobody has reached yet is not waited for.
        if (body || body.error().code != Errc::unavailable || sends >= most || !*call.sent) co_return body;
        const bool waited = co_await pause_for(send_again_after, never);
        (void)waited;
    }
}

template <auto Member>
awaitable<Result<typename Endpoint<Member>::Reply>> ask(ServerAddress server, typename Endpoint<Member>::Request request) {
    auto call = make_call<Member>(request);
    if constexpr (Endpoint<Member>::streams) {
        co_return co_await open_events(std::move(server), std::move(call));
    } else {
        if (starts_a_run<Member>) call.key = new_key();
        auto body = co_await send(std::move(server), std::move(call));
        if (!body) co_return body.error();
        error_code ec;
        const auto json = boost::json::parse(*body, ec);
        if (ec) co_return Error{Errc::unavailable, "the daemon's reply is not JSON: " + ec.message()};
        auto reply = from_json<typename Endpoint<Member>::Reply>(json);
        if (!reply) co_return Error{Errc::unavailable, "the daemon's reply: " + reply.error().message};
        co_return reply;
    }
}

class HttpService final : public Service {
public:
    explicit HttpService(ServerAddress server) : server_(std::move(server)) {}

    awaitable<Result<RunView>> start_job(Caller, StartJob request) override {
        return ask<&Service::start_job>(server_, std::move(request));
    }
    awaitable<Result<RunView>> start_exec(Caller, StartExec request) override {
        return ask<&Service::start_exec>(server_, std::move(request));
    }
    awaitable<Result<RunView>> cancel(Caller, RunRef request) override {
        return ask<&Service::cancel>(server_, std::move(request));
    }
    awaitable<Result<RunView>> retry(Caller, StartRetry request) override {
        return ask<&Service::retry>(server_, std::move(request));
    }
    awaitable<Result<RunView>> run(RunQuery request) override { return ask<&Service::run>(server_, std::move(request)); }
    awaitable<Result<RunPage>> runs(RunsQuery request) override { return ask<&Service::runs>(server_, std::move(request)); }
    awaitable<Result<NodeResultList>> results(RunRef request) override {
        return ask<&Service::results>(server_, std::move(request));
    }
    awaitable<Result<OutputGroupList>> gathered(RunRef request) override {
        return ask<&Service::gathered>(server_, std::move(request));
    }
    awaitable<Result<NodeOutputView>> output(NodeRef request) override {
        return ask<&Service::output>(server_, std::move(request));
    }
    awaitable<Result<NodeOutputPiece>> output_piece(NodeOutputQuery request) override {
        return ask<&Service::output_piece>(server_, std::move(request));
    }
    awaitable<Result<std::unique_ptr<EventStream>>> watch(WatchRun request) override {
        return ask<&Service::watch>(server_, std::move(request));
    }
    awaitable<Result<std::unique_ptr<EventStream>>> events(EventsQuery request) override {
        return ask<&Service::events>(server_, std::move(request));
    }
    awaitable<Result<JobView>> job(JobName request) override { return ask<&Service::job>(server_, std::move(request)); }
    awaitable<Result<HookList>> hooks() override {
        const NoRequest nothing;
        return ask<&Service::hooks>(server_, nothing);
    }
    awaitable<Result<HookTestView>> test_hook(TestHook request) override {
        return ask<&Service::test_hook>(server_, std::move(request));
    }
    awaitable<Result<NotifyRuleList>> notify_rules() override {
        const NoRequest nothing;
        return ask<&Service::notify_rules>(server_, nothing);
    }
    awaitable<Result<NotifyTestView>> test_notify(Caller, TestNotify request) override {
        return ask<&Service::test_notify>(server_, std::move(request));
    }
    awaitable<Result<TokenList>> tokens() override {
        const NoRequest nothing;
        return ask<&Service::tokens>(server_, nothing);
    }
    awaitable<Result<NewTokenView>> create_token(Caller, CreateToken request) override {
        return ask<&Service::create_token>(server_, std::move(request));
    }
    awaitable<Result<TokenView>> revoke_token(Caller, TokenName request) override {
        return ask<&Service::revoke_token>(server_, std::move(request));
    }
    awaitable<Result<VersionView>> version() override {
        const NoRequest nothing;
        return ask<&Service::version>(server_, nothing);
    }
    awaitable<Result<JobList>> jobs(JobsQuery request) override { return ask<&Service::jobs>(server_, std::move(request)); }
    awaitable<Result<PauseView>> pause(Caller, PauseJob request) override {
        return ask<&Service::pause>(server_, std::move(request));
    }
    awaitable<Result<PauseView>> resume(Caller, ResumeJob request) override {
        return ask<&Service::resume>(server_, std::move(request));
    }
    awaitable<Result<NodeList>> nodes(NodesQuery request) override {
        return ask<&Service::nodes>(server_, std::move(request));
    }
    awaitable<Result<NodeSettingsView>> node_settings(NodeName request) override {
        return ask<&Service::node_settings>(server_, std::move(request));
    }
    awaitable<Result<HostKeyView>> trust(Caller, TrustNode request) override {
        return ask<&Service::trust>(server_, std::move(request));
    }
    awaitable<Result<PlanView>> plan_job(StartJob request) override {
        return ask<&Service::plan_job>(server_, std::move(request));
    }
    awaitable<Result<PlanView>> plan_exec(StartExec request) override {
        return ask<&Service::plan_exec>(server_, std::move(request));
    }
    awaitable<Result<BackfillList>> plan_backfill(BackfillQuery request) override {
        return ask<&Service::plan_backfill>(server_, std::move(request));
    }
    awaitable<Result<PlanView>> plan_retry(StartRetry request) override {
        return ask<&Service::plan_retry>(server_, std::move(request));
    }
    awaitable<Result<DueList>> next(NextQuery request) override { return ask<&Service::next>(server_, std::move(request)); }
    awaitable<Result<WhyView>> why(WhyQuery request) override { return ask<&Service::why>(server_, std::move(request)); }
    awaitable<Result<CatalogView>> catalog() override {
        const NoRequest nothing;
        return ask<&Service::catalog>(server_, nothing);
    }
    awaitable<Result<CatalogDiffView>> catalog_diff() override {
        const NoRequest nothing;
        return ask<&Service::catalog_diff>(server_, nothing);
    }
    awaitable<Result<CatalogView>> reload(Caller) override {
        const NoRequest nothing;
        return ask<&Service::reload>(server_, nothing);
    }
    awaitable<Result<CatalogView>> drain(Caller, DrainRequest request) override {
        return ask<&Service::drain>(server_, request);
    }

private:
    ServerAddress server_;
};

} // namespace

std::unique_ptr<Service> create_http_service(ServerAddress server) { return std::make_unique<HttpService>(std::move(server)); }

} // namespace loom
