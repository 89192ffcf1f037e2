#pragma once
// The few Asio names that the project uses, in one place: what is not here is not used (see docs/architecture.md).
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace loom {

namespace asio = boost::asio;
using boost::system::error_code;
using asio::awaitable;

/// Completion token for every I/O wait: errors are values, `auto [ec, n] = co_await …(tup)`.
inline constexpr auto tup = asio::as_tuple(asio::use_awaitable);

using Executor = asio::any_io_executor;

/// A new strand on the executor's context: at most one of its handlers runs at a time.
inline Executor make_strand(const Executor& executor) { return asio::make_strand(executor); }

} // namespace loom
