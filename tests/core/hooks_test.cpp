#include "support/catalog_texts.hpp"
#include "support/catch.hpp"

#include "core/model/task_params.hpp"

using namespace loom;
using namespace loom::tests;

namespace {

const std::string job = "jobs:\n  deploy:\n    command: \"deploy {{ params.ref | quote }}\"\n    targets: web1\n";

std::string problems_with(const std::string& hooks, const std::string& jobs = job) {
    auto texts = catalog_texts(jobs);
    texts.settings.text += "hooks:\n" + hooks;
    texts.read_secret = [](const boost::json::object& source) -> Result<Secret> {
        if (source.contains("env")) return Error{Errc::config, "the environment variable X is not set"};
        return Secret("secret");
    };
    return problems_of(texts);
}

/// What is wrong with the keys that follow those which a hook needs.
std::string problems_of_hook(const std::string& rest) {
    return problems_with("  deploy:\n    job: deploy\n    verify: github\n    secret: {file: s}\n" + rest);
}

} // namespace

TEST_CASE("a hook is read with everything it has") {
    auto texts = catalog_texts(job);
    texts.settings.text += "hooks:\n  b: {job: deploy, verify: bearer, secret: s, parameters: {ref: {header: X-Ref}}}\n"
                           "  a:\n    job: deploy\n    verify: standard\n    secret: [{file: s}, old]\n    window: 2m\n"
                           "    filter: [{header: X-Event, is: push}]\n"
                           "    parameters: {ref: {payload: /ref, type: string, pattern: '[a-z]+', required: true}}\n";
    texts.read_secret = [](const boost::json::object&) { return Result<Secret>(Secret("from the file")); };
    const auto catalog = build_catalog(texts).value();
    CHECK(problem_lines(*catalog).empty());
    REQUIRE(catalog->hooks.size() == 2);
    const auto* hook = catalog->find_hook("a");
    REQUIRE(hook);
    CHECK(hook->scheme == HookScheme::standard);
    CHECK(hook->window == std::chrono::minutes(2));
    CHECK(hook->secrets.at(0).reveal() == "from the file");
    CHECK(hook->secrets.at(1).reveal() == "old");
    CHECK(hook->secret_hint == "$(cat /c/s)");
    CHECK(hook->place == "/c/loom.yaml:5:3");
    CHECK_FALSE(catalog->find_hook("c"));
}

TEST_CASE("what is wrong with a hook is told with its place") {
    const std::vector<std::pair<std::string, std::string>> rows{
        {"    verfy: github\n", "fatal /c/loom.yaml:8:5: hooks: deploy: unknown key \"verfy\" (did you mean \"verify\"?)"},
        {"    window: 5m\n", "fatal /c/loom.yaml:8:13: hooks: deploy: \"window\" belongs to verify: standard: the others sign no time"},
        {"    delivery: 'X Id'\n", "fatal /c/loom.yaml:8:15: hooks: deploy: delivery: expected a header's name, such as X-GitHub-Event, not \"X Id\""},
        {"    filter: {header: a}\n", "fatal /c/loom.yaml:8:13: hooks: deploy: filter: expected a list of conditions, [{payload: /ref, is: refs/heads/main}], not a map"},
        {"    filter: [{header: a, is: b, matches: c}]\n", "fatal /c/loom.yaml:8:14: hooks: deploy: filter: expected one of is: VALUE and matches: PATTERN"},
        {"    filter: [{header: a, payload: /b, is: c}]\n", "fatal /c/loom.yaml:8:14: hooks: deploy: filter: expected one of header: NAME and payload: /POINTER"},
        {"    filter: [{payload: $.a.b, is: c}]\n", "fatal /c/loom.yaml:8:24: hooks: deploy: filter: payload: expected a JSON pointer, such as /a/b, not \"$.a.b\""},
        {"    filter: [{payload: /a~2, is: c}]\n", "fatal /c/loom.yaml:8:24: hooks: deploy: filter: payload: expected a JSON pointer, such as /a~2, not \"/a~2\""},
        {"    filter: [{payload: /a, matches: '('}]\n", "fatal /c/loom.yaml:8:37: hooks: deploy: filter: matches: \"(\" is no regular expression: missing ): ("},
        {"    parameters: {ref: {payload: /ref, tipe: int}}\n", "fatal /c/loom.yaml:8:39: hooks: deploy: parameters: ref: unknown key \"tipe\" (did you mean \"type\"?)"},
        {"    parameters: {ref: {payload: /ref, type: integer}}\n", "fatal /c/loom.yaml:8:45: hooks: deploy: parameters: ref: type: expected one of string, int, bool, enum, not \"integer\""},
        {"    parameters: {ref: {payload: /ref, type: int, pattern: a}}\n", "fatal /c/loom.yaml:8:59: hooks: deploy: parameters: ref: \"pattern\" belongs to type: string"},
        {"    parameters: {ref: {payload: /ref, type: enum}}\n", "fatal /c/loom.yaml:8:18: hooks: deploy: parameters: ref: missing key \"values\", of which an enum has one"},
        {"    parameters: {ref: {payload: /ref, type: int, default: x}}\n", "fatal /c/loom.yaml:8:59: hooks: deploy: parameters: ref: default: expected a whole number, not \"x\""},
        {"    parameters: {ref: {payload: /ref, required: false}}\n", "fatal /c/loom.yaml:8:18: hooks: deploy: parameters: ref: a parameter that is not required needs a \"default\""},
        {"    parameters: {ref: {}}\n", "fatal /c/loom.yaml:8:18: hooks: deploy: parameters: ref: expected one of header: NAME and payload: /POINTER"},
        {"    parameters: {a.b: {payload: /x}}\n", "fatal /c/loom.yaml:8:18: hooks: deploy: parameters: \"a.b\" cannot name a parameter: use letters, digits, '_' and '-'"},
    };
    for (const auto& [text, message] : rows) CHECK(problems_of_hook(text) == message);
    CHECK(problems_with("  a: {job: deploy, verify: github}\n") ==
          "fatal /c/loom.yaml:4:3: hooks: a: missing key \"secret\": {file: PATH}, {env: NAME} or {command: [PROGRAM, ARGUMENT…]}");
    CHECK(problems_with("  a: {job: deploy, secret: s}\n") == "fatal /c/loom.yaml:4:3: hooks: a: missing key \"verify\": github, gitea, gitlab, standard or bearer");
    CHECK(problems_with("  a: {verify: github, secret: s}\n") == "fatal /c/loom.yaml:4:3: hooks: a: missing key \"job\"");
    CHECK(problems_with("  a: {job: deploy, verify: github, secret: ''}\n") == "fatal /c/loom.yaml:4:44: hooks: a: secret: it is empty");
    CHECK(problems_with("  a: {job: deploy, verify: github, secret: {env: X}}\n") ==
          "fatal /c/loom.yaml:4:44: hooks: a: secret: the environment variable X is not set");
    CHECK(problems_with("  a/b: {job: deploy, verify: github, secret: s}\n") ==
          "fatal /c/loom.yaml:4:3: hooks: \"a/b\" cannot name a hook: use letters, digits, '.', '_' and '-'");
}

TEST_CASE("a hook that does not fit its job holds up nothing else") {
    CHECK(problems_with("  a: {job: deplyo, verify: github, secret: s}\n") ==
          "jobs/web.yaml:2:3: no schedule: manual only\n/c/loom.yaml:4:3: hooks: a: there is no job \"deplyo\" (did you mean \"deploy\"?)\n");
    CHECK(problems_of_hook("    parameters: {rev: {payload: /ref}}\n") ==
          "/c/loom.yaml:4:3: hooks: deploy: job \"deploy\" needs {{ params.ref }}, which is no parameter of this hook (did you mean \"rev\"?)\n");
    CHECK(problems_of_hook("    parameters: {ref: {payload: /ref}, more: {header: X-More}}\n").empty());
    CHECK(problems_with("  a: {job: deploy, verify: github, secret: s}\n", "jobs:\n  deploy: {command: 'true', targets: web1}\n").empty());
}

TEST_CASE("a foreign value stands where it can do no harm, or the job is quarantined") {
    const auto of = [](const std::string& rest) { return problems_of(catalog_texts("jobs:\n  j:\n    targets: web1\n    schedule: '@daily'\n" + rest)); };
    const std::string unquoted = "jobs/web.yaml:5:14: \"{{ params.x }}\" is a foreign value in a shell line: write it with | quote\n";
    const std::string warned = "jobs/web.yaml:2:3: {{ params.x }} has a value in runs that a webhook starts; those by schedule fail\n";
    CHECK(of("    command: 'echo {{ params.x }}'\n") == unquoted);
    CHECK(of("    command: 'echo {{ params.x | quote }}'\n") == warned);
    CHECK(of("    command: [echo, '{{ params.x }}']\n") == warned);
    CHECK(of("    command: env\n    env: {X: '{{ params.x }}'}\n") == warned);
    CHECK(of("    task: fabric.api.local\n    args: ['echo {{ params.x | quote }}']\n") ==
          "jobs/web.yaml:5:11: \"{{ params.x }}\" is a foreign value in a line of this host's own shell: give it in env\n");
    CHECK(of("    task: fabric.api.local\n    args: [deploy]\n    env: {X: '{{ params.x }}'}\n") == warned);
    CHECK(of("    task: fabric.api.put\n    kwargs: {local_path: '/srv/{{ params.x }}', remote_path: /a}\n") ==
          "jobs/web.yaml:5:11: \"{{ params.x }}\" is a foreign value in a path of this host\n");
    CHECK(of("    task: fabric.api.put\n    args: [/srv/a, '/srv/{{ params.x }}']\n") == warned);
    CHECK(of("    task: fabric.api.get\n    args: ['/var/{{ params.x }}', '/srv/{{ params.x }}']\n") ==
          "jobs/web.yaml:5:11: \"{{ params.x }}\" is a foreign value in a path of this host\n");
}
