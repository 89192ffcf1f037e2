#include "app/store/backup.hpp"

#include "app/store/check_ledger.hpp"
#include "app/store/sqlite.hpp"
#include "app/store/sqlite_store.hpp"
#include "core/base/digest.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/store_records.hpp"

using namespace loom;
using namespace loom::records;
namespace fs = std::filesystem;

namespace {

const std::string large(limits::output_inline_bytes + 1, 'l');

std::string file_of(const std::string& state) {
    const auto hash = sha256_hex(large);
    return state + "/outputs/" + hash.substr(0, 2) + "/" + hash;
}

std::unique_ptr<RunStore> filled(const tests::Folder& folder) {
    auto store = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
    put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, "one\n"), finished("018c-aaaa", 1, large),
                 RunFinished{"018c-aaaa", RunState::failed, at(1), "why"}});
    put(*store, {created(make_run("018c-bbbb", "other")), finished("018c-bbbb", 0, "two\n")});
    return store;
}

std::string faults(const std::string& state) {
    const auto found = check_ledger(state).value();
    std::string text;
    for (const auto& fault : found.faults) text += fault + "\n";
    CHECK(found.fault_count == found.faults.size());
    return text;
}

void damage(const tests::Folder& folder, const char* sql) {
    const auto database = Database::open(folder.path("state/loom.db"), Database::Mode::read_write).value();
    database->script(sql);
    CHECK_FALSE(database->take_failure());
}

/// Of the first run's row, as if it had been written so.
void rewrite(const tests::Folder& folder, const std::string& words, const std::string& others) {
    const auto database = Database::open(folder.path("state/loom.db"), Database::Mode::read_write).value();
    std::string body, texts;
    {
        auto rows = database->query("SELECT body, texts FROM progress WHERE run = 1");
        REQUIRE(rows.next());
        body = rows.text(0);
        texts = rows.text(1);
    }
    REQUIRE(body.find(words) != std::string::npos);
    body.replace(body.find(words), words.size(), others);
    database->execute("UPDATE progress SET body = ?, hash = ? WHERE run = 1", body, sha256_hex(body + texts));
    CHECK_FALSE(database->take_failure());
}

} // namespace

TEST_CASE("a backup of a store that is written to takes its place", "[store]") {
    const tests::Folder folder;
    auto store = filled(folder);
    folder.write("state/known_hosts", "web1 ssh-ed25519 AAAA\n");
    const auto report = back_up_ledger(folder.path("state"), folder.path("copy")).value();
    CHECK(report.runs == 2);
    CHECK(report.files == 2);
    put(*store, {finished("018c-bbbb", 1, "later\n"), RunFinished{"018c-bbbb", RunState::ok, at(3), ""}});
    CHECK(faults(folder.path("copy")).empty());
    store.reset();
    fs::remove_all(folder.path("state"));
    fs::rename(folder.path("copy"), folder.path("state"));
    const auto restored = open_sqlite_store(folder.path("state"), StoreMode::read_write).value();
    CHECK(output(*restored, "018c-aaaa", "web1") == "one\n");
    CHECK(output(*restored, "018c-aaaa", "web2") == large);
    CHECK(restored->run("018c-aaaa").value().message == "why");
    CHECK(restored->orphans().value() == std::vector<std::string>{"018c-bbbb"}); // it was running
    CHECK(restored->result("018c-bbbb", "web2").value().outcome.state == NodeState::queued);
    CHECK(folder.read("state/known_hosts") == "web1 ssh-ed25519 AAAA\n");
    put(*restored, {created("018c-cccc"), finished("018c-cccc", 0, "three\n")});
    CHECK(output(*restored, "018c-cccc", "web1") == "three\n");
}

TEST_CASE("a backup is whole or not there", "[store]") {
    const tests::Folder folder;
    const auto store = filled(folder);
    folder.write("there/file");
    CHECK(back_up_ledger(folder.path("state"), folder.path("there")).error().code == Errc::conflict);
    CHECK(back_up_ledger(folder.path("none"), folder.path("copy")).error().code == Errc::not_found);
    fs::remove(file_of(folder.path("state")));
    CHECK(back_up_ledger(folder.path("state"), folder.path("copy")).error().code == Errc::unavailable);
    std::size_t left = 0;
    for (const auto& entry : fs::directory_iterator(folder.path(""))) left += entry.path().filename().string().starts_with("copy");
    CHECK(left == 0);
}

TEST_CASE("a backup of a damaged database names that, and not the copy", "[store]") {
    const tests::Folder folder;
    filled(folder).reset();
    const auto whole = folder.read("state/loom.db");
    std::size_t refused = 0;
    for (std::size_t page = 1; page < whole.size() / 4096; ++page) {
        auto text = whole;
        text.replace(page * 4096, 4096, 4096, 'x');
        folder.write("state/loom.db", text);
        const auto done = back_up_ledger(folder.path("state"), folder.path("copy"));
        fs::remove_all(folder.path("copy"));
        if (done) continue; // a page of an index, which a copy makes anew
        ++refused;
        CAPTURE(page);
        CHECK(done.error().message.starts_with(folder.path("state/loom.db") + ": the database is damaged: "));
        CHECK(done.error().message.find("copy") == std::string::npos);
    }
    CHECK(refused > 0);
}

TEST_CASE("a check finds what is wrong with rows and outputs", "[store]") {
    const tests::Folder folder;
    filled(folder).reset();
    const auto state = folder.path("state");
    REQUIRE(faults(state).empty());
    const auto row = std::string("run 018c-aaaa, row 1 of its progress");
    SECTION("a text that was changed") {
        damage(folder, "UPDATE progress SET texts = CAST('onE' || char(10) AS BLOB) WHERE run = 1");
        CHECK(faults(state).starts_with(row + ": other bytes than those that were written\n"));
    }
    SECTION("a result that was changed") {
        damage(folder, R"(UPDATE progress SET body = replace(body, '"ok"', '"failed"') WHERE run = 1)");
        CHECK(faults(state).starts_with(row + ": other bytes than those that were written\n"));
    }
    SECTION("a large text that was changed") {
        folder.write("state/outputs/" + file_of("").substr(9), std::string(large.size(), 'L'));
        CHECK(faults(state) == file_of(state) + ": other bytes than those that were written\n");
    }
    SECTION("a large text that was cut short") {
        fs::resize_file(file_of(state), 8);
        CHECK(faults(state).starts_with(file_of(state) + ": ends before byte"));
    }
    SECTION("a file that is gone") {
        fs::remove(file_of(state));
        CHECK(faults(state).find(file_of(state) + ": cannot open: No such file") != std::string::npos);
    }
    SECTION("a sum that does not fit") {
        damage(folder, R"(UPDATE runs SET counts = '{"ok":3}' WHERE id = '018c-aaaa')");
        CHECK(faults(state) == "run 018c-aaaa: its states are summed up as {\"ok\":3}, but are {\"ok\":2,\"not_started\":1}\n");
    }
    SECTION("a node that is no target") {
        rewrite(folder, "[1,", "[7,");
        CHECK(faults(state).starts_with(row + ": a node at place 7 of 3, or twice\n"));
    }
    SECTION("a node that has ended twice") {
        rewrite(folder, "[1,", "[0,");
        CHECK(faults(state).starts_with(row + ": a node at place 0 of 3, or twice\n"));
    }
    SECTION("a row of another run") {
        damage(folder, "UPDATE progress SET run = 2 WHERE run = 1");
        CHECK(faults(state) == row + ": it names another run\n");
    }
    SECTION("outputs that are counted wrong") {
        damage(folder, "UPDATE runs SET text_bytes = 5 WHERE id = '018c-aaaa'");
        CHECK(faults(state) == "run 018c-aaaa: outputs of 4 bytes, but 5 are counted\n");
    }
    SECTION("a row without what it names") {
        damage(folder, "DELETE FROM files");
        CHECK(faults(state) == "foreign_key_check: file_uses\n" + row + ": no row names the file " + sha256_hex(large) + "\n");
    }
    SECTION("pages that are none") {
        std::fstream file(state + "/loom.db", std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(4096 * 2);
        file << std::string(4096, 'x');
        file.close();
        CHECK_FALSE(faults(state).empty());
    }
}

TEST_CASE("a check of a database that nobody can read names it and says what to do", "[store]") {
    const tests::Folder folder;
    filled(folder).reset();
    const auto state = folder.path("state"), path = state + "/loom.db";
    fs::remove(path + "-wal");
    SECTION("cut short") { fs::resize_file(path, 1000); }
    SECTION("empty") { fs::resize_file(path, 0); }
    SECTION("empty, and no output was ever kept") {
        fs::resize_file(path, 0);
        fs::remove_all(state + "/outputs");
    }
    SECTION("no database at all") { folder.write("state/loom.db", std::string(8192, '?')); }
    const auto found = faults(state);
    CHECK(found.starts_with(path + ": the database is damaged: "));
    CHECK(found.ends_with("; restore a folder that `loom db backup` made, or move this one away to begin anew\n"));
}
