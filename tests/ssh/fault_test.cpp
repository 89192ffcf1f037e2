// What a server does wrong at each step of the protocol, and what Loom makes of it.
#include "core/async/scope.hpp"
#include "fleet/server.hpp"
#include "ssh/rig.hpp"

#include <poll.h>
#include <spdlog/fmt/fmt.h>

using namespace loom;
using namespace loom::ssh_test;
using namespace std::chrono_literals;

namespace {

using fleet::Fault;
using fleet::Kind;
using fleet::Step;

struct Cell {
    Fault fault;
    Node node;
    Unreached unreached;
    bool reached = false, ended = false;
    Outcome outcome;

    std::string text() const {
        if (!reached)
            return fmt::format("{}: {}, cause {}, phase {}: {}", fleet::to_string(fault), to_string(unreached.state),
                               to_string(unreached.cause), to_string(unreached.phase), unreached.message);
        return fmt::format("{}: {}, phase {}: {}", fleet::to_string(fault), to_string(outcome.state),
                           to_string(outcome.phase), outcome.message);
    }
};

bool ends_the_connection(Kind kind) { return kind == Kind::reset || kind == Kind::close; }

/// Only the wait that is expected to end by its deadline is short, so that a slow machine does not end another one.
constexpr auto brief = 300ms, ample = 60'000ms;

Timeouts timeouts_of(const Cell& cell, bool connecting) {
    const bool waits = !ends_the_connection(cell.fault.kind) && cell.fault.kind != Kind::refuse;
    const auto step = waits ? cell.fault.step : Step::none;
    Timeouts timeout;
    timeout.connect = timeout.handshake = timeout.auth = timeout.command = ample;
    timeout.grace = 0ms;
    if (connecting) {
        if (step >= Step::connect && step <= Step::service) timeout.handshake = brief;
        if (step == Step::auth) timeout.auth = brief;
    } else {
        if (step >= Step::auth && step <= Step::exec) timeout.auth = brief; // the answer to the request
        if (step >= Step::data) timeout.idle = brief;
    }
    return timeout;
}

/// libssh2 asks for the authentication service as a part of its handshake.
void check_handshake(const Cell& cell) {
    CHECK(!cell.reached);
    CHECK(cell.unreached.state == NodeState::unreachable);
    CHECK(!cell.unreached.message.empty());
    const bool ended = ends_the_connection(cell.fault.kind);
    if (ended || cell.fault == Fault{Step::banner, Kind::refuse}) CHECK(cell.unreached.retry);
    else if (cell.fault.kind != Kind::refuse) CHECK(!cell.unreached.retry);
    // A reset that overtakes our look at the new connection is one of the connect.
    if (ended && cell.fault.step == Step::connect && cell.unreached.phase == Phase::connect) return;
    CHECK(cell.unreached.cause == Cause::handshake);
    CHECK(cell.unreached.phase == Phase::handshake);
}

void check_auth(const Cell& cell) {
    // A success with something behind it is a success to libssh2; but nothing comes of it.
    if (cell.fault.kind == Kind::nonsense && cell.reached) {
        CHECK((cell.outcome.state == NodeState::timed_out || cell.outcome.state == NodeState::lost));
        return;
    }
    CHECK(!cell.reached);
    CHECK(cell.unreached.state == NodeState::unreachable);
    CHECK(cell.unreached.phase == Phase::auth);
    // A packet that cannot be read ends the connection as well.
    const bool ended = ends_the_connection(cell.fault.kind) || cell.fault.kind == Kind::garbage ||
                       cell.fault.kind == Kind::oversize;
    CHECK(cell.unreached.cause == (ended ? Cause::handshake : Cause::auth));
    CHECK(cell.unreached.retry == ended);
}

void check_exec(const Cell& cell) {
    CHECK(cell.reached);
    const bool answers = cell.fault.step == Step::channel_open || cell.fault.step == Step::exec;
    const auto state = cell.outcome.state;
    // One deadline covers the opening and the request: on a slow machine it may end the former already.
    if (cell.fault.step == Step::channel_open) CHECK(cell.outcome.phase == Phase::open);
    else if (state != NodeState::timed_out) CHECK(cell.outcome.phase == Phase::command);
    CHECK(!cell.outcome.message.empty());
    switch (cell.fault.kind) {
    case Kind::reset:
    case Kind::close: CHECK(state == NodeState::lost); break;
    case Kind::hang:
    case Kind::drip:
    case Kind::endless: CHECK(state == NodeState::timed_out); break;
    case Kind::refuse: CHECK(state == (answers ? NodeState::failed : NodeState::lost)); break;
    case Kind::garbage:
    case Kind::nonsense:
    case Kind::oversize: // seen to be broken at once or not at all
        CHECK((state == NodeState::lost || state == NodeState::timed_out));
        break;
    }
}

} // namespace

TEST_CASE("a node without SFTP says so to each transfer, whether or not it was asked before") {
    fleet::Options options;
    options.accept_any_key = true;
    fleet::FleetServer server(options);
    Rig rig;
    auto node = Rig::node();
    node.address = "127.0.0.1";
    node.port = server.port();
    rig.pool_idle = std::chrono::minutes(1);
    const auto reaches = rig.connector();
    std::vector<std::string> said;
    rig.run([&]() -> awaitable<void> {
        const StopToken none;
        const Timeouts timeout;
        for (int i = 0; i < 2; ++i) {
            auto connected = co_await reaches->connect(node, timeout, none, nullptr);
            if (!connected.remote) co_return;
            PutRequest request;
            request.sources = {"/etc/hostname"};
            request.destination = "/tmp/never";
            const auto outcome = co_await connected.remote->put(std::move(request), none);
            said.push_back(outcome.message);
            co_await connected.remote->close();
        }
        co_await reaches->close();
    });
    REQUIRE(said.size() == 2);
    for (const auto& message : said) CHECK(message.find("offers no SFTP") != message.npos);
}

TEST_CASE("a server that misbehaves at any step is told from a sound one, in time, and harms no other") {
    std::vector<Cell> cells;
    fleet::Options options;
    options.address.clear();
    const auto add = [&](Fault fault) {
        Cell cell;
        cell.fault = fault;
        cell.node = Rig::node();
        cell.node.address = fmt::format("127.66.{}.1", cells.size());
        if (fault.step != Step::none) options.faults.push_back({cell.node.address, 100, ~0ULL, fault});
        cells.push_back(std::move(cell));
    };
    for (std::size_t step = 1; step < fleet::step_names.size(); ++step) {
        for (std::size_t kind = 0; kind < fleet::kind_names.size(); ++kind)
            add({static_cast<Step>(step), static_cast<Kind>(kind)});
        add({}); // a sound node among them
    }
    fleet::FleetServer server(options);
    Rig rig;
    const auto reaches = rig.connector();
    rig.run([&]() -> awaitable<void> {
        const auto executor = co_await asio::this_coro::executor;
        Scope scope(executor);
        for (auto& each : cells) {
            auto attempt = [&server, &reaches, cell = &each]() -> awaitable<void> {
                cell->node.port = server.port();
                const auto timeout = timeouts_of(*cell, true);
                auto connected = co_await reaches->connect(cell->node, timeout, StopToken(), nullptr);
                cell->unreached = connected.unreached;
                cell->reached = connected.remote != nullptr;
                if (cell->reached) {
                    ExecRequest request;
                    request.command = "cat";
                    request.input.assign(cell->fault.step == Step::window ? 1'000'000 : 10, 'x');
                    request.timeout = timeouts_of(*cell, false);
                    cell->outcome = co_await connected.remote->exec(request, StopToken());
                    co_await connected.remote->close();
                }
                cell->ended = true;
            };
            scope.spawn(make_strand(rig.io.get_executor()), std::move(attempt));
        }
        co_await scope.join();
    });
    for (const auto& cell : cells) {
        INFO(cell.text());
        CHECK(cell.ended);
        if (cell.fault.step == Step::none) {
            CHECK(cell.outcome.state == NodeState::ok);
            CHECK(cell.outcome.out.text == "xxxxxxxxxx");
        } else if (cell.fault.step <= Step::service) {
            check_handshake(cell);
        } else if (cell.fault.step == Step::auth) {
            check_auth(cell);
        } else {
            check_exec(cell);
        }
    }
    // The simulator sees every connection end: no session was left behind.
    for (int i = 0; i < 6000 && server.counters().open > 0; ++i) ::poll(nullptr, 0, 10);
    CHECK(server.counters().open == 0);
}
