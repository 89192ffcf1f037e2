#include "app/cli/completion/lists.hpp"
#include "app/cli/completion/shell_line.hpp"
#include "app/contexts.hpp"
#include "fake_service.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

#include <filesystem>

namespace loom {
namespace {

using Texts = std::vector<std::string>;

/// A fleet of web1 … web9, db01 … db60 and odd, a group and two labels of one key.
void fill(CliScript& script) {
    const auto add = [&](std::string name, std::string group, std::string rack) {
        auto& node = script.nodes.items.emplace_back();
        node.name = node.address = std::move(name);
        node.groups = {std::move(group)};
        node.labels = {{"rack", std::move(rack)}};
    };
    for (int i = 1; i <= 9; ++i) add("web" + std::to_string(i), "web", "r1");
    for (int i = 1; i <= 60; ++i) add((i < 10 ? "db0" : "db") + std::to_string(i), "db", "r2");
    add("odd", "db", "r2");
    script.catalog.groups = {"canary", "db", "web"};
    for (const auto* name : {"backup", "backup-db", "report"}) script.jobs.items.emplace_back().name = name;
    script.jobs.items[0].description = "Every night";
    for (const auto* name : {"deploy", "rollback"}) script.hooks.items.emplace_back().name = name;
    script.rules.items.emplace_back().name = "ops";
    for (const auto* state : {"live", "revoked"}) {
        auto& token = script.tokens.items.emplace_back();
        token.name = std::string(state) + "-one";
        token.state = state;
    }
    auto& run = script.runs.items.emplace_back();
    run.id = "0198a1b2-c3d4-7000-8000-000000000001";
    run.job = "backup";
    run.state = "failed";
    run.started = "2026-01-31T08:04:48Z";
}

/// What a shell is told; the last word is the one at the cursor.
Texts told(CliBench& loom, std::vector<std::string> words, const std::string& shell = "fish") {
    words.insert(words.begin(), {"complete", shell, "--"});
    loom.out.str({});
    CHECK(loom(std::move(words)) == 0);
    CHECK(loom.err.str().empty());
    Texts lines;
    std::istringstream out(loom.out.str());
    for (std::string line; std::getline(out, line);) lines.push_back(line);
    return lines;
}

/// Only what may be inserted, of an answer of words.
Texts offered(std::vector<std::string> words) {
    CliBench loom;
    fill(loom.script);
    auto lines = told(loom, std::move(words));
    REQUIRE(!lines.empty());
    CHECK(lines.front() == "words");
    lines.erase(lines.begin());
    for (auto& line : lines) line = line.substr(0, line.find('\t'));
    return lines;
}

} // namespace

TEST_CASE("commands are completed from the one table, with their summaries", "[completion]") {
    CHECK(offered({"ru"}) == Texts{"run", "runs"});
    CHECK(offered({"jobs", "s"}) == Texts{"show"});
    CHECK(offered({"-c", "x.yaml", "nodes", "t"}) == Texts{"trust"});
    CHECK(offered({"comp"}) == Texts{"completion"}); // `complete` is for programs
    CHECK(offered({"completion", ""}) == Texts{"bash", "zsh", "fish"});
    CHECK(offered({"nonsense", "x", ""}).empty());
    CliBench loom;
    CHECK(told(loom, {"resu"}).back() == "resume\tEnd a pause");
}

TEST_CASE("flags are those of the command and of all, without those that are given", "[completion]") {
    CHECK(offered({"retry", "--st"}) == Texts{"--states"});
    CHECK(offered({"retry", "--conf"}) == Texts{"--config"});
    const auto rest = offered({"run", "backup", "--detach", "--d"});
    CHECK(rest == Texts{"--dry-run"});
    CHECK(offered({"exec", "web1", "--", "--l"}).empty()); // the command's own
}

TEST_CASE("values are completed by the name that the help gives them", "[completion]") {
    CHECK(offered({"run", "b"}) == Texts{"backup", "backup-db"});
    CHECK(offered({"run", "backup", "x"}).empty());
    CHECK(offered({"runs", "--job", "re"}) == Texts{"report"});
    CHECK(offered({"runs", "--job=re"}) == Texts{"--job=report"});
    CHECK(offered({"next", "re"}) == Texts{"report"});
    CHECK(offered({"runs", "--state", "mi"}) == Texts{"missed"});
    CHECK(offered({"retry", "last", "--states", "failed,unr"}) == Texts{"failed,unreachable"});
    CHECK(offered({"-o", ""}) == Texts{"table", "json"});
    CHECK(offered({"run", "backup", "--parallel", ""}) == Texts{"auto"});
    CHECK(offered({"cancel", "l"}) == Texts{"last"});
    CHECK(offered({"logs", "0198"}) == Texts{"0198a1b2-c3d4-7000-8000-000000000001"});
    CHECK(offered({"logs", "last", "od"}) == Texts{"odd"});
    CHECK(offered({"why", "rep"}) == Texts{"report"});
    CHECK(offered({"next", "--tz", "Europe/Berl"}) == Texts{"Europe/Berlin"});
    CHECK(offered({"tasks", "show", "loom.nginx"}) == Texts{"loom.nginx.reload", "loom.nginx.site"});
    CHECK(offered({"exec", "web1", "--task", "fabric.api.r"}) == Texts{"fabric.api.run"});
    CHECK(offered({"runs", "--count", ""}).empty());
    CHECK(offered({"hook", "test", "de"}) == Texts{"deploy"});
    CHECK(offered({"notify", "test", ""}) == Texts{"ops"});
    CHECK(offered({"notify", "test", "ops", "--event", "re"}) == Texts{"recovery"});
    CHECK(offered({"token", "revoke", ""}) == Texts{"live-one"});
    CHECK(offered({"token", "create", "x", "--scope", "o"}) == Texts{"operate"});
    CHECK(offered({"check", "--con"}) == Texts{"--config"});
    CliBench loom;
    fill(loom.script);
    CHECK(told(loom, {"run", "backup"}).at(1) == "backup\tEvery night");
    CHECK(told(loom, {"logs", "01"}).at(1) == "0198a1b2-c3d4-7000-8000-000000000001\tbackup failed 12s ago");
    CHECK(told(loom, {"-c", ""}) == Texts{"files"});
    CHECK(told(loom, {"db", "backup", ""}) == Texts{"folders"});
}

TEST_CASE("contexts are completed from their file, and nobody is asked", "[completion]") {
    tests::Folder folder;
    CliBench loom;
    loom.context.home = folder.path("");
    loom.context.contexts_file = folder.path("contexts.yaml");
    Contexts contexts;
    contexts.all["prod"].server = "https://loom.example.org";
    REQUIRE(write_contexts(loom.context.contexts_file, contexts).has_value());
    CHECK(told(loom, {"context", "use", ""}) == Texts{"words", "prod\thttps://loom.example.org", "local\tthis machine's daemon"});
    CHECK(told(loom, {"--context", "pr"}) == Texts{"words", "prod\thttps://loom.example.org"});
    CHECK(!loom.need);
}

TEST_CASE("a NodeSet is completed term by term, ranges folded", "[completion]") {
    CHECK(offered({"exec", "w"}) == Texts{"web[1-9]", "web1", "web2", "web3", "web4", "web5", "web6", "web7", "web8", "web9"});
    CHECK(offered({"exec", "d"}) == Texts{"db[01-60]", "db0", "db1", "db2", "db3", "db4", "db5", "db60"});
    CHECK(offered({"exec", "db5"}) == Texts{"db50", "db51", "db52", "db53", "db54", "db55", "db56", "db57", "db58", "db59"});
    CHECK(offered({"exec", "web["}) == Texts{"web[1-9]"});
    CHECK(offered({"exec", "web[1-3],o"}) == Texts{"web[1-3],odd"});
    CHECK(offered({"exec", "@*!od"}) == Texts{"@*!odd"});
    CHECK(offered({"exec", "--limit", "@c"}) == Texts{"@canary"});
    CHECK(offered({"exec", "@"}) == Texts{"@canary", "@db", "@label:", "@web", "@*", "@failed:"});
    CHECK(offered({"exec", "@label:"}) == Texts{"@label:rack="});
    CHECK(offered({"exec", "@label:rack="}) == Texts{"@label:rack=r1", "@label:rack=r2"});
    CHECK(offered({"exec", "odd,@failed:l"}) == Texts{"odd,@failed:last"});
    CHECK(offered({"nodes", "show", "od"}) == Texts{"odd"});
    CHECK(offered({"nodeset", "count", "odd", "od"}) == Texts{"odd"});
    CliBench loom;
    fill(loom.script);
    const auto lines = told(loom, {"exec", "d"}, "zsh");
    CHECK(lines.at(1) == "db[01-60]\t60 nodes");
    CHECK(lines.at(2) == "db0\t9 names\topen");
}

TEST_CASE("Bash gets what it inserts: quoted, without what it keeps itself, and a space where the word is whole", "[completion]") {
    CliBench loom;
    fill(loom.script);
    const auto bash = [&](const std::string& line) { return told(loom, {line, " \t\n\"'@><=;|&(:"}, "bash"); };
    CHECK(bash("loom run rep") == Texts{"words", "report "});
    CHECK(bash("loom run --limit=web[") == Texts{"words", "web\\[1-9\\] "});
    CHECK(bash("loom exec odd,@label:rack=r") == Texts{"words", "r1 ", "r2 "});
    CHECK(bash("loom exec odd,@can") == Texts{"words", "@canary "});
    CHECK(bash("loom exec 'web[") == Texts{"words", "web[1-9]"});
    CHECK(bash("loom exec @lab") == Texts{"words", "@label:"});
}

TEST_CASE("a completion never fails, whatever is wrong", "[completion]") {
    CliBench loom;
    loom.script.error = Error{Errc::unavailable, "the daemon has gone"};
    CHECK(told(loom, {"run", ""}) == Texts{"words"});
    loom.door_error = Error{Errc::config, "loom.yaml:3:1: nonsense"};
    CHECK(told(loom, {"run", ""}) == Texts{"words"});
    CHECK(told(loom, {}) == Texts{"words"});
    CHECK(told(loom, {}, "bash") == Texts{"words"});
    CHECK(told(loom, {"--nonsense", "-x", "--"}).front() == "words");
}

TEST_CASE("a shell's line falls into words as the shell reads it", "[completion]") {
    const std::string breaks = " \t\n\"'@><=;|&(:";
    struct Row {
        std::string line;
        Texts words;
        char quote;
        std::size_t done;
    };
    const std::vector<Row> rows = {
        {"loom run ", {"loom", "run", ""}, 0, 0},
        {"loom 'a b'c\\ d \"e\\\"f\\g\" x", {"loom", "a bc d", "e\"f\\g", "x"}, 0, 0},
        {"loom ''", {"loom", ""}, 0, 0},
        {"loom '' ", {"loom", "", ""}, 0, 0},
        {"loom --limit=a,@b", {"loom", "--limit=a,@b"}, 0, 10},
        {"loom --limit=", {"loom", "--limit="}, 0, 8},
        {"loom a:b=\"c=d", {"loom", "a:b=c=d"}, '"', 4},
        {"loom \\", {"loom", ""}, 0, 0},
        {"", {""}, 0, 0},
    };
    for (const auto& row : rows) {
        CAPTURE(row.line);
        const auto line = split_shell_line(row.line, breaks);
        CHECK(line.words == row.words);
        CHECK(line.quote == row.quote);
        CHECK(line.done == row.done);
    }
    CHECK(shell_insertion("a b$[1]", 0) == "a\\ b\\$\\[1\\]");
    CHECK(shell_insertion("a b$[1]", '"') == "a b\\$[1]");
    CHECK(shell_insertion("it's", '\'') == "it'\\''s");
}

TEST_CASE("what took long to learn is kept for a moment, for who asked alone", "[completion]") {
    const tests::Folder folder;
    const KeptLists kept(folder.path("loom/completion"), "who");
    CHECK_FALSE(kept.younger_than("jobs", std::chrono::hours(1)));
    kept.keep("jobs", {{"backup", "Every\tnight", false}, {"a\nb", "", false}});
    REQUIRE(kept.younger_than("jobs", std::chrono::hours(1)));
    CHECK(*kept.younger_than("jobs", std::chrono::hours(1)) == Candidates{{"backup", "Every\tnight", false}});
    CHECK_FALSE(kept.younger_than("runs", std::chrono::hours(1)));
    CHECK_FALSE(kept.younger_than("jobs", std::chrono::seconds(-1)));
    CHECK_FALSE(KeptLists(folder.path("loom/completion"), "other").younger_than("jobs", std::chrono::hours(1)));
    const auto mode = std::filesystem::status(folder.path("loom/completion")).permissions();
    CHECK((mode & std::filesystem::perms::all) == std::filesystem::perms::owner_all);
    KeptLists("", "who").keep("jobs", {{"backup", "", false}});
    CHECK_FALSE(KeptLists("", "who").younger_than("jobs", std::chrono::hours(1)));
}

} // namespace loom
