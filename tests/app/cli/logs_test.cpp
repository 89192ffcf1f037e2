#include "fake_service.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

Event output_event(const std::string& node, const std::string& stream, std::uint64_t offset, const std::string& text, int attempts = 1) {
    return cli_event("node.output", {{"node", node}, {"stream", stream}, {"attempts", attempts}, {"offset", offset}, {"text", text},
                                     {"next", offset + text.size()}});
}

NodeOutputPiece output_piece(const std::string& node, std::uint64_t offset, const std::string& text, bool ended = false, int attempts = 1) {
    NodeOutputPiece piece;
    piece.result.node = node;
    piece.result.state = ended ? "ok" : "running";
    piece.result.attempts = attempts;
    piece.out = {offset, offset + text.size(), text, 0};
    piece.ended = ended;
    return piece;
}

Event end_event(const std::string& node) {
    NodeResultView result;
    result.node = node;
    result.state = "ok";
    return cli_event("node.finished", {{"result", to_json(result)}});
}

/// A run that is going on, and ends with its stream.
void script_logs(CliBench& loom, std::vector<Event> events) {
    loom.script.run.id = loom.script.ended.id = "0198";
    loom.script.run.state = "running";
    loom.script.ended.state = "ok";
    loom.script.events = std::move(events);
    loom.script.events.insert(loom.script.events.begin(), cli_event("snapshot", to_json(loom.script.run)));
    loom.script.events.push_back(cli_event("run.finished", to_json(loom.script.ended)));
}

} // namespace

TEST_CASE("who follows a run sees the lines of its nodes as they come, each behind its node's name") {
    CliBench loom;
    script_logs(loom, {output_event("web1", "out", 0, "one\ntw"), output_event("web2", "out", 0, "other\r\n"), output_event("web1", "err", 0, "oh\n"),
                       output_event("web1", "out", 6, "o\nrest"), end_event("web1"), end_event("web2")});
    CHECK(loom({"logs", "last", "-f"}) == 0);
    CHECK(loom.out.str() == "web1: one\nweb2: other\nweb1: two\nweb1: rest\nweb1  ok\nweb2  ok\n");
    CHECK(holds(loom.err.str(), "web1: oh\n"));
    CHECK(loom.script.pieces_asked.empty());
}

TEST_CASE("what had ended before somebody follows is shown gathered, and not again") {
    CliBench loom;
    script_logs(loom, {output_event("web1", "out", 0, "again"), end_event("web1"), output_event("web2", "out", 0, "live\n"), end_event("web2")});
    loom.script.groups.items.resize(1);
    loom.script.groups.items[0].nodes = "web1";
    loom.script.groups.items[0].count = 1;
    loom.script.groups.items[0].state = "ok";
    loom.script.groups.items[0].out = "before\n";
    CHECK(loom({"logs", "last", "-f"}) == 0);
    CHECK(holds(loom.out.str(), "before\n"));
    CHECK(!holds(loom.out.str(), "again"));
    CHECK(!holds(loom.out.str(), "web1  ok"));
    CHECK(holds(loom.out.str(), "web2: live\nweb2  ok\n"));
}

TEST_CASE("output that was missed is asked for by its offset, and none is shown twice") {
    CliBench loom;
    script_logs(loom, {output_event("web1", "out", 0, "one\n"), output_event("web1", "out", 0, "one\n"), // as after a new beginning
                       output_event("web1", "out", 8, "tri\n"), output_event("web1", "out", 12, "four\n"),
                       output_event("web1", "out", 0, "anew\n", 2), end_event("web1")});
    loom.script.pieces = {output_piece("web1", 4, "two\ntri\n")};
    loom.script.pieces.push_back(output_piece("web1", 12, ""));
    CHECK(loom({"logs", "last", "-f"}) == 0);
    CHECK(loom.out.str() == "web1: one\nweb1: two\nweb1: tri\nweb1: four\nweb1: anew\nweb1  ok\n");
    REQUIRE(loom.script.pieces_asked.size() == 2);
    CHECK(loom.script.pieces_asked[0].id == "0198");
    CHECK(loom.script.pieces_asked[0].out == 4);
    CHECK(loom.script.pieces_asked[0].attempts == 1);
}

TEST_CASE("one node is followed byte by byte, and goes on where a connection broke") {
    CliBench loom;
    loom.remote = true;
    loom.script.pieces = {output_piece("web1", 0, "one\ntw"), Error{Errc::unavailable, "the line is down"}, output_piece("web1", 6, "o", true)};
    CHECK(loom({"logs", "0198", "web1", "-f"}) == 0);
    CHECK(loom.out.str() == "one\ntwo");
    CHECK(loom.err.str() == "the line is down; trying again\n");
    REQUIRE(loom.script.pieces_asked.size() == 3);
    for (const auto& query : loom.script.pieces_asked) CHECK(query.wait == "30s");
    CHECK(loom.script.pieces_asked[2].out == 6);
}

TEST_CASE("logs of a node that still runs are what it has printed so far") {
    CliBench loom;
    loom.script.output.result.state = "running";
    loom.script.pieces = {output_piece("web1", 0, "so far\n"), output_piece("web1", 7, "")};
    CHECK(loom({"logs", "0198", "web1"}) == 0);
    CHECK(loom.out.str() == "so far\n");
    CHECK(holds(loom.err.str(), "web1: is still running; go on: loom logs 0198 web1 --follow\n"));
}

TEST_CASE("logs of a node keep its streams apart and its bytes whole when nobody looks") {
    CliBench loom;
    loom.script.output.out = "one\x1b[2J";
    loom.script.output.err = "two\n";
    loom.script.output.result.node = "db3";
    loom.script.output.result.state = "failed";
    loom.script.output.result.exit_status = 2;
    CHECK(loom({"logs", "last", "db3"}) == 0);
    CHECK(loom.out.str() == "one\x1b[2J");
    CHECK(loom.err.str() == "two\ndb3: failed: exit 2\n");
    loom.out.str("");
    loom.context.streams.out_terminal = true;
    CHECK(loom({"logs", "last", "db3"}) == 0);
    CHECK(loom.out.str() == "one\n");
}

TEST_CASE("following a run prints each event as a line of JSON") {
    CliBench loom;
    loom.script.run.state = "running";
    loom.script.ended.state = "ok";
    NodeResultView result;
    result.node = "web1";
    result.state = "ok";
    loom.script.events = {cli_event("node.finished", {{"result", to_json(result)}}), cli_event("run.finished", to_json(loom.script.ended))};
    CHECK(loom({"logs", "last", "--follow", "-o", "json"}) == 0);
    std::istringstream lines(loom.out.str());
    std::vector<std::string> types;
    for (std::string line; std::getline(lines, line);)
        types.emplace_back(boost::json::parse(line).at("type").as_string());
    CHECK(types == std::vector<std::string>{"node.finished", "run.finished"});
}
