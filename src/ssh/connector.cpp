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
        const auto& options = reach->landscape->options;
        return TransferPlace{live->session, options.blocking, options.home};
    }
};

/// Does the work on the session's strand.
awaitable<Outcome> on_session(std::shared_ptr<Reached> reached, std::function<awaitable<Outcome>()> work) {
    Outcome outcome;
    auto run = [&]() -> awaitable<void> {
        reached->in_order = true;
        outcome = co_await work();
        if (outcome.state != NodeState::ok && outcome.state != NodeState::changed && outcome.state != NodeState::failed)
            reached->in_order = false;
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
            auto outcome = co_await run_command(reached->live->session, std::move(request), std::move(stop));
            if (!outcome.exit_status && outcome.exit_signal.empty()) reached->in_order = false;
            co_return outcome;
        };
        const std::function<awaitable<Outcome>()> begun = std::ref(work);
        co_return co_await on_session(reached, begun);
    }

    awaitable<Outcome> put(PutRequest request, StopToken stop) override {
        const auto reached = reached_;
        auto work = [&]() -> awaitable<Outcome> {
            return put_files(reached->place(), std::move(request), std::move(stop));
        };
        const std::function<awaitable<Outcome>()> begun = std::ref(work);
        co_return co_await on_session(reached, begun);
    }

    awaitable<Outcome> get(GetRequest request, StopToken stop) override {
        const auto reached = reached_;
        auto work = [&]() -> awaitable<Outcome> {
            return get_files(reached->place(), std::move(request), std::move(stop));
        };
        const std::function<awaitable<Outcome>()> begun = std::ref(work);
        co_return co_await on_session(reached, begun);
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
    auto plan = co_await way.plan(std::move(node));
    if (!plan) co_return plan.error();
    const auto names = host_names(*plan);
    const auto files = plan->known_hosts;
    const auto key = co_await way.host_key(std::move(*plan));
    if (!key) co_return Error{Errc::unavailable, way.unreached().message};
    auto settle = [landscape = reach->landscape, names, files, key = *key, wish = std::move(wish)]() -> Result<HostKeyReport> {
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
        auto plan = co_await way.plan(std::move(node));
        if (!plan) {
            connected.unreached.phase = Phase::resolve;
            connected.unreached.message = plan.error().message;
            co_return connected;
        }
        auto live = co_await way.session(std::move(*plan), std::move(entered));
        connected.tried = way.tried();
        if (live) connected.remote = std::make_unique<SshRemote>(reach_, std::move(live));
        else connected.unreached = way.unreached();
        co_return connected;
    }

    awaitable<Result<std::vector<NodeSetting>>> describe(Node node) override {
        const StopToken never; // nothing is sent
        Way way(reach_, {}, never);
        auto plan = co_await way.plan(std::move(node));
        if (!plan) co_return plan.error();
        co_return std::move(plan->settings);
    }

    awaitable<Result<HostKeyReport>> trust(Node node, Timeouts timeout, TrustWish wish) override {
        co_return co_await trust_host_key(reach_, std::move(node), timeout, std::move(wish));
    }

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
