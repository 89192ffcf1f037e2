#pragma once
#include "core/async/asio.hpp"

#include <functional>

namespace loom {

/// Runs the coroutine on `executor` and resumes where it was called; at once where that is the same one. What the work
/// captures by reference is held by the awaiter. Exceptions come back to the caller.
awaitable<void> run_on(Executor executor, std::function<awaitable<void>()> work);

} // namespace loom
