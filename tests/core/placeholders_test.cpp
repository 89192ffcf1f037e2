#include "core/task/placeholders.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

using namespace loom;

namespace {

struct Values {
    Node node;
    PlaceholderScope scope;

    Values() {
        node.name = "db1";
        node.address = "10.0.0.1";
        node.user = "root";
        node.vars = boost::json::parse(R"({"x": "it's", "n": 3, "f": true, "d": 1.5, "two": 2.0, "list": [1], "deep": {"a": "b"}, "up": "..", "again": "{{ run.id }}", "empty": null, "dot": ".", "path": "a/b%\n"})").as_object();
        scope = {"RUN", "2026-01-01T00:00:00Z", "job a", &node};
    }
};

std::string text(std::string_view from) {
    const Values values;
    const auto expanded = expand_placeholders(from, values.scope);
    return expanded ? *expanded : "error: " + expanded.error().message;
}

std::string path(std::string_view from) {
    const Values values;
    const auto expanded = expand_path(from, values.scope);
    return expanded ? *expanded : "error: " + expanded.error().message;
}

} // namespace

TEST_CASE("placeholders are replaced once") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"", ""},
        {"plain", "plain"},
        {"{{ run.id }}", "RUN"},
        {"{{run.id}}-{{  run.due\t}}", "RUN-2026-01-01T00:00:00Z"},
        {"{{ job.name }}/{{ node.name }}", "job a/db1"},
        {"{{ node.address }} {{ node.user }}", "10.0.0.1 root"},
        {"{{ node.vars.x }}", "it's"},
        {"{{ node.vars.x | quote }}", "'it'\\''s'"},
        {"{{ node.vars.n }} {{ node.vars.f }} {{ node.vars.deep.a }}", "3 true b"},
        {"{{ node.vars.d }} {{ node.vars.two }}", "1.5 2.0"},
        {"{{ node.vars.again }} {{ other.y }}", "{{ run.id }} {{ other.y }}"},
        {"{{{ run.id }}}", "{RUN}"},
    };
    for (const auto& [from, to] : rows) {
        CAPTURE(from);
        CHECK(text(from) == to);
    }
}

TEST_CASE("other braces are literal text") {
    for (const std::string from : {"{{", "}}", "{{.Names}}", "{{ json . }}", "${{ secrets.x }}", "{{ runner.id }}", "{ { run.id } }", "{{ nodes }}"})
        CHECK(text(from) == from);
}

TEST_CASE("a placeholder without a value is an error") {
    const std::string known = "; known are run.id, run.due, job.name, node.name, node.user, node.address, node.vars.NAME, params.NAME";
    CHECK(text("{{ run.di }}") == "error: unknown placeholder \"{{ run.di }}\" (did you mean \"run.id\"?)" + known);
    CHECK(text("{{ params.y }}") == "error: \"{{ params.y }}\" has no value: a webhook gives one, and nothing else does");
    CHECK(text("{{ params.y.z }}").starts_with("error: unknown placeholder"));
    CHECK(text("{{ params. }}").starts_with("error: unknown placeholder"));
    CHECK(text("{{ node }}").starts_with("error: unknown placeholder \"{{ node }}\""));
    CHECK(text("{{ node.vars. }}").starts_with("error: unknown placeholder"));
    CHECK(text("{{ node.vars.a b }}").starts_with("error: unknown placeholder"));
    CHECK(text("{{ run.id | upper }}") == "error: \"{{ run.id | upper }}\": unknown filter \"upper\", expected quote");
    CHECK(text("a {{ run.id") == "error: \"{{ run.id\" begins a placeholder, but no \"}}\" follows");
    CHECK(text("{{ node.vars.z }}") == "error: \"{{ node.vars.z }}\" has no value");
    CHECK(text("{{ node.vars.n.z }}") == "error: \"{{ node.vars.n.z }}\" has no value");
    CHECK(text("{{ node.vars.empty }}") == "error: \"{{ node.vars.empty }}\" has no value");
    CHECK(text("{{ node.vars.list }}") == "error: \"{{ node.vars.list }}\" is a list or a map, expected text, a number or a flag");
    const PlaceholderScope nobody;
    CHECK(expand_placeholders("{{ node.name }}", nobody).error().message == "\"{{ node.name }}\" has no value here: no node is at work");
    const Node plain;
    CHECK(expand_placeholders("{{ node.user }}", {{}, {}, {}, &plain}).error().message == "\"{{ node.user }}\" has no value: its node names no user");
}

TEST_CASE("a value cannot leave its part of a path") {
    CHECK(path("/log/{{ job.name }}/{{ node.name }}.log") == "/log/job a/db1.log");
    CHECK(path("/log/{{ node.vars.path }}") == "/log/a%2Fb%25%0A");
    CHECK(path("/log/{{ node.vars.up }}/x") == "/log/%2E%2E/x");
    CHECK(path("/log/{{ node.vars.dot }}/x") == "/log/%2E/x");
    CHECK(path("{{ run.id | quote }}") == "error: \"{{ run.id }}\" cannot be quoted in a path");
}

TEST_CASE("a parameter is put in once, and never looked at again") {
    const boost::json::object params{{"ref", "v1 '; rm -rf / {{ node.name }}"}, {"count", 3}, {"force", false}};
    Values values;
    values.scope.params = &params;
    CHECK(expand_placeholders("x {{ params.ref | quote }} {{ params.count }} {{ params.force }}", values.scope).value() ==
          "x 'v1 '\\''; rm -rf / {{ node.name }}' 3 false");
    CHECK(expand_path("/log/{{ params.ref }}", values.scope).value() == "/log/v1 '; rm -rf %2F {{ node.name }}");
    CHECK(expand_placeholders("{{ params.other }}", values.scope).error().message == "\"{{ params.other }}\" has no value");
}

TEST_CASE("people are shown the parameters, and the rest as it stands") {
    TaskSpec spec;
    spec.args = boost::json::parse(R"(["{{ node.name }} {{ run.id | quote }} {{ params.ref | quote }} {{.Names}}"])").as_array();
    spec.env = {{"A", "{{ params.ref }}"}};
    const auto shown = show_params(spec, {{"ref", "a b"}}).value();
    CHECK(boost::json::serialize(shown.args) == R"(["{{ node.name }} {{ run.id | quote }} 'a b' {{.Names}}"])");
    CHECK(shown.env.at("A") == "a b");
}

TEST_CASE("a task is expanded within all its strings, keys excepted") {
    const Values values;
    TaskSpec spec;
    spec.name = "{{ run.id }}";
    spec.args = boost::json::parse(R"(["{{ node.name }}", 1, ["{{ run.id }}"]])").as_array();
    spec.kwargs = boost::json::parse(R"({"{{ run.id }}": {"a": "{{ job.name }}"}})").as_object();
    spec.env = {{"A", "{{ node.user }}"}};
    spec.cwd = "/srv/{{ node.vars.up }}";
    const auto expanded = expand_task(spec, values.scope).value();
    CHECK(expanded.name == "{{ run.id }}");
    CHECK(boost::json::serialize(expanded.args) == R"(["db1",1,["RUN"]])");
    CHECK(boost::json::serialize(expanded.kwargs) == R"({"{{ run.id }}":{"a":"job a"}})");
    CHECK(expanded.env.at("A") == "root");
    CHECK(expanded.cwd == "/srv/%2E%2E");
    spec.env = {{"A", "{{ node.vars.none }}"}};
    CHECK(!expand_task(spec, values.scope));
}
