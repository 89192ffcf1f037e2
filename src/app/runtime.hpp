#pragma once
#include "core/async/strands.hpp"
#include "core/task/registry.hpp"
#include "core/time/clock.hpp"
#include "ssh/library.hpp"

#include <boost/asio/thread_pool.hpp>
#include <memory>
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

    const Strands& strands() const { return strands_; }
    const Executor& io() const { return strands_.at(0); }   ///< one of them
    Executor store() { return store_.get_executor(); }       ///< one thread: the ledger's
    Executor blocking() { return blocking_.get_executor(); } ///< files, look-ups, key decryption

    SystemClock clock;
    TaskRegistry tasks = standard_tasks();

private:
    SshLibrary library_;
    using Work = asio::executor_work_guard<asio::io_context::executor_type>;
    std::vector<std::unique_ptr<asio::io_context>> io_; ///< one a thread
    std::vector<Work> work_;
    Strands strands_;
    asio::thread_pool store_{1};
    asio::thread_pool blocking_{4};
    std::vector<std::thread> threads_;
};

/// Raises the soft limit of descriptors to the hard one; returns how many sockets may be open at once.
std::size_t descriptor_budget();

} // namespace loom
