#include "core/async/scope.hpp"
#include "ssh/agent.hpp"
#include "ssh/login_rig.hpp"
#include "ssh/private_key.hpp"
#include "ssh/public_key.hpp"
#include "ssh/wire.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

using namespace loom;
using namespace loom::ssh_test;
using namespace std::chrono_literals;

namespace {

using Protocol = asio::local::stream_protocol;

/// An agent of the test's own: gives each request to `answer` and sends what that gives, and closes where it is empty.
class FakeAgent {
public:
    FakeAgent(const std::string& path, std::function<std::string(const std::string&)> answer)
        : answer_(std::move(answer)), acceptor_(io_, Protocol::endpoint(path)) {
        asio::co_spawn(io_, [this] { return accept(); }, [](std::exception_ptr) {});
        thread_ = std::jthread([this] { io_.run(); });
    }
    ~FakeAgent() {
        io_.stop();
        thread_.join();
    }
    std::atomic<int> connections{0};

private:
    awaitable<void> accept() {
        for (;;) {
            auto [ec, socket] = co_await acceptor_.async_accept(tup);
            if (ec) co_return;
            ++connections;
            auto kept = std::make_shared<Protocol::socket>(std::move(socket));
            auto served = serve(kept);
            asio::co_spawn(io_, std::move(served), [](std::exception_ptr) {});
        }
    }
    awaitable<void> serve(std::shared_ptr<Protocol::socket> socket) {
        for (;;) {
            char head[4];
            auto [ec, size] = co_await asio::async_read(*socket, asio::buffer(head), tup);
            if (ec) co_return;
            WireReader reader(std::string_view(head, 4));
            std::string request(reader.number(), '\0');
            auto [failed, all] = co_await asio::async_read(*socket, asio::buffer(request), tup);
            if (failed) co_return;
            const auto reply = answer_(request);
            if (reply.empty()) co_return;
            auto [unsent, sent] = co_await asio::async_write(*socket, asio::buffer(reply), tup);
            if (unsent) co_return;
        }
    }

    std::function<std::string(const std::string&)> answer_;
    asio::io_context io_;
    Protocol::acceptor acceptor_;
    std::jthread thread_;
};

std::string framed(const std::string& reply) {
    std::string bytes;
    put_text(bytes, reply);
    return bytes;
}

const std::string no_keys("\x0c\0\0\0\0", 5);

Result<std::vector<AgentKey>> keys_of(Rig& rig, Agent& agent, StopToken stop = {}) {
    Result<std::vector<AgentKey>> keys = Error{};
    rig.run([&]() -> awaitable<void> { keys = co_await agent.keys(stop); });
    return keys;
}

} // namespace

TEST_CASE("an ssh-agent lists its keys and signs by the algorithm asked for") {
    Rig rig;
    const TestAgent real(rig.folder);
    const auto agent = std::make_shared<Agent>(real.socket());
    CHECK(keys_of(rig, *agent).value().empty());
    for (const char* type : {"ed25519", "ecdsa", "rsa"}) real.add(make_key(rig.folder, type, type));
    const auto keys = keys_of(rig, *agent).value();
    REQUIRE(keys.size() == 3);
    CHECK(keys[2].blob == public_key_of_line(public_line(rig.folder.path("rsa"))).value());
    CHECK(keys[2].comment == "rsa");
    rig.run([&]() -> awaitable<void> {
        const StopToken never;
        for (const char* algorithm : {"rsa-sha2-256", "rsa-sha2-512"}) {
            const auto signature = co_await agent->sign(keys[2].blob, "text", algorithm, never);
            CHECK(signature.value().size() == 384);
        }
        // What this very key signs in the file is the same: PKCS#1 has no randomness.
        const auto by_agent = co_await agent->sign(keys[2].blob, "text", "rsa-sha2-512", never);
        const auto from_file = open_private_key(read_text(rig.folder.path("rsa")), Secret());
        CHECK(by_agent.value() == from_file.value().sign("rsa-sha2-512", "text").value());
        const auto unknown = co_await agent->sign("no key", "text", "ssh-ed25519", never);
        CHECK(unknown.error().message == "ssh-agent refused to sign");
    });
}

TEST_CASE("many dials share a few connections to an agent") {
    Rig rig;
    FakeAgent fake(rig.folder.path("fake"), [](const std::string&) { return framed(no_keys); });
    const auto agent = std::make_shared<Agent>(rig.folder.path("fake"));
    std::atomic<int> answered = 0;
    rig.run([&]() -> awaitable<void> {
        Scope scope(co_await asio::this_coro::executor);
        for (int i = 0; i < 200; ++i) {
            auto ask = [&, agent]() -> awaitable<void> {
                const StopToken never;
                const auto keys = co_await agent->keys(never);
                if (keys) ++answered;
            };
            scope.spawn(make_strand(rig.io.get_executor()), std::move(ask));
        }
        co_await scope.join();
    }, 2);
    CHECK(answered == 200);
    CHECK(fake.connections <= static_cast<int>(limits::agent_connections));
}

TEST_CASE("an agent that misbehaves is an error within its time") {
    Rig rig;
    const auto path = rig.folder.path("fake");
    const auto agent = std::make_shared<Agent>(path);
    CHECK(keys_of(rig, *agent).error().message == "cannot reach ssh-agent at " + path + ": No such file or directory");
    struct Row {
        std::string reply, message;
    };
    const auto row = GENERATE(values<Row>({
        {std::string("\x7f\xff\xff\xff", 4), "ssh-agent answered with something that cannot be understood"},
        {std::string(4, '\0'), "ssh-agent answered with something that cannot be understood"},
        {framed("\x63"), "ssh-agent answered with something that cannot be understood"},
        {framed("\x0c\xff"), "ssh-agent answered with something that cannot be understood"},
        {framed("\x05"), "ssh-agent refused to list its keys"},
        {"", ": End of file"},
    }));
    const FakeAgent fake(path, [&](const std::string&) { return row.reply; });
    CHECK(keys_of(rig, *agent).error().message.ends_with(row.message));
}

TEST_CASE("a stop ends the wait for an agent that does not answer") {
    Rig rig;
    const StopToken stop;
    const FakeAgent fake(rig.folder.path("fake"), [&](const std::string&) {
        stop.request(StopReason::cancelled);
        return std::string("\0", 1); // the beginning of a length, and no more
    });
    const auto agent = std::make_shared<Agent>(rig.folder.path("fake"));
    CHECK(keys_of(rig, *agent, stop).error().message == "ssh-agent at " + agent->socket() + " did not answer in time");
}

TEST_CASE("a kept connection to an agent that was started anew is replaced") {
    Rig rig;
    const auto path = rig.folder.path("fake");
    const auto agent = std::make_shared<Agent>(path);
    for (int i = 0; i < 2; ++i) {
        const FakeAgent fake(path, [](const std::string&) { return framed(no_keys); });
        CHECK(keys_of(rig, *agent).has_value());
        std::filesystem::remove(path);
    }
}
