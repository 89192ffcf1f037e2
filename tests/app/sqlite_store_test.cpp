#include "app/store/sqlite_store.hpp"

#include "app/store/sqlite.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/store_records.hpp"

// Opening, and what is refused: other versions, damage, folders that cannot be used.

using namespace loom;
using namespace loom::records;
namespace fs = std::filesystem;

namespace {

std::unique_ptr<RunStore> open(const tests::Folder& folder, StoreMode mode = StoreMode::read_write) {
    return open_sqlite_store(folder.path("state"), mode).value();
}

std::string failure(const tests::Folder& folder, StoreMode mode = StoreMode::read_write) {
    const auto store = open_sqlite_store(folder.path("state"), mode);
    const auto asked = store ? (*store)->orphans() : store.error(); // one for reading is opened by the first question
    REQUIRE(asked.has_error());
    CHECK(asked.error().code == Errc::unavailable);
    return asked.error().message;
}

std::string slurp(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void spill(const std::string& path, const std::string& text, std::ios::openmode mode = std::ios::trunc) {
    std::ofstream(path, std::ios::binary | mode) << text;
}

} // namespace

TEST_CASE("a store that is opened again has what was committed", "[store]") {
    const tests::Folder folder;
    {
        auto store = open(folder);
        put(*store, {created("018c-aaaa"), finished("018c-aaaa", 0, "hello\n"),
                     RunFinished{"018c-aaaa", RunState::failed, at(1), "why"}});
    }
    CHECK_FALSE(fs::exists(folder.path("state") + "/runs/018c-aaaa.lock"));
    for (const auto mode : {StoreMode::read_write, StoreMode::read_only}) {
        auto store = open(folder, mode);
        CHECK(store->run("018c-aaaa").value().message == "why");
        CHECK(output(*store, "018c-aaaa", "web1") == "hello\n");
    }
}

TEST_CASE("the state folder is its owner's alone", "[store]") {
    const tests::Folder folder;
    fs::create_directory(folder.path("state"));
    fs::permissions(folder.path("state"), fs::perms(0755));
    open(folder);
    CHECK(fs::status(folder.path("state")).permissions() == fs::perms(0700));
}

TEST_CASE("a reader of a store that does not exist sees an empty one, and the store once it is there", "[store]") {
    const tests::Folder folder;
    auto reader = open(folder, StoreMode::read_only);
    CHECK(reader->runs({}).value().empty());
    CHECK(reader->facts().value().empty());
    CHECK(reader->orphans().value().empty());
    CHECK(reader->run("018c").error().code == Errc::not_found);
    const std::vector<Record> batch{created("018c-aaaa")};
    CHECK(reader->commit(batch).error().code == Errc::unavailable);
    CHECK_FALSE(fs::exists(folder.path("state")));

    auto writer = open(folder);
    put(*writer, created("018c-aaaa"));
    CHECK(reader->runs({}).value().size() == 1);
    CHECK(reader->orphans().value().empty());
    put(*writer, RunFinished{"018c-aaaa", RunState::ok, at(1), ""});
    CHECK(reader->run("018c-aaaa").value().state == RunState::ok);
}

TEST_CASE("a refused or failed run leaves no lock behind", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, created("018c-aaaa"));
    auto second = created("018c-bbbb");
    second.exclusive = true;
    put(*store, second);
    CHECK_FALSE(fs::exists(folder.path("state") + "/runs/018c-bbbb.lock"));

    // A folder in the place of the lock of a later run: the batch fails as a whole.
    fs::create_directory(folder.path("state") + "/runs/018c-dddd.lock");
    const std::vector<Record> batch{created("018c-cccc"), created("018c-dddd")};
    const auto refused = store->commit(batch);
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::unavailable);
    CHECK(refused.error().message.find("018c-dddd.lock") != std::string::npos);
    CHECK_FALSE(fs::exists(folder.path("state") + "/runs/018c-cccc.lock"));
    CHECK(store->run("018c-cccc").error().code == Errc::not_found);
    put(*store, created("018c-cccc")); // and the store goes on
    CHECK(fs::exists(folder.path("state") + "/runs/018c-cccc.lock"));
}

TEST_CASE("a database of a newer loom is refused, and one of none is no error", "[store]") {
    const tests::Folder folder;
    open(folder);
    {
        const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_write).value();
        database->script("PRAGMA user_version = 99");
        REQUIRE_FALSE(database->failed());
    }
    for (const auto mode : {StoreMode::read_write, StoreMode::read_only}) {
        const auto message = failure(folder, mode);
        CHECK(message.find("loom.db: written by a newer loom (schema 99, this one knows ") != std::string::npos);
    }
    const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_only).value();
    auto rows = database->query("PRAGMA user_version");
    REQUIRE(rows.next());
    CHECK(rows.integer(0) == 99);
}

TEST_CASE("an empty database file is a store that is about to be", "[store]") {
    const tests::Folder folder;
    fs::create_directory(folder.path("state"));
    spill(folder.path("state") + "/loom.db", "");
    CHECK(open(folder, StoreMode::read_only)->runs({}).value().empty());
    put(*open(folder), created("018c-aaaa"));
}

TEST_CASE("the ledger's files are their owner's alone", "[store]") {
    const tests::Folder folder;
    const auto lend_all = [&](fs::perms mode) {
        for (const auto* name : {"loom.db", "loom.db-wal", "loom.db-shm"}) fs::permissions(folder.path("state/") + name, mode);
    };
    const auto check_all = [&] {
        for (const auto* name : {"loom.db", "loom.db-wal", "loom.db-shm"}) {
            CAPTURE(name);
            CHECK(fs::status(folder.path("state/") + name).permissions() == fs::perms(0600));
        }
    };
    const auto store = open(folder);
    put(*store, created("018c-aaaa"));
    check_all();
    lend_all(fs::perms(0644)); // as they were made once
    open(folder);
    check_all();
}

TEST_CASE("a database that is removed or replaced under its process is told, and written again once it is back", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, created("018c-aaaa"));
    const auto path = folder.path("state") + "/loom.db";
    const auto refused = [&] {
        const Record more = created("018c-bbbb");
        const auto verdicts = store->commit({&more, 1});
        REQUIRE(verdicts.has_error());
        CHECK(verdicts.error().code == Errc::unavailable);
        CHECK(verdicts.error().message == path + " was removed or replaced while it was in use: put it back, or start Loom anew");
    };
    fs::rename(path, folder.path("aside"));
    refused();
    fs::copy_file(folder.path("aside"), path);
    refused();
    fs::rename(folder.path("aside"), path);
    CHECK(put(*store, created("018c-bbbb")) == Verdict::recorded);
}

TEST_CASE("a database file that is gone makes room for a new store", "[store]") {
    const tests::Folder folder;
    put(*open(folder), {created("018c-aaaa"), finished("018c-aaaa", 0, "one\n")});
    fs::remove(folder.path("state") + "/loom.db");
    fs::remove(folder.path("state") + "/loom.db-wal");
    put(*open(folder), created("018c-bbbb"));
}

TEST_CASE("a database file that is gone while its log has records is told, and nothing begins anew", "[store]") {
    const tests::Folder folder;
    const auto path = folder.path("state") + "/loom.db";
    open(folder);
    fs::remove(path);
    spill(path + "-wal", "records");
    CHECK(failure(folder).find(path + ": it is gone, and " + path + "-wal has records for it") == 0);
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a damaged database is named as such", "[store]") {
    const tests::Folder folder;
    open(folder);
    SECTION("nothing in it, beside a folder for outputs") {
        spill(folder.path("state") + "/loom.db", "");
        fs::remove(folder.path("state") + "/loom.db-wal");
    }
    SECTION("no database at all") { spill(folder.path("state") + "/loom.db", std::string(8192, '?')); }
    SECTION("its first page is gone") {
        auto text = slurp(folder.path("state") + "/loom.db");
        REQUIRE(text.size() > 4096);
        text.replace(100, 3996, 3996, '\x5a');
        spill(folder.path("state") + "/loom.db", text);
    }
    for (const auto mode : {StoreMode::read_write, StoreMode::read_only}) {
        std::string message;
        auto store = open_sqlite_store(folder.path("state"), mode);
        if (store) { // the header was whole: the first question finds out
            const auto runs = (*store)->runs({});
            REQUIRE(runs.has_error());
            message = runs.error().message;
        } else {
            message = store.error().message;
        }
        CHECK(message.find(folder.path("state") + "/loom.db: the database is damaged") == 0);
    }
}

TEST_CASE("a state folder that cannot be made or written is named", "[store]") {
    const tests::Folder folder;
    SECTION("a file is in its place") { spill(folder.path("state"), "x"); }
    SECTION("a file is in the place of its parts") {
        fs::create_directory(folder.path("state"));
        spill(folder.path("state") + "/outputs", "x");
    }
    SECTION("a folder is in the place of the database") { fs::create_directories(folder.path("state") + "/loom.db"); }
    SECTION("a folder is in the place of the write lock") { fs::create_directories(folder.path("state") + "/write.lock"); }
    CHECK(failure(folder).find(folder.path("state")) == 0);
}

TEST_CASE("a reader's connection cannot write", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    put(*store, created("018c-aaaa"));
    const auto reader = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_only).value();
    reader->execute("DELETE FROM runs");
    const auto refused = reader->take_failure();
    REQUIRE(refused);
    CHECK(refused->message.find("loom.db: attempt to write a readonly database") != std::string::npos);
    CHECK(store->runs({}).value().size() == 1);
}
