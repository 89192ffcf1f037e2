#include "app/files/watcher.hpp"
#include "core/async/bell.hpp"
#include "core/async/scope.hpp"
#include "support/catch.hpp"
#include "support/folder.hpp"

#include <boost/asio/thread_pool.hpp>

using namespace loom;
using namespace std::chrono_literals;
using loom::tests::Folder;

namespace {

/// A watcher over a folder's configuration, in one thread; walking happens in another.
struct Watching {
    explicit Watching(const Folder& folder, std::string jobs = "jobs")
        : watcher(pool.get_executor(), {{folder.path("loom.yaml"), folder.path("nodes.yaml")}, folder.path(jobs)}, 10ms),
          bell(io.get_executor()), scope(io.get_executor()) {}

    /// Arms, starts to watch, and lets `steps` run to its end; then stops and joins.
    template <class Steps>
    void run(Steps steps) {
        auto all = [this, steps]() -> awaitable<void> {
            co_await watcher.arm();
            auto watch = [this]() -> awaitable<void> { return watcher.run([this] { bell.ring(); }, stop); };
            scope.spawn(watch);
            co_await steps();
            stop.request(StopReason::shutdown);
            co_await scope.join();
            done = true;
        };
        asio::co_spawn(io, all, [](std::exception_ptr error) {
            if (error) std::rethrow_exception(error);
        });
        io.run();
        CHECK(done);
    }

    /// Whether a change is told; the deadline matters on failure alone.
    awaitable<void> expect_change(std::string what) {
        const bool told = co_await bell.wait_for(60s);
        INFO(what);
        CHECK(told);
    }

    asio::io_context io;
    asio::thread_pool pool{1};
    Watcher watcher;
    Bell bell;
    StopToken stop;
    Scope scope;
    bool done = false;
};

} // namespace

TEST_CASE("a change of a watched file is told") {
    Folder folder;
    folder.write("loom.yaml");
    folder.write("nodes.yaml");
    folder.write("jobs/a.yaml");
    Watching watching(folder);
    auto steps = [&]() -> awaitable<void> {
        folder.write("nodes.yaml", "x");
        co_await watching.expect_change("nodes.yaml written");
        folder.write("new", "y");
        std::filesystem::rename(folder.path("new"), folder.path("loom.yaml"));
        co_await watching.expect_change("loom.yaml replaced by a rename");
        std::filesystem::remove(folder.path("nodes.yaml"));
        co_await watching.expect_change("nodes.yaml removed");
        folder.write("jobs/a.yaml", "z");
        co_await watching.expect_change("a manifest written");
        folder.write("jobs/b.yaml", "z");
        co_await watching.expect_change("a manifest made");
        std::filesystem::remove(folder.path("jobs/a.yaml"));
        co_await watching.expect_change("a manifest removed");
    };
    watching.run(steps);
}

TEST_CASE("new folders below jobspath are watched, at any depth") {
    Folder folder;
    folder.write("loom.yaml");
    folder.write("jobs/a.yaml");
    Watching watching(folder);
    auto steps = [&]() -> awaitable<void> {
        std::filesystem::create_directories(folder.path("jobs/new/deep"));
        co_await watching.expect_change("a folder made");
        folder.write("jobs/new/deep/c.yaml", "z");
        co_await watching.expect_change("a manifest in a new folder");
        std::filesystem::rename(folder.path("jobs/new"), folder.path("jobs/moved"));
        co_await watching.expect_change("a folder renamed");
        folder.write("jobs/moved/deep/c.yaml", "y");
        co_await watching.expect_change("a manifest in a renamed folder");
        std::filesystem::remove_all(folder.path("jobs"));
        co_await watching.expect_change("jobspath removed");
        folder.write("jobs/again/d.yaml", "y");
        co_await watching.expect_change("jobspath made again");
        folder.write("jobs/again/d.yaml", "x");
        co_await watching.expect_change("a manifest below it");
    };
    watching.run(steps);
}

TEST_CASE("links are watched where they stand and where they lead") {
    Folder folder;
    folder.write("loom.yaml");
    folder.write("jobs/a.yaml");
    folder.write("v1/nodes.yaml");
    folder.write("v2/nodes.yaml");
    folder.write("far/b.yaml");
    std::filesystem::create_symlink("v1", folder.path("data"));
    std::filesystem::create_symlink("data/nodes.yaml", folder.path("nodes.yaml"));
    std::filesystem::create_directory_symlink(folder.path("far"), folder.path("jobs/far"));
    Watching watching(folder);
    auto steps = [&]() -> awaitable<void> {
        folder.write("v1/nodes.yaml", "x");
        co_await watching.expect_change("the file behind two links written");
        std::filesystem::create_symlink("v2", folder.path("data.new"));
        std::filesystem::rename(folder.path("data.new"), folder.path("data"));
        co_await watching.expect_change("a link in the middle replaced");
        folder.write("v2/nodes.yaml", "y");
        co_await watching.expect_change("the file behind the new link written");
        folder.write("far/b.yaml", "y");
        co_await watching.expect_change("a manifest in a linked folder written");
    };
    watching.run(steps);
}

TEST_CASE("another list is watched once it is given") {
    Folder folder;
    folder.write("loom.yaml");
    folder.write("other/a.yaml");
    Watching watching(folder);
    auto steps = [&]() -> awaitable<void> {
        watching.watcher.watch({{folder.path("loom.yaml")}, folder.path("other")});
        co_await watching.watcher.arm();
        folder.write("other/a.yaml", "x");
        co_await watching.expect_change("a manifest of the new list");
    };
    watching.run(steps);
}

TEST_CASE("a plan names folders, and what matters in them") {
    Folder folder;
    folder.write("loom.yaml");
    folder.write("jobs/deep/a.yaml");
    folder.write("jobs/.git/x");
    const auto plan = plan_watches({{folder.path("loom.yaml"), folder.path("none/such/nodes.yaml")}, folder.path("jobs")});
    REQUIRE(plan.size() == 3);
    CHECK(plan.at(folder.path("")).names == std::set<std::string>{"jobs", "loom.yaml", "none"});
    CHECK(!plan.at(folder.path("")).manifests);
    CHECK(plan.at(folder.path("jobs")).manifests);
    CHECK(plan.at(folder.path("jobs/deep")).manifests);
    std::filesystem::create_symlink("loop", folder.path("loop"));
    CHECK(plan_watches({{folder.path("loop/x")}, ""}).at(folder.path("")).names == std::set<std::string>{"loop"});
}
