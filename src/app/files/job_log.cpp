#include "app/files/job_log.hpp"

#include "core/base/failpoint.hpp"
#include "core/base/limits.hpp"
#include "core/base/log.hpp"

#include <cerrno>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <unistd.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

bool stays_put(const fs::path& path) {
    if (!path.is_absolute()) return false;
    for (const auto& part : path)
        if (part == "..") return false;
    return true;
}

void make_folders(const fs::path& folder) {
    if (folder.empty() || folder == "/" || ::access(folder.c_str(), F_OK) == 0) return;
    make_folders(folder.parent_path());
    ::mkdir(folder.c_str(), 0750);
}

/// Appends in one write, so that lines of several writers stay whole; returns an errno.
int append_to(const std::string& path, std::string_view text) {
    make_folders(fs::path(path).parent_path());
    // O_NONBLOCK: a FIFO without a reader must not hold the pool's thread.
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
    if (fd < 0) return errno;
    failpoint("joblog.opened");
    int error = 0;
    while (error == 0 && !text.empty()) {
        const auto n = ::write(fd, text.data(), text.size());
        if (n >= 0) text.remove_prefix(static_cast<std::size_t>(n));
        else if (errno != EINTR) error = errno;
    }
    failpoint("joblog.written");
    ::close(fd);
    return error;
}

/// Shared with the write that is in flight, which may outlive the JobLog.
class Queue : public std::enable_shared_from_this<Queue> {
public:
    explicit Queue(Executor blocking) : blocking_(std::move(blocking)) {}

    void push(std::string path, std::string text) {
        const std::lock_guard lock(mutex_);
        if (bytes_ + text.size() > limits::job_log_queue_bytes) {
            ++dropped_;
            return;
        }
        if (dropped_ > 0) text.insert(0, fmt::format("[loom: {} log entries were dropped here]\n", std::exchange(dropped_, 0)));
        bytes_ += text.size();
        entries_.emplace_back(std::move(path), std::move(text));
        if (std::exchange(writing_, true)) return;
        asio::post(blocking_, [self = shared_from_this()] { self->write_all(); });
    }

private:
    void write_all() {
        for (;;) {
            std::pair<std::string, std::string> entry;
            {
                const std::lock_guard lock(mutex_);
                if (entries_.empty()) {
                    writing_ = false;
                    return;
                }
                entry = std::move(entries_.front());
                entries_.pop_front();
                bytes_ -= entry.second.size();
            }
            const int error = append_to(entry.first, entry.second);
            if (error != 0) complain(entry.first, error);
        }
    }

    /// Once for a run of equal failures: a full disk would else fill the daemon's own log. Only the writer is here.
    void complain(const std::string& path, int error) {
        if (error == std::exchange(last_error_, error)) return;
        logs::run.warn({}, "cannot write the job log {}: {}", path, std::strerror(error));
    }

    Executor blocking_;
    std::mutex mutex_;
    std::deque<std::pair<std::string, std::string>> entries_;
    std::size_t bytes_ = 0;
    std::uint64_t dropped_ = 0;
    bool writing_ = false;
    int last_error_ = 0;
};

class QueuedJobLog final : public JobLog {
public:
    explicit QueuedJobLog(Executor blocking) : queue_(std::make_shared<Queue>(std::move(blocking))) {}

    void append(std::string path, std::string text) override {
        if (!stays_put(path)) {
            logs::run.warn({}, "the job log \"{}\" is refused: expected an absolute path without \"..\"", path);
            return;
        }
        queue_->push(std::move(path), std::move(text));
    }

private:
    std::shared_ptr<Queue> queue_;
};

} // namespace

std::unique_ptr<JobLog> create_job_log(Executor blocking) { return std::make_unique<QueuedJobLog>(std::move(blocking)); }

} // namespace loom
