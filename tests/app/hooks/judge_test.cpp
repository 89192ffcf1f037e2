#include "hook_bench.hpp"

#include <boost/json.hpp>

using namespace loom;
using namespace loom::tests;

namespace {

using Kind = HookVerdict::Kind;

HookVerdict judged(const Hook& hook, std::string body, std::vector<std::pair<std::string, std::string>> headers = {}) {
    headers.emplace_back("X-GitHub-Delivery", "id-1");
    return judge_verified(hook, delivery_with(std::move(body), std::move(headers)));
}

/// The parameter `x` of `/x`, taken from a payload; or why not.
std::string taken(const std::string& rest, const std::string& value) {
    const auto hook = configured_hook("    parameters:\n      x: {payload: /x, " + rest + "}\n");
    const auto verdict = judged(hook, "{\"x\": " + value + "}");
    return verdict.kind == Kind::start ? boost::json::serialize(verdict.start.params) : verdict.why;
}

} // namespace

TEST_CASE("a delivery is denied without a word about which part is wrong") {
    const auto hook = configured_hook("    filter: [{payload: /ref, is: x}]\n");
    const auto verdict = judge(hook, delivery_with("no JSON", {}), hook_time);
    CHECK(verdict.kind == Kind::denied);
    CHECK(verdict.why == "the delivery is not signed as this hook expects");
    CHECK(judge(hook, delivery_with("no JSON", signed_headers(hook, "no JSON", "a", hook_time)), hook_time).kind == Kind::refused);
}

TEST_CASE("a filter lets through what meets all of its conditions") {
    const auto hook = configured_hook("    filter:\n"
                                      "      - {header: X-GitHub-Event, is: [push, create]}\n"
                                      "      - {payload: /ref, matches: 'refs/heads/.+'}\n"
                                      "      - {payload: /deleted, is: false}\n"
                                      "      - {payload: /commits/0/id, is: 7}\n");
    const std::string good = R"({"ref": "refs/heads/main", "deleted": false, "commits": [{"id": 7}]})";
    CHECK(judged(hook, good, {{"x-github-event", "push"}}).kind == Kind::start);
    const std::vector<std::pair<std::string, std::string>> rows{
        {R"({"ref": "refs/tags/v1", "deleted": false, "commits": [{"id": 7}]})", "payload /ref is \"refs/tags/v1\", expected refs/heads/.+"},
        {R"({"ref": "refs/heads/main", "deleted": true, "commits": [{"id": 7}]})", "payload /deleted is \"true\", expected false"},
        {R"({"ref": "refs/heads/main", "commits": [{"id": 7}]})", "payload /deleted has no value, expected false"},
        {R"({"ref": "refs/heads/main", "deleted": false, "commits": []})", "payload /commits/0/id has no value, expected 7"},
        {R"({"ref": {}, "deleted": false})", "payload /ref has no value, expected refs/heads/.+"},
    };
    for (const auto& [body, why] : rows) {
        const auto verdict = judged(hook, body, {{"X-GitHub-Event", "push"}});
        CHECK(verdict.kind == Kind::left_out);
        CHECK(verdict.why == why);
    }
    CHECK(judged(hook, good, {{"X-GitHub-Event", "issues"}}).why == "header X-GitHub-Event is \"issues\", expected push or create");
    const auto cut = judged(hook, "{\"ref\": \"" + std::string(99, 'a') + "\u00e9" + "\"}", {{"X-GitHub-Event", "push"}}).why;
    CHECK(cut == "payload /ref is \"" + std::string(99, 'a') + "\u2026\", expected refs/heads/.+"); // no half of a character
    CHECK(judged(hook, good).why == "header X-GitHub-Event has no value, expected push or create");
    CHECK(judged(hook, good, {{"X-GitHub-Event", "ping"}}).why == "it is a ping");
}

TEST_CASE("parameters are typed and checked") {
    const std::vector<std::array<std::string, 3>> rows{
        {"type: string", "\"main\"", R"({"x":"main"})"},
        {"type: string", "\"--upload-pack=x\"", "parameter \"x\": payload /x: expected text that begins with no dash, not \"--upload-pack=x\""},
        {"type: string", "\"a\\nb\"", "parameter \"x\": payload /x: expected text without control characters, not \"a?b\""},
        {"type: string", "\"a\\u0000b\"", "parameter \"x\": payload /x: expected text without control characters, not \"a?b\""},
        {"type: string", "7", "parameter \"x\": payload /x: expected text, not \"7\""},
        {"type: string", "[1]", "parameter \"x\": payload /x: expected text, not a list"},
        {"pattern: '[0-9a-f]{4}'", "\"12ab\"", R"({"x":"12ab"})"},
        {"pattern: '[0-9a-f]{4}'", "\"12ab;\"", "parameter \"x\": payload /x: expected text that matches [0-9a-f]{4}, not \"12ab;\""},
        {"pattern: '-?[a-z]+'", "\"-v\"", R"({"x":"-v"})"},
        {"type: int", "-7", R"({"x":-7})"},
        {"type: int", "\"42\"", R"({"x":42})"},
        {"type: int", "1.5", "parameter \"x\": payload /x: expected a whole number, not \"1.5E0\""},
        {"type: int", "\"42x\"", "parameter \"x\": payload /x: expected a whole number, not \"42x\""},
        {"type: int, min: 1, max: 9", "9", R"({"x":9})"},
        {"type: int, min: 1, max: 9", "10", "parameter \"x\": payload /x: expected at most 9, not \"10\""},
        {"type: int, min: 1, max: 9", "0", "parameter \"x\": payload /x: expected at least 1, not \"0\""},
        {"type: bool", "true", R"({"x":true})"},
        {"type: bool", "\"false\"", R"({"x":false})"},
        {"type: bool", "1", "parameter \"x\": payload /x: expected true or false, not \"1\""},
        {"type: enum, values: [staging, production]", "\"staging\"", R"({"x":"staging"})"},
        {"type: enum, values: [staging, production]", "\"stage\"", "parameter \"x\": payload /x: expected one of staging, production, not \"stage\""},
        {"type: enum, values: [a]", "{}", "parameter \"x\": payload /x: expected one of a, not a map"},
        {"default: none", "null", R"({"x":"none"})"},
        {"type: int, default: 3", "null", R"({"x":3})"},
        {"type: string", "null", "parameter \"x\": payload /x has no value"},
    };
    for (const auto& [rest, value, expected] : rows) {
        INFO(rest << " of " << value);
        CHECK(taken(rest, value) == expected);
    }
    CHECK(taken("type: string", '"' + std::string(5000, 'a') + '"') == "parameter \"x\": payload /x: more than 4096 bytes");
    const auto hook = configured_hook("    parameters: {who: {header: X-Who}}\n");
    CHECK(boost::json::serialize(judged(hook, "no JSON at all", {{"X-Who", "anna"}}).start.params) == R"({"who":"anna"})");
    CHECK(judged(hook, "", {{"X-Who", "\xff"}}).kind == Kind::refused);
}

TEST_CASE("a form carries its JSON in a field") {
    const auto hook = configured_hook("    parameters: {x: {payload: /x}}\n");
    const auto verdict = judged(hook, "payload=%7B%22x%22%3A+%22a%2Bb%22%7D&y=1", {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}});
    CHECK(boost::json::serialize(verdict.start.params) == R"({"x":"a+b"})");
    CHECK(boost::json::serialize(judged(hook, R"({"x": "y"})", {{"Content-Type", "application/x-www-form-urlencoded"}}).start.params) == R"({"x":"y"})");
    CHECK(judged(hook, "payload=%zz").kind == Kind::refused);
    // As much as a body holds: each blank is looked at once.
    CHECK(judged(hook, "payload=%7B%22x%22%3A%22a%22%7D" + std::string(1'000'000, '+')).kind == Kind::start);
    CHECK(judged(hook, "{").kind == Kind::refused);
}

TEST_CASE("a delivery has the id of its scheme") {
    const auto of = [](const std::string& scheme, std::vector<std::pair<std::string, std::string>> headers, const std::string& rest = "") {
        const auto verdict = judge_verified(configured_hook(rest, scheme), delivery_with("", std::move(headers)));
        return verdict.kind == Kind::start ? "id " + verdict.start.delivery : verdict.why;
    };
    CHECK(of("github", {{"X-GitHub-Delivery", "a-1"}}) == "id a-1");
    CHECK(of("gitea", {{"X-Gitea-Delivery", "a-1"}}) == "id a-1");
    CHECK(of("gitlab", {{"X-Gitlab-Event-UUID", "a-1"}}) == "id a-1");
    CHECK(of("gitlab", {}) == "id ");
    CHECK(of("bearer", {}) == "id ");
    CHECK(of("bearer", {{"X-Id", "a-1"}}, "    delivery: X-Id\n") == "id a-1");
    CHECK(of("bearer", {}, "    delivery: X-Id\n") == "header X-Id is missing: it names the delivery");
    CHECK(of("github", {}) == "header X-GitHub-Delivery is missing: it names the delivery");
    CHECK(of("github", {{"X-GitHub-Delivery", "a b"}}) == "header X-GitHub-Delivery: expected at most 256 letters, digits and marks");
    CHECK(of("github", {{"X-GitHub-Delivery", std::string(257, 'a')}}).starts_with("header X-GitHub-Delivery: expected"));
}

TEST_CASE("a trace is kept where it is one") {
    const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    CHECK(is_traceparent(good));
    for (const std::string bad : {"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                                  "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                                  "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00x4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
        CHECK_FALSE(is_traceparent(bad));
    const auto hook = configured_hook("");
    CHECK(judged(hook, "", {{"traceparent", good}}).start.trace == good);
    CHECK(judged(hook, "", {{"traceparent", "x"}}).start.trace.empty());
}
