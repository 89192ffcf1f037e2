#include "core/async/block_on.hpp"

#include <boost/asio/use_future.hpp>

namespace loom {

void block_on(const Executor& executor, awaitable<void> work) {
    asio::co_spawn(make_strand(executor), std::move(work), asio::use_future).get();
}

} // namespace loom
