#include "app/store/sqlite.hpp"
#include "app/store/sqlite_store.hpp"

#include "core/base/digest.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/store_records.hpp"

// The text of outputs: small ones beside the results of their commit, each large one in a file.

using namespace loom;
using namespace loom::records;
namespace fs = std::filesystem;

namespace {

std::unique_ptr<RunStore> open(const tests::Folder& folder, StoreMode mode = StoreMode::read_write) {
    return open_sqlite_store(folder.path("state"), mode).value();
}

std::string slurp(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string file_of(const tests::Folder& folder, const std::string& text) {
    const auto hash = sha256_hex(text);
    return folder.path("state") + "/outputs/" + hash.substr(0, 2) + "/" + hash;
}

/// The texts of the rows of `progress`, in the order of their commits.
std::vector<std::string> stored_texts(const tests::Folder& folder) {
    const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_only).value();
    std::vector<std::string> found;
    for (auto rows = database->query("SELECT texts FROM progress ORDER BY key"); rows.next();) found.push_back(rows.text(0));
    return found;
}

const std::string large(limits::output_inline_bytes + 1, 'l');

} // namespace

TEST_CASE("equal outputs of one commit are stored once", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    auto both = finished("018c-aaaa", 2, "same\n");
    both.result.outcome.err.text = "same\n";
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, "same\n"), finished("018c-aaaa", 1, "other\n"), both});
    put(*store, {created("018c-bbbb"), finished("018c-bbbb", 0, "same\n"), finished("018c-bbbb", 1, "")});
    CHECK(stored_texts(folder) == std::vector<std::string>{"same\nother\n", "same\n"});
    CHECK(output(*store, "018c-aaaa", "web3") == "same\n");
    CHECK(store->result("018c-aaaa", "web3").value().outcome.err.text == "same\n");
    CHECK(output(*store, "018c-bbbb", "web1") == "same\n");
    CHECK(output(*store, "018c-bbbb", "web2").empty());
}

TEST_CASE("a node's words are kept as they came", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    auto record = finished("018c-aaaa", 1, std::string("\xff\xfe\0\"[0,\"\n", 9));
    record.result.outcome.message = "\"message\" \\ \xff [0,1] {\"place\":0}\n";
    record.result.outcome.exit_signal = "TERM";
    record.result.outcome.survivors = "12 13";
    record.result.outcome.err = {"", 77};
    record.result.started.reset();
    put(*store, {created("018c-aaaa"), record, finished("018c-aaaa", 0)});
    const auto result = store->result("018c-aaaa", "web2").value();
    CHECK(result.outcome == record.result.outcome);
    CHECK_FALSE(result.started);
    CHECK(result.finished == record.result.finished);
    CHECK(store->result("018c-aaaa", "web1").value().outcome.message.empty());
}

TEST_CASE("equal outputs of several commits are one group", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, "same\n")});
    put(*store, finished("018c-aaaa", 1, "other\n"));
    put(*store, finished("018c-aaaa", 2, "same\n"));
    const auto groups = store->gathered("018c-aaaa").value();
    REQUIRE(groups.size() == 2);
    CHECK(groups[0].nodes == std::vector<std::string>{"web1", "web3"});
    CHECK(groups[0].outcome.out.text == "same\n");
    CHECK(groups[1].outcome.out.text == "other\n");
}

TEST_CASE("a large output has a file of its own, equal ones the same", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    const std::string small(limits::output_inline_bytes, 's');
    auto record = finished("018c-aaaa", 1, large);
    record.result.outcome.out.dropped_bytes = 12;
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, small), record, finished("018c-aaaa", 2, large)});
    put(*store, {created("018c-bbbb"), finished("018c-bbbb", 0, large)});
    CHECK(stored_texts(folder) == std::vector<std::string>{small, ""});
    CHECK(slurp(file_of(folder, large)) == large);
    CHECK(store->result("018c-aaaa", "web2").value().outcome.out == Output{large, 12});
    CHECK(output(*store, "018c-aaaa", "web1") == small);
    CHECK(output(*store, "018c-aaaa", "web3") == large);
    CHECK(output(*store, "018c-bbbb", "web1") == large);
}

TEST_CASE("many results of one commit make several rows", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    std::vector<std::string> targets;
    std::vector<Record> batch;
    for (std::uint32_t i = 0; i < 100; ++i) {
        targets.push_back("n" + std::to_string(i));
        batch.push_back(finished("018c-aaaa", i, std::to_string(i) + std::string(60'000, 'x')));
    }
    put(*store, created(make_run("018c-aaaa", "backup", targets)));
    put(*store, batch);
    CHECK(stored_texts(folder).size() > 3);
    for (std::uint32_t i = 0; i < 100; ++i) CHECK(output(*store, "018c-aaaa", targets[i]) == std::to_string(i) + std::string(60'000, 'x'));
    CHECK(put(*store, finished("018c-aaaa", 99)) == Verdict::duplicate);
}

TEST_CASE("two processes that record of one run know of each other's nodes", "[store]") {
    const tests::Folder folder;
    auto one = open(folder), other = open(folder);
    put(*one, {created("018c-aaaa"), NodesStarted{"018c-aaaa", {0, 1}, at(1)}, finished("018c-aaaa", 0, "one\n")});
    CHECK(put(*other, finished("018c-aaaa", 0, "two\n")) == Verdict::duplicate);
    CHECK(put(*other, finished("018c-aaaa", 1, "two\n")) == Verdict::recorded);
    CHECK(put(*one, finished("018c-aaaa", 1, "one\n")) == Verdict::duplicate);
    put(*one, RunFinished{"018c-aaaa", RunState::ok, at(2), ""});
    const auto counts = one->run("018c-aaaa").value().counts;
    CHECK(counts[static_cast<std::size_t>(NodeState::ok)] == 2);
    CHECK(counts[static_cast<std::size_t>(NodeState::not_started)] == 1);
    CHECK(output(*one, "018c-aaaa", "web2") == "two\n");
}

TEST_CASE("output that was cut short is an error that names its file", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, "one"), finished("018c-aaaa", 1, large)});
    fs::resize_file(file_of(folder, large), 4);
    CHECK(output(*store, "018c-aaaa", "web1") == "one");
    const auto cut = store->result("018c-aaaa", "web2");
    REQUIRE(cut.has_error());
    CHECK(cut.error().code == Errc::unavailable);
    CHECK(cut.error().message.find(file_of(folder, large)) == 0);
    CHECK(store->gathered("018c-aaaa").has_error());
    CHECK(store->results("018c-aaaa").has_value());
}

TEST_CASE("a large text whose file is gone or cut short is written anew when it comes again", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, large)});
    SECTION("gone") { fs::remove(file_of(folder, large)); }
    SECTION("cut short") { fs::resize_file(file_of(folder, large), 4); }
    put(*store, {created("018c-bbbb"), finished("018c-bbbb", 0, large)});
    CHECK(output(*store, "018c-bbbb", "web1") == large);
    CHECK(output(*store, "018c-aaaa", "web1") == large);
}

TEST_CASE("a row that nobody can have written is told as damage", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, "one")});
    const auto body = GENERATE(R"({"at_ms":)", R"({"at_ms":0,"starts":[],"results":[{"state":"well","attempts":1,"nodes":[[0,0,0]]}]})",
                               R"({"at_ms":0,"starts":[],"results":[{"state":"ok","attempts":1,"nodes":[[0,0,0,0,300000000]]}]})");
    const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_write).value();
    database->execute("UPDATE progress SET body = ?", std::string_view(body));
    for (const auto& failed : {store->result("018c-aaaa", "web1").error(), store->results("018c-aaaa").error(), store->gathered("018c-aaaa").error()})
        CHECK(failed.message.find("the database is damaged") != std::string::npos);
}

TEST_CASE("output that cannot be written fails its batch and not the next", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, created("018c-aaaa"));
    fs::create_directories(file_of(folder, large) + ".part");
    const std::vector<Record> batch{finished("018c-aaaa", 0, "one"), finished("018c-aaaa", 1, large)};
    const auto failed = store->commit(batch);
    REQUIRE(failed.has_error());
    CHECK(failed.error().message.find(file_of(folder, large)) == 0);
    CHECK(store->results("018c-aaaa").value()[0].outcome.state == NodeState::queued);
    fs::remove(file_of(folder, large) + ".part");
    put(*store, batch);
    CHECK(output(*store, "018c-aaaa", "web1") == "one");
    CHECK(output(*store, "018c-aaaa", "web2") == large);
}

TEST_CASE("what is gathered has a bound, and each node's own output has none", "[store]") {
    const tests::Folder folder;
    auto store = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
    const std::size_t much = limits::gathered_bytes * 2 / 3;
    put(*store, created("018c-aaaa"));
    put(*store, {finished("018c-aaaa", 0, std::string(much, 'a')), finished("018c-aaaa", 1, std::string(much, 'b')),
                 finished("018c-aaaa", 2, std::string("short"))});
    const auto groups = store->gathered("018c-aaaa").value();
    REQUIRE(groups.size() == 3);
    CHECK(groups[0].outcome.out.text.size() == much);
    CHECK(groups[1].outcome.out.text.empty());
    CHECK(groups[1].outcome.out.dropped_bytes == much);
    CHECK(groups[2].outcome.out.text == "short");
    CHECK(output(*store, "018c-aaaa", "web2").size() == much);
}
