#include "core/async/scope.hpp"
#include "support/catch.hpp"

using namespace loom;

namespace {

/// Notes how many children the scope had when this went.
struct Witness {
    const Scope& scope;
    std::size_t& live;
    ~Witness() { live = scope.live(); }
};

} // namespace

TEST_CASE("what a child was made of goes while the scope still waits for it") {
    const bool throws = GENERATE(false, true);
    asio::io_context io;
    Scope scope(io.get_executor());
    std::size_t live = 0;
    scope.spawn([witness = std::make_unique<Witness>(scope, live), throws]() -> awaitable<void> {
        if (throws) throw std::runtime_error("a bug");
        co_return;
    });
    io.run();
    CHECK(live == 1);
    CHECK(scope.live() == 0);
}
