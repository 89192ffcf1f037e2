#include "core/task/library/script.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <filesystem>
#include <sys/wait.h>

using namespace loom;

namespace {

const LibraryTask& row_of(std::string_view name) {
    for (const auto& row : task_library())
        if (row.info.name == name) return row;
    throw std::runtime_error("no such task");
}

std::string script_for(std::string_view name, std::string_view kwargs, bool check = false, std::string content = {}) {
    TaskSpec spec;
    spec.kwargs = boost::json::parse(kwargs).as_object();
    const auto& row = row_of(name);
    ScriptUse use;
    use.arguments = read_arguments(row.info, spec).value().front();
    use.content = std::move(content);
    ScriptSetting setting;
    setting.check = check;
    return script_of(row, {use}, setting);
}

/// The exit status of `shell` that reads the file, as a node's reads its standard input.
int run(const std::string& shell, const std::string& file) {
    const int status = std::system((shell + " <'" + file + "' >/dev/null 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int run_here(const tests::Folder& folder, const std::string& script) {
    folder.write("script", script);
    return run("cd '" + folder.path("") + "' && exec /bin/sh -s", folder.path("script"));
}

bool there(const std::string& program) { return run("command -v " + program, "/dev/null") == 0; }

} // namespace

TEST_CASE("every script is good shell") {
    const tests::Folder folder;
    std::vector<std::string> shells = {"sh"};
    for (const auto* other : {"dash", "bash --posix", "busybox sh"})
        if (there(std::string(other).substr(0, std::string_view(other).find(' ')))) shells.emplace_back(other);
    for (const auto& row : task_library()) {
        if (row.script.empty()) continue;
        INFO(row.info.name);
        folder.write("script", script_of(row, {ScriptUse()}, {}));
        for (const auto& shell : shells) CHECK(run(shell + " -n", folder.path("script")) == 0);
    }
}

TEST_CASE("of a script that arrives in part nothing is done") {
    const tests::Folder folder;
    const auto script = script_for("loom.files.directory", R"({"path": "made"})");
    for (const auto part : {1.0, 0.99, 0.9, 0.5}) {
        const auto bytes = static_cast<std::size_t>(part * static_cast<double>(script.size()));
        const int status = run_here(folder, script.substr(0, bytes));
        CHECK((status == script_changed) == (part == 1.0));
        CHECK(std::filesystem::exists(folder.path("made")) == (part == 1.0));
        std::filesystem::remove(folder.path("made"));
    }
}

TEST_CASE("a value is itself, whatever its bytes") {
    const tests::Folder folder;
    const std::string nasty = R"raw('; touch broken; ' "$(touch broken)" `touch broken` \ * %s)raw";
    boost::json::object kwargs;
    kwargs["path"] = "-a file";
    kwargs["line"] = nasty;
    kwargs["create"] = true;
    const auto script = script_for("loom.files.line", boost::json::serialize(kwargs));
    CHECK(run_here(folder, script) == script_changed);
    CHECK(run_here(folder, script) == 0);
    CHECK(folder.read("-a file") == nasty + "\n");
    CHECK(!std::filesystem::exists(folder.path("broken")));
}

TEST_CASE("a look changes nothing, and says what would be") {
    const tests::Folder folder;
    CHECK(run_here(folder, script_for("loom.files.directory", R"({"path": "made"})", true)) == script_changed);
    CHECK(run_here(folder, script_for("loom.files.template", R"({"source": "/x", "path": "file"})", true, "text\n")) == script_changed);
    CHECK(!std::filesystem::exists(folder.path("made")));
    CHECK(!std::filesystem::exists(folder.path("file")));
    CHECK(run_here(folder, script_for("loom.files.template", R"({"source": "/x", "path": "file", "mode": "0640"})", false, "text\n\n")) == script_changed);
    CHECK(folder.read("file") == "text\n\n");
    CHECK((std::filesystem::status(folder.path("file")).permissions() & std::filesystem::perms::mask) == std::filesystem::perms(0640));
    CHECK(run_here(folder, script_for("loom.files.template", R"({"source": "/x", "path": "file", "mode": "0640"})", true, "text\n\n")) == 0);
    CHECK(run_here(folder, script_for("loom.files.template", R"({"source": "/x", "path": "file"})", true, "text\n")) == script_changed);
}

TEST_CASE("a line takes the place of the last that matches, else it is added") {
    const tests::Folder folder;
    struct Row {
        const char *before, *kwargs, *after;
    };
    const Row rows[] = {
        {"a\nb\n", R"({"line": "c"})", "a\nb\nc\n"},
        {"a\nb", R"({"line": "c"})", "a\nb\nc\n"},
        {"", R"({"line": "c"})", "c\n"},
        {"#x 1\nx 1\ny\n", R"({"line": "x 2", "match": "^#?x"})", "#x 1\nx 2\ny\n"},
        {"x 1", R"({"line": "x 2", "match": "^x"})", "x 2\n"},
        {"a\n", R"({"line": "x 2", "match": "^x"})", "a\nx 2\n"},
        {"a\nb\na\n", R"({"line": "a", "state": "absent"})", "b\n"},
        {"a\n", R"({"line": "a", "state": "absent"})", ""},
        {"ab\nb\n", R"({"match": "^a", "state": "absent"})", "b\n"},
    };
    for (const auto& row : rows) {
        INFO(row.before << row.kwargs);
        folder.write("file", row.before);
        auto kwargs = boost::json::parse(row.kwargs).as_object();
        kwargs["path"] = "file";
        const auto script = script_for("loom.files.line", boost::json::serialize(kwargs));
        CHECK(run_here(folder, script) == script_changed);
        CHECK(folder.read("file") == row.after);
        CHECK(run_here(folder, script) == 0);
        CHECK(folder.read("file") == row.after);
    }
    folder.write("file", "a\n");
    CHECK(run_here(folder, script_for("loom.files.line", R"({"path": "file", "line": "b", "match": "("})")) == 1);
    CHECK(run_here(folder, script_for("loom.files.line", R"({"path": "file", "line": "b\nc"})")) == 1);
    CHECK(run_here(folder, script_for("loom.files.line", R"({"path": "none", "line": "b"})")) == 1);
}

TEST_CASE("a file's link and permissions stay when its text changes") {
    namespace fs = std::filesystem;
    const tests::Folder folder;
    folder.write("file", "a\n");
    fs::permissions(folder.path("file"), fs::perms(0604));
    fs::create_symlink("file", folder.path("link"));
    CHECK(run_here(folder, script_for("loom.files.line", R"({"path": "link", "line": "b"})")) == script_changed);
    CHECK(fs::is_symlink(folder.path("link")));
    CHECK(folder.read("file") == "a\nb\n");
    CHECK((fs::status(folder.path("file")).permissions() & fs::perms::mask) == fs::perms(0604));
}

TEST_CASE("what is removed is what was named") {
    namespace fs = std::filesystem;
    const tests::Folder folder;
    fs::create_directory(folder.path("full"));
    folder.write("full/file", "a");
    fs::create_directory_symlink("full", folder.path("link"));
    CHECK(run_here(folder, script_for("loom.files.remove", R"({"path": "full"})")) == 1);
    CHECK(run_here(folder, script_for("loom.files.remove", R"({"path": "link"})")) == script_changed);
    CHECK(fs::exists(folder.path("full/file")));
    CHECK(run_here(folder, script_for("loom.files.remove", R"({"path": "full/", "recursive": true})")) == script_changed);
    CHECK(!fs::exists(folder.path("full")));
    CHECK(run_here(folder, script_for("loom.files.remove", R"({"path": "full"})")) == 0);
    for (const auto* path : {"/", "//", ".", "..", "a/..", "~", "~/"}) {
        boost::json::object kwargs;
        kwargs["path"] = path;
        kwargs["recursive"] = true;
        CHECK(run_here(folder, script_for("loom.files.remove", boost::json::serialize(kwargs), true)) == 1);
    }
}

TEST_CASE("a script's end is a node's state") {
    const auto end = [](NodeState state, int status, std::string err) {
        Outcome outcome;
        outcome.state = state;
        outcome.exit_status = status;
        outcome.err.text = std::move(err);
        return outcome_of_script(std::move(outcome));
    };
    CHECK(end(NodeState::ok, 0, "").state == NodeState::ok);
    const auto changed = end(NodeState::failed, script_changed, "said\n");
    CHECK(changed.state == NodeState::changed);
    CHECK(changed.exit_status == 0);
    const auto failed = end(NodeState::failed, 1, "first\nthe reason\n\n");
    CHECK(failed.state == NodeState::failed);
    CHECK(failed.message == "the reason");
    CHECK(failed.err.text == "first\n");
    CHECK(end(NodeState::timed_out, 79, "").state == NodeState::timed_out);
}
