#pragma once
#include "app/worker/process.hpp"
#include "core/async/scope.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/json/object.hpp>
#include <deque>

namespace loom {

/// Hears what a worker says. On the worker's strand.
class WorkerListener {
public:
    virtual ~WorkerListener() = default;
    /// A message, and the file that came with it. An error is what the worker is ended for: it said what it may not.
    /// `bytes` is its length as it came.
    virtual Result<void> heard(boost::json::object message, Descriptor file, std::size_t bytes) = 0;
    /// What it wrote to its standard output or error.
    virtual void printed(bool err, std::string_view bytes) = 0;
    /// The process is gone, for this reason. Nothing more is heard.
    virtual void gone(const std::string& why) = 0;
};

/// A worker's process and channel, from its start to its end. Lives on one strand, and is joined (`end`) before it goes.
class Worker {
public:
    Worker(const Executor& strand, WorkerProcess process);
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker();

    const Executor& strand() const { return strand_; }
    bool alive() const { return !gone_; }
    /// Of the launcher, below which all its processes are.
    pid_t pid() const { return pid_; }

    /// Who hears it from now on; with nobody it has nothing to say.
    void listen(WorkerListener* listener) {
        listener_ = listener;
        said_ = 0;
    }
    /// Sends a message, behind those that wait.
    void send(const boost::json::object& message);
    /// What waits to be sent, in bytes.
    std::size_t unsent() const { return unsent_; }
    /// What it has printed until now is heard when this returns.
    void hear_printed();

    /// Asks its processes to end: SIGTERM.
    void terminate();
    /// Ends it and all that it has started; `why` is then the reason.
    void kill(std::string why);
    /// Ends it, and returns when nothing of it is left.
    awaitable<void> end();

private:
    using Stream = asio::posix::stream_descriptor;

    awaitable<void> live();
    awaitable<std::string> read_channel();
    Result<bool> take_some();
    Result<void> hear(Frame frame);
    awaitable<void> await_end(bool by_itself);
    awaitable<void> read_output(Stream& from, bool err);
    awaitable<void> write();
    void signal(int number, bool group);
    bool says_too_much(std::size_t bytes);

    Executor strand_;
    pid_t pid_;
    Stream ended_, channel_, out_, err_;
    FrameReader frames_;
    std::string buffer_;
    std::deque<std::string> queue_;
    std::size_t unsent_ = 0;
    std::size_t said_ = 0; ///< without being asked, since somebody listens or nobody does
    bool writing_ = false, gone_ = false, reaped_ = false;
    std::string fault_; ///< what it is ended for
    WorkerListener* listener_ = nullptr;
    Scope readers_, children_;
};

} // namespace loom
