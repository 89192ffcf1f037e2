#include "app/store/sqlite_store.hpp"

#include "app/store/locks.hpp"
#include "app/store/sqlite.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"
#include "support/store_records.hpp"

#include <csignal>
#include <fcntl.h>
#include <set>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

// Several processes on one store, and those that die.

using namespace loom;
using namespace loom::records;
namespace fs = std::filesystem;

namespace {

std::unique_ptr<RunStore> open(const tests::Folder& folder, StoreMode mode = StoreMode::read_write) {
    return open_sqlite_store(folder.path("state"), mode).value();
}

/// A process of its own that does `work` and never comes back; killed with the object. Pipes both ways.
class Child {
public:
    template <class F>
    explicit Child(F work) {
        int up[2], down[2];
        REQUIRE(::pipe2(up, O_CLOEXEC) == 0);
        REQUIRE(::pipe2(down, O_CLOEXEC) == 0);
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::close(up[0]);
            ::close(down[1]);
            work(down[0], up[1]);
            ::_exit(0);
        }
        ::close(up[1]);
        ::close(down[0]);
        from_ = up[0];
        to_ = down[1];
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        kill();
        ::close(from_);
        ::close(to_);
    }

    void kill() {
        if (pid_ <= 0)
            return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    std::string id() const { return std::to_string(pid_); }
    /// The next number that the child has reported; false at the end.
    bool hear(std::uint32_t& number) const { return ::read(from_, &number, sizeof number) == sizeof number; }
    void tell(std::uint32_t number) const { REQUIRE(::write(to_, &number, sizeof number) == sizeof number); }

private:
    pid_t pid_ = 0;
    int from_ = -1, to_ = -1;
};

void report(int pipe, std::uint32_t number) {
    if (::write(pipe, &number, sizeof number) != sizeof number)
        ::_exit(1);
}

void await_word(int pipe) {
    std::uint32_t word = 0;
    if (::read(pipe, &word, sizeof word) != sizeof word)
        ::_exit(1);
}

std::string numbered(const char* prefix, std::uint32_t number) {
    auto digits = std::to_string(number);
    return prefix + std::string(6 - digits.size(), '0') + digits;
}

void check_integrity(const tests::Folder& folder) {
    const auto database = Database::open(folder.path("state") + "/loom.db", Database::Mode::read_only).value();
    auto rows = database->query("PRAGMA integrity_check");
    REQUIRE(rows.next());
    CHECK(rows.text(0) == "ok");
}

} // namespace

TEST_CASE("what was committed survives kill -9 at any point", "[store]") {
    const tests::Folder folder;
    std::set<std::string> expected;
    for (std::uint32_t round = 0; round < 20; ++round) {
        {
            Child child([&](int, int up) {
                auto store = open_sqlite_store(folder.path("state"), StoreMode::read_write);
                if (!store)
                    ::_exit(1);
                for (std::uint32_t i = 0;; ++i) {
                    const auto id = numbered("018c-", round * 1000 + i);
                    const auto large = i % 3 == 0 ? std::string(limits::output_inline_bytes + i + 1, 'x') : id;
                    const std::vector<Record> batch{created(id), NodesStarted{id, {0, 1}, at(1)}, finished(id, 0, id),
                                                    finished(id, 1, large)};
                    if (!(*store)->commit(batch))
                        ::_exit(1);
                    report(up, round * 1000 + i);
                }
            });
            std::uint32_t number = 0;
            for (std::uint32_t heard = 0; heard < 1 + round % 5; ++heard) {
                REQUIRE(child.hear(number));
                expected.insert(numbered("018c-", number));
            }
            child.kill();
            while (child.hear(number))
                expected.insert(numbered("018c-", number)); // said before it died
        }
        auto store = open(folder);
        for (const auto& orphan : store->orphans().value()) {
            put(*store, RunFinished{orphan, RunState::interrupted, at(2), "died"});
            const auto run = store->run(orphan).value();
            CHECK(sum(run) == 3);
            expected.erase(orphan);
            CHECK(output(*store, orphan, "web1") == orphan);
            CHECK(output(*store, orphan, "web2").size() >= orphan.size());
        }
        CHECK(expected.empty()); // each was there, and an orphan
        expected.clear();
        check_integrity(folder);
    }
    CHECK(fs::is_empty(folder.path("state") + "/runs"));
}

TEST_CASE("two processes write in turn, and each sees what the other did", "[store]") {
    const tests::Folder folder;
    open(folder);
    constexpr std::uint32_t rounds = 10;
    const auto write = [&](RunStore& store, const char* prefix, std::uint32_t i) {
        const auto id = numbered(prefix, i);
        return store.commit(std::vector<Record>{created(id), finished(id, 0, id), finished(id, 1, "same"),
                                                RunFinished{id, RunState::ok, at(1), ""}});
    };
    const Child child([&](int down, int up) {
        auto store = open_sqlite_store(folder.path("state"), StoreMode::read_write);
        if (!store)
            ::_exit(1);
        for (std::uint32_t i = 0; i < rounds; ++i) {
            await_word(down);
            if (!(*store)->run(numbered("aaaa-", i)) || !write(**store, "bbbb-", i))
                ::_exit(1);
            report(up, i);
        }
        await_word(down); // stays until the pipe closes
    });
    auto store = open(folder);
    for (std::uint32_t i = 0; i < rounds; ++i) {
        REQUIRE(write(*store, "aaaa-", i).has_value());
        child.tell(i);
        std::uint32_t echo = 0;
        REQUIRE(child.hear(echo));
        CHECK(output(*store, numbered("bbbb-", i), "web1") == numbered("bbbb-", i));
        CHECK(output(*store, numbered("bbbb-", i), "web2") == "same");
    }
    RunFilter all;
    all.limit = 100;
    CHECK(store->runs(all).value().size() == 2 * rounds);
    check_integrity(folder);
}

TEST_CASE("two processes that write at once lose nothing", "[store]") {
    const tests::Folder folder;
    open(folder);
    constexpr std::uint32_t rounds = 40;
    const auto write_all = [&](RunStore& store, const char* prefix) {
        for (std::uint32_t i = 0; i < rounds; ++i) {
            const auto id = numbered(prefix, i);
            const std::vector<Record> batch{created(id), finished(id, 0, id), finished(id, 1, std::to_string(i)),
                                            RunFinished{id, RunState::ok, at(1), ""}};
            if (!store.commit(batch))
                return false;
        }
        return true;
    };
    const Child child([&](int, int up) {
        auto store = open_sqlite_store(folder.path("state"), StoreMode::read_write);
        if (!store || !write_all(**store, "bbbb-"))
            ::_exit(1);
        report(up, rounds);
    });
    auto store = open(folder);
    CHECK(write_all(*store, "aaaa-"));
    std::uint32_t done = 0;
    REQUIRE(child.hear(done));
    for (const auto* prefix : {"aaaa-", "bbbb-"}) {
        for (std::uint32_t i = 0; i < rounds; ++i) {
            const auto id = numbered(prefix, i);
            CHECK(output(*store, id, "web1") == id);
            CHECK(output(*store, id, "web2") == std::to_string(i));
        }
    }
    check_integrity(folder);
}

TEST_CASE("a run is an orphan when its process is gone, and only then", "[store]") {
    const tests::Folder folder;
    auto store = open(folder);
    Child child([&](int down, int up) {
        auto own = open_sqlite_store(folder.path("state"), StoreMode::read_write);
        if (!own || !(*own)->commit(std::vector<Record>{created("018c-aaaa")}))
            ::_exit(1);
        report(up, 1);
        await_word(down);
    });
    std::uint32_t ready = 0;
    REQUIRE(child.hear(ready));
    CHECK(store->orphans().value().empty());
    CHECK(open(folder, StoreMode::read_only)->orphans().value().empty());
    child.kill();
    CHECK(open(folder, StoreMode::read_only)->orphans().value() == std::vector<std::string>{"018c-aaaa"});
    CHECK(store->orphans().value() == std::vector<std::string>{"018c-aaaa"});
    put(*store, RunFinished{"018c-aaaa", RunState::interrupted, at(1), ""});
    CHECK(store->orphans().value().empty());
    CHECK_FALSE(fs::exists(folder.path("state") + "/runs/018c-aaaa.lock"));
}

TEST_CASE("a writer waits for its turn only so long, and says who has it", "[store]") {
    const tests::Folder folder;
    const auto path = folder.path("write.lock");
    Child child([&](int down, int up) {
        const auto lock = FileLock::try_take(path);
        report(up, lock.has_value());
        await_word(down);
    });
    std::uint32_t taken = 0;
    REQUIRE(child.hear(taken));
    REQUIRE(taken == 1);
    const auto refused = FileLock::wait(path, std::chrono::milliseconds(20));
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == Errc::unavailable);
    CHECK(refused.error().message.starts_with(path + ": process " + child.id() + " ("));
    CHECK(refused.error().message.ends_with(") has held it for more than 20ms"));
    child.kill();
    CHECK(FileLock::wait(path, std::chrono::milliseconds(0)).has_value());
}

TEST_CASE("a lock whose file another one has replaced is taken on that one", "[store]") {
    const tests::Folder folder;
    const auto path = folder.path("lock");
    LockTurns turns(path);
    REQUIRE(turns.wait().has_value());
    std::filesystem::rename(path, path + ".old");
    SECTION("there is another") { folder.write("lock"); }
    SECTION("there is none") {}
    const auto turn = turns.wait();
    REQUIRE(turn.has_value());
    CHECK(FileLock::try_take(path).error().code == Errc::conflict);
    CHECK(FileLock::try_take(path + ".old").has_value());
}

TEST_CASE("a full disk fails the batch with a name, and space brings the store back", "[store]") {
    const tests::Folder folder;
    std::string name;
    std::vector<Record> batch{created("018c-aaaa")};
    SECTION("for the database") {
        name = folder.path("state") + "/loom.db: ";
        batch = {created("018c-aaaa"), finished("018c-aaaa", 0, "")};
        std::get<NodeFinished>(batch[1]).result.outcome.message.assign(200'000, 'm');
    }
    SECTION("for a large output") {
        name = folder.path("state") + "/outputs/";
        batch.push_back(finished("018c-aaaa", 0, std::string(200'000, 'a')));
    }
    // In a process of its own, because the limit on files holds for the whole process.
    const Child child([&](int, int up) {
        auto store = open_sqlite_store(folder.path("state"), StoreMode::read_write);
        if (!store)
            ::_exit(1);
        std::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        const auto before = std::exchange(limit.rlim_cur, 150'000);
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const auto refused = (*store)->commit(batch);
        report(up, refused.has_error() && refused.error().message.starts_with(name));
        report(up, (*store)->run("018c-aaaa").has_error());
        limit.rlim_cur = before;
        ::setrlimit(RLIMIT_FSIZE, &limit);
        report(up, (*store)->commit(batch).has_value());
        report(up, (*store)->results("018c-aaaa").has_value());
    });
    for (int step = 0; step < 4; ++step) {
        std::uint32_t fine = 0;
        INFO("step " << step);
        REQUIRE(child.hear(fine));
        CHECK(fine == 1);
    }
}
