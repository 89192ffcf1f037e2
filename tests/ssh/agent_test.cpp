#include "core/async/scope.hpp"
#include "core/base/base64.hpp"
#include "ssh/agent.hpp"
#include "ssh/login_rig.hpp"
#include "ssh/private_key.hpp"
#include "ssh/public_key.hpp"
#include "ssh/wire.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <openssl/evp.h>
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

std::string sha256(std::string_view bytes) {
    std::string digest(32, '\0');
    EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha256(), nullptr);
    return digest;
}

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

TEST_CASE("a security key logs in through the agent") {
    // The key itself is a stand-in: what a real one signs is made as sshd checks it (OpenSSH's PROTOCOL.u2f).
    const std::string type = "sk-ssh-ed25519@openssh.com", application = "ssh:";
    const std::string seed(32, '\x07');
    const std::shared_ptr<EVP_PKEY> key(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(seed.data()), seed.size()),
        &EVP_PKEY_free);
    std::string point(32, '\0');
    auto size = point.size();
    REQUIRE(EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(point.data()), &size) == 1);
    std::string blob;
    for (const auto& part : {type, point, application}) put_text(blob, part);

    const auto answer = [&](const std::string& request) {
        std::string reply;
        if (request.front() == '\x0b') {
            reply = std::string("\x0c\0\0\0\1", 5);
            put_text(reply, blob);
            put_text(reply, "yubi");
            return framed(reply);
        }
        WireReader reader(request);
        reader.byte();
        reader.text(); // the key
        const auto touched_once = std::string("\1\0\0\0\5", 5); // the flag of presence, and the counter
        const auto bytes = sha256(application) + touched_once + sha256(reader.text());
        std::string made(64, '\0'), signature;
        auto made_size = made.size();
        const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
        EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get());
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(made.data()), &made_size,
                       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
        put_text(signature, type);
        put_text(signature, made);
        reply = "\x0e";
        put_text(reply, signature + touched_once);
        return framed(reply);
    };
    Rig rig;
    const FakeAgent agent(rig.folder.path("agent"), answer);
    const TestSshd server(rig.folder, "PasswordAuthentication no\n");
    rig.folder.write("authorized_keys", type + " " + base64_encode(blob) + "\n");
    rig.environment = {{"SSH_AUTH_SOCK", rig.folder.path("agent")}};
    const auto connected = rig.connect(server.node());
    INFO(connected.unreached.message << server.log());
    CHECK(connected.remote);
    CHECK(connected.tried.find("publickey yubi of ssh-agent (ED25519-SK ") != std::string::npos);
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
