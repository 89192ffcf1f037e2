#include "ssh/connector.hpp"

#include "ssh/dial.hpp"
#include "ssh/exec.hpp"

namespace loom {

namespace {

class SshRemote final : public Remote {
public:
    explicit SshRemote(std::shared_ptr<Session> session) : session_(std::move(session)) {}
    ~SshRemote() override { session_->kill(); }

    awaitable<Outcome> exec(ExecRequest request, StopToken stop) override {
        co_return co_await run_command(session_, std::move(request), std::move(stop));
    }

    awaitable<void> close() override {
        session_->disconnect();
        co_return;
    }

private:
    std::shared_ptr<Session> session_;
};

class SshConnector final : public Connector {
public:
    explicit SshConnector(SshOptions options) : landscape_(std::make_shared<Landscape>(std::move(options))) {}

    awaitable<Connected> connect(Node node, Timeouts timeout, StopToken stop,
                                 std::function<void(Phase)> entered) override {
        const auto executor = co_await asio::this_coro::executor;
        Connected connected;
        auto plan = plan_login(node, landscape_->options);
        if (!plan) {
            connected.unreached.phase = Phase::resolve;
            connected.unreached.message = plan.error().message;
            co_return connected;
        }
        Dial dial(landscape_, executor, std::move(*plan), timeout, std::move(stop), std::move(entered));
        auto session = co_await dial.run();
        if (session) connected.remote = std::make_unique<SshRemote>(std::move(session));
        else connected.unreached = dial.unreached();
        co_return connected;
    }

private:
    std::shared_ptr<Landscape> landscape_;
};

} // namespace

std::unique_ptr<Connector> create_ssh_connector(SshOptions options) {
    return std::make_unique<SshConnector>(std::move(options));
}

} // namespace loom
