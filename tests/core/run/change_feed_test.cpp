#include "core/run/change_feed.hpp"

#include "core/async/block_on.hpp"
#include "core/base/limits.hpp"
#include "support/catch.hpp"
#include "support/memory_tokens.hpp"

#include <boost/asio/thread_pool.hpp>

using namespace loom;

namespace {

struct FeedRig {
    asio::thread_pool pool{2}, log_thread{1};
    std::shared_ptr<MemoryChanges> log = std::make_shared<MemoryChanges>();
    ChangeFeed feed{log, log_thread.get_executor()};

    ~FeedRig() {
        feed.close();
        pool.join();
        log_thread.join();
    }
    template <class T>
    T wait(awaitable<T> work) {
        return block_on(pool.get_executor(), std::move(work));
    }
    /// The next so many events: `1 waiting`, `gap`.
    std::vector<std::string> read(std::optional<std::uint64_t> after, std::size_t most) {
        const auto all = [this](std::optional<std::uint64_t> from, std::size_t count) -> awaitable<std::vector<std::string>> {
            auto executor = co_await asio::this_coro::executor;
            auto stream = co_await feed.subscribe(from, std::move(executor));
            std::vector<std::string> told;
            while (told.size() < count) {
                auto event = co_await (*stream)->next();
                if (!event) break;
                told.push_back(words(*event));
            }
            co_return told;
        };
        return wait(all(after, most));
    }
    static std::string words(const Event& event) {
        if (event.type == "gap") return "gap " + std::to_string(event.id);
        return std::to_string(event.id) + " " + std::string(event.data.at("type").as_string());
    }
};

} // namespace

TEST_CASE("a listener that comes back gets what it has missed, in order") {
    FeedRig rig;
    rig.log->add("r1", RunState::running);
    rig.log->add("r1", RunState::ok);
    rig.log->add("r2", RunState::waiting);
    CHECK(rig.read(0, 3) == std::vector<std::string>{"1 loom.run.running", "2 loom.run.ok", "3 loom.run.waiting"});
    CHECK(rig.read(2, 1) == std::vector<std::string>{"3 loom.run.waiting"});
}

TEST_CASE("what is not kept any more is a gap, said with what it leads to") {
    FeedRig rig;
    for (int i = 0; i < 5; ++i) rig.log->add("r", RunState::running);
    rig.log->forget_up_to(3);
    CHECK(rig.read(0, 3) == std::vector<std::string>{"gap 3", "4 loom.run.running", "5 loom.run.running"});
    CHECK(rig.read(3, 2) == std::vector<std::string>{"4 loom.run.running", "5 loom.run.running"});
    rig.log->forget_up_to(5);
    CHECK(rig.read(1, 1) == std::vector<std::string>{"gap 5"});
}

TEST_CASE("who listens is told of each change as it is committed, and the log is read once for all") {
    FeedRig rig;
    rig.log->add("r0", RunState::ok);
    const auto listen = [&rig]() -> awaitable<std::vector<std::string>> {
        auto executor = co_await asio::this_coro::executor;
        std::vector<std::unique_ptr<EventStream>> streams;
        for (int i = 0; i < 20; ++i) {
            auto one = executor;
            auto stream = co_await rig.feed.subscribe(std::nullopt, std::move(one));
            streams.push_back(std::move(*stream));
        }
        const auto before = rig.log->asked;
        rig.log->add("r1", RunState::running);
        rig.log->add("r1", RunState::failed);
        rig.feed.ring();
        std::vector<std::string> told;
        for (auto& stream : streams)
            for (int i = 0; i < 2; ++i) {
                auto event = co_await stream->next();
                told.push_back(FeedRig::words(*event));
            }
        CHECK(rig.log->asked - before <= 2);
        co_return told;
    };
    const auto told = rig.wait(listen());
    REQUIRE(told.size() == 40);
    for (std::size_t i = 0; i < told.size(); i += 2) {
        CHECK(told[i] == "2 loom.run.running");
        CHECK(told[i + 1] == "3 loom.run.failed");
    }
}

TEST_CASE("a listener that takes nothing is in nobody's way, and misses nothing when it does") {
    FeedRig rig;
    const std::size_t changes = limits::event_queue + 1000;
    const auto listen = [&rig, changes]() -> awaitable<std::uint64_t> {
        auto executor = co_await asio::this_coro::executor;
        auto other = executor;
        auto stalled = co_await rig.feed.subscribe(std::nullopt, std::move(executor));
        auto quick = co_await rig.feed.subscribe(std::nullopt, std::move(other));
        for (std::size_t i = 0; i < changes; ++i) rig.log->add("r", RunState::running);
        rig.feed.ring();
        std::uint64_t last = 0;
        for (std::size_t i = 0; i < changes; ++i) last = (co_await (*quick)->next())->id;
        CHECK(last == changes);
        std::uint64_t expected = 0;
        for (std::size_t i = 0; i < changes; ++i) {
            auto event = co_await (*stalled)->next();
            if (event->id == expected + 1) ++expected;
        }
        co_return expected;
    };
    CHECK(rig.wait(listen()) == changes);
}

TEST_CASE("a stream of changes ends when its listener or the feed is closed") {
    FeedRig rig;
    const auto close_one = [&rig]() -> awaitable<bool> {
        auto executor = co_await asio::this_coro::executor;
        auto stream = co_await rig.feed.subscribe(std::nullopt, std::move(executor));
        (*stream)->close();
        auto event = co_await (*stream)->next();
        co_return event.has_value();
    };
    CHECK_FALSE(rig.wait(close_one()));
    rig.feed.close();
    CHECK(rig.read(std::nullopt, 1).empty());
}

TEST_CASE("a change is a CloudEvent whose data is the run, and counts come with its end") {
    StateChange change;
    change.number = 7;
    change.state = RunState::running;
    change.run.id = "0198";
    change.run.job = "backup";
    change.run.state = RunState::failed;
    change.run.message = "why";
    change.run.finished = Instant(std::chrono::seconds(5));
    change.run.counts[static_cast<std::size_t>(NodeState::failed)] = 2;
    auto event = to_event(change);
    CHECK(event.id == 7);
    CHECK(event.type == "run");
    CHECK(event.data.at("specversion") == "1.0");
    CHECK(event.data.at("id") == "7");
    CHECK(event.data.at("source") == "/api/v1/runs/0198");
    CHECK(event.data.at("type") == "loom.run.running");
    CHECK(event.data.at("subject") == "backup");
    const auto& data = event.data.at("data").as_object();
    CHECK(data.at("state") == "running");
    CHECK(data.at("finished").is_null());
    CHECK(data.at("counts").as_object().empty());
    change.state = RunState::failed;
    event = to_event(change);
    CHECK(event.data.at("time") == "1970-01-01T00:00:05Z");
    CHECK(event.data.at("data").as_object().at("counts").as_object().at("failed") == 2);
}
