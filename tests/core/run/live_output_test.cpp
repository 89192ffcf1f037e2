#include "core/run/engine_rig.hpp"
#include "core/base/limits.hpp"
#include "core/base/utf8.hpp"
#include "core/run/live_output.hpp"
#include "support/catch.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

constexpr std::string_view smile = "\xf0\x9f\x98\x80";

/// A node that prints, waits for the fleet to open, and prints again.
void hold(EngineRig& rig, const std::string& name, std::string prints, std::string then) {
    auto& node = rig.fleet.nodes[name];
    node.hold = true;
    node.prints = std::move(prints);
    node.prints_then = std::move(then);
}

NodeOutputQuery query_of(const RunView& run, const std::string& node, std::string wait = {}) {
    NodeOutputQuery query;
    query.id = run.id;
    query.node = node;
    query.wait = std::move(wait);
    return query;
}

NodeOutputQuery after(NodeOutputQuery query, const NodeOutputPiece& piece) {
    query.attempts = piece.result.attempts;
    query.out = piece.out.next;
    query.err = piece.err.next;
    return query;
}

/// What a listener is told of a run until its end: `n01 [0] text` for output, else the event's type and its node.
awaitable<std::vector<std::string>> told(Engine& engine, std::string id, std::function<void()> begun) {
    WatchRun request;
    request.id = std::move(id);
    request.output = true;
    auto stream = co_await engine.watch(std::move(request));
    std::vector<std::string> all;
    for (bool first = true;; first = false) {
        const auto event = co_await (*stream)->next();
        if (first) begun();
        if (!event) break;
        if (event->type == "node.output") {
            all.push_back(std::string(event->data.at("node").as_string()) + " [" + std::to_string(event->data.at("offset").to_number<int>()) + "] " +
                          std::string(event->data.at("text").as_string()));
        } else if (event->type == "node.finished") {
            all.push_back(std::string(event->data.at("result").at("node").as_string()) + " ends");
        } else if (event->type != "nodes.started") {
            all.push_back(event->type);
        }
    }
    co_return all;
}

} // namespace

TEST_CASE("a piece of output begins where it was asked for, and cuts no character in two") {
    struct Row {
        std::string text;
        std::uint64_t asked;
        bool ended;
        std::uint64_t offset;
        std::string bytes;
    };
    const std::string s(smile);
    const Row rows[] = {
        {"abc", 0, false, 0, "abc"},
        {"abc", 2, false, 2, "c"},
        {"abc", 3, false, 3, ""},
        {"abc", 9, false, 3, ""}, // beyond the end: what comes then
        {"a" + s, 0, false, 0, "a" + s},
        {"a" + s.substr(0, 3), 0, false, 0, "a"},
        {"a" + s.substr(0, 1), 1, false, 1, ""},
        {"a" + s.substr(0, 3), 0, true, 0, "a" + s.substr(0, 3)}, // no more of it comes
        {"a\x80\x80\x80\x80", 0, false, 0, "a\x80\x80\x80\x80"}, // no character at all
        {"a\xff", 0, false, 0, "a"}, // may be anything, for one round
    };
    for (const auto& row : rows) {
        CAPTURE(row.text, row.asked);
        NodeText text;
        text.attempts = 1;
        text.out = row.text;
        text.ended = row.ended;
        const auto pieces = pieces_of(text, {1, row.asked, 0});
        CHECK(pieces.out.offset == row.offset);
        CHECK(pieces.out.bytes == row.bytes);
        CHECK(pieces.next == OutputPlace{1, row.offset + row.bytes.size(), 0});
        CHECK(pieces.last == row.ended);
    }
}

TEST_CASE("long output is read in pieces to its last byte") {
    std::string long_text;
    while (long_text.size() < 3 * output_piece_bytes) long_text += smile;
    long_text = "ab" + long_text; // so that a bound lies within a character
    NodeText text;
    text.attempts = 1;
    text.out = text.err = long_text;
    text.ended = true;
    OutputPlace place;
    std::string out, err;
    for (bool last = false; !last;) {
        const auto pieces = pieces_of(text, place);
        REQUIRE(pieces.out.bytes.size() <= output_piece_bytes);
        CHECK(decode_utf8(pieces.out.bytes).valid);
        out += pieces.out.bytes;
        err += pieces.err.bytes;
        place = pieces.next;
        last = pieces.last;
    }
    CHECK(out == long_text);
    CHECK(err == long_text);
}

TEST_CASE("a task that was run again is read from its beginning, once it prints") {
    LiveOutputs live;
    EventBus bus;
    const std::string run = "r", node = "n", other = "silent";
    {
        NodeTap tap(live, bus, run, node), silent(live, bus, run, other);
        (void)silent.begin(1);
        CHECK(!live.read(run, node, {}));
        tap.begin(1)->add(false, "first try");
        const auto before = live.read(run, node, {})->next;
        const auto again = tap.begin(2);
        CHECK(live.read(run, node, before)->empty());
        CHECK(live.read(run, node, {})->out.bytes == "first try");
        again->add(false, "second try, and more");
        const auto pieces = live.read(run, node, before);
        CHECK(pieces->out.offset == 0);
        CHECK(pieces->out.bytes == "second try, and more");
        CHECK(live.nodes(run) == std::vector{node});
    }
    CHECK(!live.read(run, node, {}));
    CHECK(live.nodes(run).empty());
}

TEST_CASE("a node's output is read while it prints, and its rest when it has ended") {
    EngineRig rig("  j: {command: x, targets: 'n[01-02]'}\n");
    hold(rig, "n01", "one\n\xf0\x9f", "\x98\x80two");
    const auto run = rig.start("j");
    rig.fleet.wait_for_holding(1);
    const auto first = rig.wait(rig.engine->output_piece(query_of(run, "n01"))).value();
    CHECK(first.out.text == "one\n");
    CHECK(first.out.next == 4);
    CHECK(first.result.state == "running");
    CHECK(first.result.attempts == 1);
    CHECK(!first.ended);

    const auto rest = after(query_of(run, "n01", "5m"), first);
    auto waiting = [&]() -> awaitable<NodeOutputPiece> {
        rig.fleet.open();
        auto piece = co_await rig.engine->output_piece(rest);
        co_return std::move(*piece);
    };
    auto second = rig.wait(waiting());
    if (!second.ended) { // the node had printed, and its result was not recorded yet
        CHECK(second.out.text == std::string(smile) + "two");
        second = rig.wait(rig.engine->output_piece(after(rest, second))).value();
        CHECK(second.out.text.empty());
    } else {
        CHECK(second.out.text == std::string(smile) + "two");
    }
    CHECK(second.ended);
    CHECK(second.result.state == "ok");
    CHECK(second.out.next == 11);
    CHECK(rig.end(run).state == "ok");
    // Afterwards from the ledger, from wherever.
    auto later = query_of(run, "n01", "5m");
    later.attempts = 1;
    later.out = 8;
    CHECK(rig.wait(rig.engine->output_piece(later)).value().out.text == "two");
    CHECK(rig.wait(rig.engine->output_piece(query_of(run, "n02", "5m"))).value().ended);
    CHECK(rig.wait(rig.engine->output_piece(query_of(run, "n09"))).error().code == Errc::not_found);
    CHECK(rig.wait(rig.engine->output_piece(query_of(run, "n01", "9h"))).error().code == Errc::usage);
}

TEST_CASE("what a task has printed is read while it waits to be run again") {
    EngineRig rig("  j: {command: x, targets: n01, retry: {task: 1, backoff: 1h..1h}}\n");
    rig.fleet.nodes["n01"].prints = "in vain";
    rig.fleet.nodes["n01"].exits = {1};
    const auto run = rig.start("j");
    const auto piece = rig.wait(rig.engine->output_piece(query_of(run, "n01", "5m"))).value();
    CHECK(piece.out.text == "in vain");
    const auto more = rig.wait(rig.engine->output_piece(after(query_of(run, "n01", "20ms"), piece))).value();
    CHECK(more.out.text.empty());
    CHECK(more.out.next == 7);
    CHECK(!more.ended);
    CHECK(rig.wait(rig.engine->output_piece(query_of(run, "n01"))).value().out.text == "in vain");
    rig.cancel(run);
    CHECK(rig.end(run).counts.at("failed") == 1);
}

TEST_CASE("who waits for output that does not come is answered in time, and when the node ends") {
    EngineRig rig("  j: {command: x, targets: n01}\n");
    hold(rig, "n01", "", "");
    const auto run = rig.start("j");
    rig.fleet.wait_for_holding(1);
    const auto nothing = rig.wait(rig.engine->output_piece(query_of(run, "n01", "20ms"))).value();
    CHECK(nothing.out.text.empty());
    CHECK(!nothing.ended);
    auto waiting = [&]() -> awaitable<NodeOutputPiece> {
        rig.fleet.open();
        const auto query = query_of(run, "n01", "5m");
        auto piece = co_await rig.engine->output_piece(query);
        co_return std::move(*piece);
    };
    CHECK(rig.wait(waiting()).ended);
}

TEST_CASE("who follows a run closely gets what its nodes print, from their beginning and before their end") {
    EngineRig rig("  j: {command: x, targets: 'n[01-03]'}\n");
    hold(rig, "n01", "one ", "two \xe2\x82");
    hold(rig, "n02", "", "late");
    hold(rig, "n03", "", "");
    const auto run = rig.start("j");
    rig.fleet.wait_for_holding(3);
    const auto all = rig.wait(told(*rig.engine, run.id, [&] { rig.fleet.open(); }));
    const auto text_of_node = [&](const std::string& node) {
        std::string text;
        for (const auto& one : all)
            if (one.starts_with(node)) text += one.substr(4) + "|";
        return text;
    };
    CHECK(all.front() == "snapshot");
    CHECK(all.back() == "run.finished");
    const auto first = text_of_node("n01");
    // In how many pieces depends on how soon it is heard; each says where it begins.
    std::string whole;
    std::size_t pieces = 0;
    for (const auto& one : all) {
        if (!one.starts_with("n01 [")) continue;
        const auto end = one.find("] ");
        ++pieces;
        CAPTURE(first);
        CHECK(one.substr(5, end - 5) == std::to_string(whole.size()));
        whole += one.substr(end + 2);
    }
    CAPTURE(first);
    CHECK(whole == "one two \\xe2\\x82");
    CHECK(first.ends_with("|ends|"));
    CHECK(pieces > 0);
    CHECK(text_of_node("n02") == "[0] late|ends|");
    CHECK(text_of_node("n03") == "ends|");
}

TEST_CASE("a listener that is slow loses events, and never that a node has printed") {
    asio::thread_pool pool(1);
    EventBus bus;
    const std::string run = "r";
    CHECK(!bus.followed_closely());
    {
        auto stream = bus.subscribe(run, pool.get_executor(), true);
        const auto plain = bus.subscribe(run, pool.get_executor());
        CHECK(bus.followed_closely());
        for (std::size_t i = 0; i < 2 * limits::event_queue; ++i) bus.publish(run, "nodes.started", {});
        for (int i = 0; i < 3; ++i) bus.mark_printed(run, "n1");
        bus.tell_closely(run, "node.phase", {});
        bus.finish(run);
        const auto count = [&](EventStream& from) -> awaitable<std::map<std::string, std::size_t>> {
            std::map<std::string, std::size_t> types;
            while (true) {
                const auto event = co_await from.next();
                if (!event) break;
                ++types[event->type];
            }
            co_return types;
        };
        CHECK(block_on(pool.get_executor(), count(*stream)) ==
              std::map<std::string, std::size_t>{{"nodes.started", limits::event_queue}, {"node.printed", 1}, {"gap", 1}});
        CHECK(block_on(pool.get_executor(), count(*plain)) ==
              std::map<std::string, std::size_t>{{"nodes.started", limits::event_queue}, {"gap", 1}});
    }
    CHECK(!bus.followed_closely());
    pool.join();
}
