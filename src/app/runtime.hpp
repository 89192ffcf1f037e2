#pragma once
#include "core/async/asio.hpp"
#include "core/task/registry.hpp"
#include "core/time/clock.hpp"
#include "ssh/library.hpp"

#include <boost/asio/thread_pool.hpp>
#include <thread>
#include <vector>

namespace loom {

/// The process's threads and what lives as long as they do: one is made in `main`, before everything else. Nothing
/// else owns a thread.
class Runtime {
public:
    Runtime();
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;
    /// Joins the threads; whoever started work on them has ended it before.
    ~Runtime();

    Executor io() { return io_.get_executor(); }
    Executor store() { return store_.get_executor(); }       ///< one thread: the ledger's
    Executor blocking() { return blocking_.get_executor(); } ///< files, look-ups, key decryption

    SystemClock clock;
    TaskRegistry tasks = standard_tasks();

private:
    SshLibrary library_;
    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    asio::thread_pool store_{1};
    asio::thread_pool blocking_{4};
    std::vector<std::thread> threads_;
};

/// Raises the soft limit of descriptors to the hard one; returns how many sockets may be open at once.
std::size_t descriptor_budget();

} // namespace loom
