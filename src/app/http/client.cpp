#include "app/http/client.hpp"

#include "app/http/exchange.hpp"
#include "app/http/parameters.hpp"
#include "app/http/table.hpp"

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

template <auto Member>
awaitable<Result<typename Endpoint<Member>::Reply>> ask(std::string path, typename Endpoint<Member>::Request request) {
    auto call = make_call<Member>(request);
    if constexpr (Endpoint<Member>::streams) {
        co_return co_await open_events(std::move(path), std::move(call));
    } else {
        auto body = co_await exchange(std::move(path), std::move(call));
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
    explicit HttpService(std::string path) : path_(std::move(path)) {}

    awaitable<Result<RunView>> start_job(Caller, StartJob request) override {
        return ask<&Service::start_job>(path_, std::move(request));
    }
    awaitable<Result<RunView>> start_exec(Caller, StartExec request) override {
        return ask<&Service::start_exec>(path_, std::move(request));
    }
    awaitable<Result<RunView>> cancel(Caller, RunRef request) override {
        return ask<&Service::cancel>(path_, std::move(request));
    }
    awaitable<Result<RunView>> retry(Caller, StartRetry request) override {
        return ask<&Service::retry>(path_, std::move(request));
    }
    awaitable<Result<RunView>> run(RunRef request) override { return ask<&Service::run>(path_, std::move(request)); }
    awaitable<Result<RunPage>> runs(RunsQuery request) override { return ask<&Service::runs>(path_, std::move(request)); }
    awaitable<Result<NodeResultList>> results(RunRef request) override {
        return ask<&Service::results>(path_, std::move(request));
    }
    awaitable<Result<OutputGroupList>> gathered(RunRef request) override {
        return ask<&Service::gathered>(path_, std::move(request));
    }
    awaitable<Result<NodeOutputView>> output(NodeRef request) override {
        return ask<&Service::output>(path_, std::move(request));
    }
    awaitable<Result<std::unique_ptr<EventStream>>> watch(RunRef request) override {
        return ask<&Service::watch>(path_, std::move(request));
    }
    awaitable<Result<JobList>> jobs(JobsQuery request) override { return ask<&Service::jobs>(path_, std::move(request)); }
    awaitable<Result<PauseView>> pause(Caller, PauseJob request) override {
        return ask<&Service::pause>(path_, std::move(request));
    }
    awaitable<Result<PauseView>> resume(Caller, ResumeJob request) override {
        return ask<&Service::resume>(path_, std::move(request));
    }
    awaitable<Result<NodeList>> nodes(NodesQuery request) override {
        return ask<&Service::nodes>(path_, std::move(request));
    }
    awaitable<Result<NodeSettingsView>> node_settings(NodeName request) override {
        return ask<&Service::node_settings>(path_, std::move(request));
    }
    awaitable<Result<HostKeyView>> trust(Caller, TrustNode request) override {
        return ask<&Service::trust>(path_, std::move(request));
    }
    awaitable<Result<PlanView>> plan_job(StartJob request) override {
        return ask<&Service::plan_job>(path_, std::move(request));
    }
    awaitable<Result<PlanView>> plan_exec(StartExec request) override {
        return ask<&Service::plan_exec>(path_, std::move(request));
    }
    awaitable<Result<BackfillList>> plan_backfill(BackfillQuery request) override {
        return ask<&Service::plan_backfill>(path_, std::move(request));
    }
    awaitable<Result<PlanView>> plan_retry(StartRetry request) override {
        return ask<&Service::plan_retry>(path_, std::move(request));
    }
    awaitable<Result<DueList>> next(NextQuery request) override { return ask<&Service::next>(path_, std::move(request)); }
    awaitable<Result<WhyView>> why(WhyQuery request) override { return ask<&Service::why>(path_, std::move(request)); }
    awaitable<Result<CatalogView>> catalog() override {
        const NoRequest nothing;
        return ask<&Service::catalog>(path_, nothing);
    }
    awaitable<Result<CatalogView>> reload(Caller) override {
        const NoRequest nothing;
        return ask<&Service::reload>(path_, nothing);
    }
    awaitable<Result<CatalogView>> drain(Caller, DrainRequest request) override {
        return ask<&Service::drain>(path_, request);
    }

private:
    std::string path_;
};

} // namespace

std::unique_ptr<Service> create_http_service(std::string socket_path) {
    return std::make_unique<HttpService>(std::move(socket_path));
}

} // namespace loom
