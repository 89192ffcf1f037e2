#include "app/runtime.hpp"

#include "core/base/limits.hpp"

#include <algorithm>
#include <sys/resource.h>

namespace loom {

Runtime::Runtime() {
    const auto count = std::max(1u, std::thread::hardware_concurrency());
    std::vector<Executor> strands;
    for (unsigned i = 0; i < count; ++i) {
        // 1: what is posted by its own thread wakes nobody.
        auto& context = *io_.emplace_back(std::make_unique<asio::io_context>(1));
        work_.push_back(asio::make_work_guard(context));
        strands.emplace_back(context.get_executor());
        threads_.emplace_back([&context] { context.run(); });
    }
    strands_ = Strands(std::move(strands));
}

Runtime::~Runtime() {
    work_.clear();
    for (auto& thread : threads_) thread.join();
    store_.join();
    blocking_.join();
}

std::size_t descriptor_budget() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    // An unlimited or huge limit is bounded by what one machine's ports allow anyway.
    const auto all = std::min<rlim_t>(limit.rlim_cur, 1u << 20);
    return all > 2 * limits::descriptors_reserved ? static_cast<std::size_t>(all - limits::descriptors_reserved)
                                                  : static_cast<std::size_t>(std::max<rlim_t>(16, all / 2));
}

} // namespace loom
