#include "ssh/connector.hpp"

#include "core/async/offload.hpp"
#include "core/async/run_on.hpp"
#include "ssh/exec.hpp"
#include "ssh/reach.hpp"
#include "ssh/sftp_get.hpp"
#include "ssh/sftp_put.hpp"
#include "ssh/trust.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

/// What a Remote's calls work on. They share it: a Remote may go while a call of its own still unwinds.
struct Reached {
    std::shared_ptr<Reach> reach;
    std::unique_ptr<LiveSession> live; ///< null once it was given back
    bool in_order = false;             ///< the last task came to its own end: another may follow

    TransferPlace place() const {
        const auto& landscape = *reach->landscape;
        return TransferPlace{live->session, landscape.options.blocking, landscape.options.home, landscape.hashes};
    }
};

bool command_ended(const Outcome& outcome) { return outcome.exit_status || !outcome.exit_signal.empty(); }
bool always(const Outcome&) { return true; }

/// Does the work on the session's strand. `in_order` says whether what came of it leaves a session that can be used again.
awaitable<Outcome> on_session(std::shared_ptr<Reached> reached, std::function<awaitable<Outcome>()> work,
                              bool (*in_order)(const Outcome&)) {
    Outcome outcome;
    auto run = [&]() -> awaitable<void> {
        reached->in_order = false;
        outcome = co_await work();
        const bool own_end = outcome.state == NodeState::ok || outcome.state == NodeState::changed ||
                             (outcome.state == NodeState::failed && outcome.phase == Phase::command);
        reached->in_order = own_end && in_order(outcome);
    };
    const std::function<awaitable<void>()> begun = std::ref(run);
    co_await run_on(reached->live->session->executor(), begun);
    co_return outcome;
}

class SshRemote final : public Remote {
public:
    SshRemote(std::shared_ptr<Reach> reach, std::unique_ptr<LiveSession> live)
        : reached_(std::make_shared<Reached>()) {
        reached_->reach = std::move(reach);
        reached_->live = std::move(live);
    }
    ~SshRemote() override {
        if (!reached_->live) return;
        asio::post(reached_->live->session->executor(), [reached = reached_] { reached->live->session->kill(); });
    }

    awaitable<Outcome> exec(ExecRequest request, StopToken stop) override {
        const auto reached = reached_;
        auto work = [&]() -> awaitable<Outcome> {
            return run_command(reached->live->session, std::move(request), std::move(stop));
        };
        const std::function<awaitable<Outcome>()> begun = std::ref(work);
        co_return co_await on_session(reached, begun, &command_ended);
    }

    awaitable<Outcome> put(PutRequest request, StopToken stop) override {
        const auto reached = reached_;
        auto work = [&]() -> awaitable<Outcome> {
            return put_files(reached->place(), std::move(request), std::move(stop));
        };
        const std::function<awaitable<Outcome>()> begun = std::ref(work);
        co_return co_await on_session(reached, begun, &always);
    }

    awaitable<Outcome> get(GetRequest request, StopToken stop) override {
        const auto reached = reached_;
        auto work = [&]() -> awaitable<Outcome> {
            return get_files(reached->place(), std::move(request), std::move(stop));
        };
        const std::function<awaitable<Outcome>()> begun = std::ref(work);
        co_return co_await on_session(reached, begun, &always);
    }

    awaitable<void> close() override {
        const auto reached = reached_;
        auto end = [&]() -> awaitable<void> {
            if (reached->in_order) reached->reach->pool.give_back(std::move(reached->live));
            else reached->live->session->disconnect();
            co_return;
        };
        const std::function<awaitable<void>()> work = std::ref(end);
        co_await run_on(reached->live->session->executor(), work);
    }

private:
    std::shared_ptr<Reached> reached_;
};

awaitable<Result<HostKeyReport>> trust_host_key(std::shared_ptr<Reach> reach, Node node, Timeouts timeout, TrustWish wish) {
    const StopToken never; // every phase has its deadline
    Way way(reach, timeout, never);
    auto make = [landscape = reach->landscape, node = std::move(node)] {
        return plan_login(node, landscape->options, *landscape->ssh_config.current());
    };
    auto made = co_await offload(reach->landscape->options.blocking, std::move(make));
    if (!made) co_return made.error();
    const auto plan = std::make_shared<const LoginPlan>(std::move(*made));
    const auto names = host_names(*plan);
    const auto key = co_await way.host_key(plan);
    if (!key) co_return Error{Errc::unavailable, way.unreached().message};
    auto settle = [landscape = reach->landscape, names, files = plan->known_hosts, key = *key, wish = std::move(wish)]() -> Result<HostKeyReport> {
        const auto& own = landscape->options.own_known_hosts;
        const auto record = landscape->known_hosts.find(names, files);
        if (!record) return record.error();
        auto report = report_host_key(names, key, *record, own);
        if (wish.fingerprint.empty() || (report.verdict == "known" && wish.fingerprint == report.fingerprint)) return report;
        if (auto fault = trust_fault(report, wish)) return *fault;
        const auto check = landscape->known_hosts.trust(names, key, files, wish.replace);
        if (!check) return check.error();
        if (check->verdict != HostVerdict::known)
            return Error{Errc::conflict, fmt::format("the key of {} is not recorded: {} at {}", report.listed_as,
                                                     to_string(check->verdict), check->place)};
        report.recorded = true;
        return report;
    };
    co_return co_await offload(reach->landscape->options.blocking, std::move(settle));
}

class SshConnector final : public Connector {
public:
    explicit SshConnector(SshOptions options) : reach_(std::make_shared<Reach>(std::move(options))) {}

    awaitable<Connected> connect(Node node, Timeouts timeout, StopToken stop,
                                 std::function<void(Phase)> entered) override {
        Connected connected;
        Way way(reach_, timeout, std::move(stop));
        auto live = co_await way.session(std::move(node), std::move(entered));
        connected.tried = way.tried();
        if (live) connected.remote = std::make_unique<SshRemote>(reach_, std::move(live));
        else connected.unreached = way.unreached();
        co_return connected;
    }

    awaitable<Result<std::vector<NodeSetting>>> describe(Node node) override {
        auto look = [landscape = reach_->landscape, node = std::move(node)]() -> Result<std::vector<NodeSetting>> {
            std::vector<NodeSetting> shown;
            const auto plan = plan_login(node, landscape->options, *landscape->ssh_config.current(), &shown);
            if (!plan) return plan.error();
            return shown;
        };
        co_return co_await offload(reach_->landscape->options.blocking, std::move(look));
    }

    awaitable<Result<HostKeyReport>> trust(Node node, Timeouts timeout, TrustWish wish) override {
        co_return co_await trust_host_key(reach_, std::move(node), timeout, std::move(wish));
    }

    std::size_t kept() const override { return reach_->pool.kept(); }

    awaitable<void> close() override {
        co_await reach_->pool.close();
        co_await reach_->bastions.close();
    }

private:
    std::shared_ptr<Reach> reach_;
};

} // namespace

std::unique_ptr<Connector> create_ssh_connector(SshOptions options) {
    return std::make_unique<SshConnector>(std::move(options));
}

} // namespace loom
