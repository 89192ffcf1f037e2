#include "ssh/local_hashes.hpp"

#include "core/async/scope.hpp"
#include "core/base/digest.hpp"
#include "ssh/rig.hpp"

#include <boost/asio/thread_pool.hpp>
#include <future>
#include <thread>

using namespace loom;
using namespace loom::ssh_test;

namespace {

/// A file that was written long enough ago.
LocalEntry settled_file(const std::string& path) {
    const auto entry = list_local(path).value().front();
    while (!LocalHashes::settled(entry.stamp)) std::this_thread::yield();
    return entry;
}

struct HashRig : Rig {
    std::shared_ptr<LocalHashes> hashes = std::make_shared<LocalHashes>(blocking.get_executor());

    std::string hash(const LocalEntry& file) {
        std::string text;
        run([&]() -> awaitable<void> {
            const StopToken none;
            const auto found = co_await hashes->hash(file, none);
            text = found ? *found : found.error().message;
        });
        return text;
    }
};

} // namespace

TEST_CASE("a local file is hashed once, and again when it changed") {
    HashRig rig;
    const auto path = rig.folder.write("file", "one");
    const auto entry = settled_file(path);
    CHECK(rig.hash(entry) == sha256_hex("one"));
    std::filesystem::remove(path);
    CHECK(rig.hash(entry) == sha256_hex("one")); // nobody looked
    rig.folder.write("file", "two");
    CHECK(rig.hash(settled_file(path)) == sha256_hex("two"));
}

TEST_CASE("what is hashed right after a change is not remembered") {
    HashRig rig;
    const auto path = rig.folder.write("file", "one");
    auto entry = settled_file(path);
    // As far as the stamp can tell, it may be changed again without showing.
    entry.stamp.change_seconds = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) + 60;
    CHECK(rig.hash(entry) == sha256_hex("one"));
    std::filesystem::remove(path);
    CHECK(rig.hash(entry).find("No such file") != std::string::npos);
}

TEST_CASE("many who ask at once wait for one reading, and one that stops disturbs no other") {
    Rig rig;
    asio::thread_pool one_thread(1);
    const auto hashes = std::make_shared<LocalHashes>(one_thread.get_executor());
    const auto path = rig.folder.write("file", "one");
    const auto entry = settled_file(path);
    std::promise<void> all_asked;
    asio::post(one_thread, [asked = all_asked.get_future().share()] { asked.wait(); });
    std::vector<std::string> texts(8);
    rig.run([&]() -> awaitable<void> {
        Scope scope(co_await asio::this_coro::executor);
        const StopToken stop;
        for (std::size_t i = 0; i < texts.size(); ++i) {
            auto ask = [&, i]() -> awaitable<void> {
                const auto token = i == 0 ? stop : StopToken();
                const auto found = co_await hashes->hash(entry, token);
                texts[i] = found ? *found : found.error().message;
                if (i == 0) all_asked.set_value();
            };
            scope.spawn(ask);
            auto remove = [&]() -> awaitable<void> {
                asio::post(one_thread, [path] { std::filesystem::remove(path); });
                co_return;
            };
            if (i == 0) scope.spawn(remove); // a second reading would find nothing
        }
        auto end = [&]() -> awaitable<void> {
            stop.request(StopReason::cancelled);
            co_return;
        };
        scope.spawn(end);
        co_await scope.join();
    });
    one_thread.join();
    CHECK(texts[0] == "given up");
    for (std::size_t i = 1; i < texts.size(); ++i) CHECK(texts[i] == sha256_hex("one"));
}
