#include "app/worker/messages.hpp"

#include "app/worker/limits.hpp"
#include "app/worker/node_requests.hpp"
#include "support/catch.hpp"

#include <boost/json.hpp>
#include <fcntl.h>

using namespace loom;

namespace {

Result<WorkerRequest> read(const char* text, bool file = false) {
    Descriptor sent;
    if (file) sent = Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return read_request(boost::json::parse(text).as_object(), std::move(sent), 7);
}

} // namespace

TEST_CASE("a worker's requests are read") {
    const auto run = read(R"({"call":7,"id":1,"do":"run","command":"uptime","stream":true,"sudo":{"user":"www"},"timeout":1.5})");
    REQUIRE(run.has_value());
    CHECK(run->command == "uptime");
    CHECK(run->stream);
    CHECK(run->sudo_user == "www");
    CHECK(run->timeout == Milliseconds(1500));
    const auto put = read(R"({"call":7,"id":2,"do":"put","path":"/etc/motd","mode":420,"content":"aGk="})");
    REQUIRE(put.has_value());
    CHECK(put->content == "hi");
    CHECK(put->mode == 0644);
    CHECK(bool(read(R"({"call":7,"id":3,"do":"put","path":"/x","fd":true})", true)->file));
    CHECK(read(R"({"call":7,"id":4,"do":"stat","path":"/x","later":"unknown keys are for later versions"})").has_value());
}

TEST_CASE("a request that is none is told apart") {
    for (const auto& [text, message] : std::vector<std::pair<const char*, const char*>>{
             {R"({"id":1,"do":"run","command":"x"})", "a request without the numbers of its call and of itself"},
             {R"({"call":8,"id":1,"do":"run","command":"x"})", "a request for call 8, while call 7 is served"},
             {R"({"call":7,"id":1,"do":"erase","path":"/"})", "\"do\": expected run, put, get or stat"},
             {R"({"call":7,"id":1,"do":"run"})", "\"command\": expected shell text without a NUL"},
             {R"({"call":7,"id":1,"do":"run","command":"a\u0000b"})", "\"command\": expected shell text without a NUL"},
             {R"({"call":7,"id":1,"do":"run","command":["ls"]})", "\"command\": expected text"},
             {R"({"call":7,"id":1,"do":"run","command":"x","sudo":"root"})", "\"sudo\": expected {\"user\": …}"},
             {R"({"call":7,"id":1,"do":"run","command":"x","sudo":{"user":"-s"}})", "\"sudo\": expected a user's name"},
             {R"({"call":7,"id":1,"do":"run","command":"x","timeout":-1})", "\"timeout\": expected seconds"},
             {R"({"call":7,"id":1,"do":"put","path":"/x"})", "expected \"content\" or a descriptor"},
             {R"({"call":7,"id":1,"do":"put","path":"/x","content":"%%"})", "\"content\": expected base64 of 1 MiB at most"},
             {R"({"call":7,"id":1,"do":"put","path":"","content":""})", "\"path\": expected a path"},
             {R"({"call":7,"id":1,"do":"put","path":"/x","content":"","mode":9999})", "\"mode\": expected permissions"},
         })
        CHECK(read(text).error().message == message);
}

TEST_CASE("a command's reply fits into a frame whatever it printed") {
    Outcome outcome;
    outcome.state = NodeState::ok;
    outcome.exit_status = 0;
    outcome.out.text = std::string(limits::output_bytes, '\x01');
    outcome.err.text = std::string(limits::output_bytes, '\xff');
    const auto reply = run_reply(outcome);
    CHECK(boost::json::serialize(reply).size() < worker_limits::frame_bytes);
    CHECK(reply.at("dropped").to_number<std::uint64_t>() > 0);
    outcome.out.text = "fine\n";
    outcome.err = {};
    CHECK(run_reply(outcome).at("out") == "fine\n");
    CHECK(run_reply(outcome).at("dropped").to_number<std::uint64_t>() == 0);
}

TEST_CASE("what a node says of a path is read") {
    CHECK(read_stat("81a4 1024 1700000000\n")->at("kind") == "file");
    CHECK(read_stat("81a4 1024 1700000000\n")->at("mode").to_number<int>() == 0644);
    CHECK(read_stat("41ed 4096 1700000000\n")->at("kind") == "folder");
    CHECK(read_stat("2190 0 0\n")->at("kind") == "other");
    CHECK(read_stat("none\n")->at("kind") == "none");
    CHECK_FALSE(read_stat("81a4 1024").has_value());
    CHECK_FALSE(read_stat("Last login: today").has_value());
    CHECK(stat_command("/a 'b").value().find("'/a '\\''b'") != std::string::npos);
    CHECK(stat_command("-rf").value().ends_with("./-rf"));
}
