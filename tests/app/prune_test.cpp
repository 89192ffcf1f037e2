#include "app/store/prune.hpp"

#include "app/store/check_ledger.hpp"
#include "app/store/sqlite_store.hpp"
#include "core/base/digest.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/store_records.hpp"

#include <set>

using namespace loom;
using namespace loom::records;
namespace fs = std::filesystem;

namespace {

const std::string large(limits::output_inline_bytes + 1, 'l');

struct Ledger {
    tests::Folder folder;
    std::string path = folder.path("state");
    std::unique_ptr<RunStore> store = open_sqlite_store(path, StoreMode::read_write).value();

    /// A run of one node that ended at this second, with this output.
    void run(const std::string& id, long long second, const std::string& out, const std::string& job = "backup") {
        auto made = make_run(id, job, {"web1"});
        made.due = at(second);
        made.started = at(second);
        put(*store, {created(made), finished(id, 0, out), RunFinished{id, RunState::ok, at(second), ""}});
    }
    std::string own(const std::string& text) const {
        const auto hash = sha256_hex(text);
        return path + "/outputs/" + hash.substr(0, 2) + "/" + hash;
    }
    std::set<std::string> ids() const {
        std::set<std::string> found;
        RunFilter all;
        all.limit = 1000;
        for (const auto& each : store->runs(all).value()) found.insert(each.id);
        return found;
    }
    /// A sound ledger, whatever was taken out of it.
    void check() const {
        const auto found = check_ledger(path).value();
        CAPTURE(found.faults);
        CHECK(found.fault_count == 0);
    }
};

PruneLimits keep(std::uint64_t runs, std::uint64_t bytes = 0) {
    PruneLimits limits;
    limits.bytes = bytes;
    limits.of_job = [runs](const std::string&) {
        Retention each;
        each.age = Milliseconds(0);
        each.runs = runs;
        each.bytes = 0;
        return each;
    };
    return limits;
}

PruneReport prune(const Ledger& ledger, const PruneLimits& limits) {
    const auto pruner = Pruner::open(ledger.path, limits, at(1'000'000)).value();
    for (;;)
        if (!pruner->step().value()) return pruner->report();
}

using Ids = std::set<std::string>;

} // namespace

TEST_CASE("runs beyond their number go with everything that only they had", "[store]") {
    Ledger ledger;
    const auto shared = large + "shared";
    ledger.run("018c-0001", 1, large);
    ledger.run("018c-0002", 2, shared);
    ledger.run("018c-0003", 3, "three\n");
    ledger.run("018c-0004", 4, shared);
    REQUIRE(fs::exists(ledger.own(large)));
    const auto report = prune(ledger, keep(2));
    CHECK(report.runs == 2);
    CHECK(report.nodes == 2);
    CHECK(report.files == 1); // the shared one lives on
    CHECK(report.freed_bytes == large.size());
    CHECK(ledger.ids() == Ids{"018c-0003", "018c-0004"});
    CHECK_FALSE(fs::exists(ledger.own(large)));
    CHECK(output(*ledger.store, "018c-0004", "web1") == shared);
    ledger.check();
    ledger.run("018c-0005", 5, large); // the same text comes anew
    CHECK(output(*ledger.store, "018c-0005", "web1") == large);
    ledger.check();
}

TEST_CASE("a prune leaves the facts from which a job goes on", "[store]") {
    Ledger ledger;
    put(*ledger.store, ScheduleSeen{"backup", "@daily", at(0)});
    ledger.run("018c-0001", 1, "one\n");
    ledger.run("018c-0002", 900, "two\n"); // the greatest instant
    ledger.run("018c-0003", 3, "three\n");
    auto skipped = make_run("018c-0004");
    skipped.state = RunState::skipped;
    skipped.due = at(4);
    skipped.finished = at(4);
    put(*ledger.store, created(skipped));
    auto running = make_run("018c-0000", "other");
    put(*ledger.store, created(running));
    const auto before = ledger.store->facts().value().at("backup");
    PruneLimits limits = keep(0);
    limits.of_job = [](const std::string&) {
        Retention all;
        all.age = Milliseconds(1);
        return all;
    };
    prune(ledger, limits);
    CHECK(ledger.ids() == Ids{"018c-0000", "018c-0002", "018c-0003", "018c-0004"});
    const auto after = ledger.store->facts().value().at("backup");
    CHECK(after.last_due == before.last_due);
    CHECK(after.last_run == before.last_run);
    CHECK(after.schedule_text == "@daily");
    ledger.check();
}

TEST_CASE("output beyond the bytes of all goes with the oldest runs", "[store]") {
    Ledger ledger;
    ledger.run("018c-0001", 1, std::string(100, 'a'), "one");
    ledger.run("018c-0002", 2, std::string(100, 'b'), "two");
    ledger.run("018c-0003", 3, large, "two");
    ledger.run("018c-0004", 4, large, "two"); // one file for both, which weighs nothing more
    ledger.run("018c-0005", 5, std::string(50, 'd'), "");
    CHECK(prune(ledger, keep(0, large.size() + 250)).runs == 0);
    CHECK(prune(ledger, keep(0, large.size() + 60)).runs == 1);
    CHECK(ledger.ids() == Ids{"018c-0001", "018c-0003", "018c-0004", "018c-0005"}); // the newest run of a job stays
    ledger.check();
}

TEST_CASE("one job's runs may go alone", "[store]") {
    Ledger ledger;
    for (const auto* job : {"one", "two"})
        for (int i = 0; i < 3; ++i) ledger.run(std::string("018c-") + job + std::to_string(i), i, "x", job);
    auto limits = keep(1);
    limits.only = "one";
    CHECK(prune(ledger, limits).runs == 2);
    CHECK(ledger.ids() == Ids{"018c-one2", "018c-two0", "018c-two1", "018c-two2"});
}

TEST_CASE("a database of which much is free is made smaller, beside its readers and writers", "[store]") {
    Ledger ledger;
    const std::string text(60'000, 't');
    for (int i = 100; i < 400; ++i) ledger.run("018c-0" + std::to_string(i), i, text + std::to_string(i));
    const auto database = [&] { return fs::file_size(ledger.path + "/loom.db"); };
    const auto reader = open_sqlite_store(ledger.path, StoreMode::read_only).value();
    REQUIRE(output(*reader, "018c-0399", "web1") == text + "399");
    prune(ledger, keep(290)); // little is free: it is taken by what comes
    const auto before = database();
    const auto report = prune(ledger, keep(10));
    CHECK(report.runs == 280);
    CHECK(report.freed_bytes > 200 * text.size());
    CHECK(report.free_bytes < report.freed_bytes / 2);
    CHECK(fs::file_size(ledger.path + "/loom.db-wal") < report.freed_bytes / 2); // else a full disk could not be pruned
    CHECK(output(*reader, "018c-0399", "web1") == text + "399");
    ledger.run("018c-0400", 400, "newer\n");
    CHECK(output(*reader, "018c-0400", "web1") == "newer\n");
    ledger.store.reset(); // moves the log into the database
    CHECK(database() + report.freed_bytes / 2 < before);
    ledger.check();
}

TEST_CASE("what a crash left behind is swept", "[store]") {
    Ledger ledger;
    ledger.run("018c-0001", 1, large);
    ledger.folder.write("state/outputs/ab/ab" + std::string(62, '0'), "stray");
    ledger.folder.write("state/outputs/ab/ab" + std::string(62, '1') + ".part", "part");
    ledger.folder.write("state/outputs/ab/notes.txt", "a person's");
    CHECK(prune(ledger, keep(10)).freed_bytes == 9);
    CHECK(fs::exists(ledger.own(large)));
    CHECK(fs::exists(ledger.path + "/outputs/ab/notes.txt"));
    ledger.folder.write("state/outputs/ab/ab" + std::string(62, '0'), "stray");
    auto quick = keep(10);
    quick.thorough = false;
    CHECK(prune(ledger, quick).freed_bytes == 0);
    ledger.check();
}

TEST_CASE("a large text that comes anew while a prune works is there", "[store]") {
    Ledger ledger;
    ledger.run("018c-0001", 1, large);
    ledger.run("018c-0002", 2, large + "two");
    ledger.run("018c-0003", 3, "three\n");
    put(*ledger.store, created(make_run("018c-0004", "other", {"web1", "web2"}))); // in flight meanwhile
    auto pruner = Pruner::open(ledger.path, keep(1), at(1000)).value();
    REQUIRE(pruner->step().value()); // the runs are gone, and the files still there
    put(*ledger.store, finished("018c-0004", 0, large));
    while (pruner->step().value()) {
    }
    ledger.run("018c-0005", 5, large + "two", "late");
    CHECK(pruner->report().runs == 2);
    CHECK(pruner->report().files == 1);
    pruner.reset();
    CHECK(output(*ledger.store, "018c-0004", "web1") == large);
    CHECK(output(*ledger.store, "018c-0005", "web1") == large + "two");
    ledger.check();
}

TEST_CASE("one process prunes at a time, and a prune of nothing is one", "[store]") {
    Ledger ledger;
    ledger.run("018c-0001", 1, "text\n");
    const auto first = Pruner::open(ledger.path, keep(1), at(0)).value();
    const auto second = Pruner::open(ledger.path, keep(1), at(0));
    REQUIRE(second.has_error());
    CHECK(second.error().code == Errc::conflict);
    CHECK(check_ledger(ledger.path).error().code == Errc::conflict);
    CHECK(Pruner::open(ledger.folder.path("none"), keep(1), at(0)).value() == nullptr);
}
