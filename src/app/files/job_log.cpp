#include "app/files/job_log.hpp"

#include "app/files/log_siblings.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/limits.hpp"
#include "core/base/log.hpp"

#include <cerrno>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
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

/// Gives a file that would pass its bound another name. The next write begins a new one.
void rotate(const LogEntry& entry, std::int64_t now) {
    struct stat status {};
    if (entry.file.rotate == 0 || ::stat(entry.file.path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
        return;
    if (static_cast<std::uint64_t>(status.st_size) + entry.text.size() <= entry.file.rotate) return;
    // Two within a second: the second waits in the file until the next entry.
    const auto renamed = rotated_name(entry.file.path, now);
    if (::access(renamed.c_str(), F_OK) != 0) ::rename(entry.file.path.c_str(), renamed.c_str());
}

void remove_older(const LogEntry& entry, std::int64_t now) {
    const fs::path path(entry.file.path);
    const auto keep = std::chrono::duration_cast<std::chrono::seconds>(entry.file.keep).count();
    std::error_code error;
    for (fs::directory_iterator file(path.parent_path(), error), end; !error && file != end; file.increment(error)) {
        if (!is_older_file(file->path().filename().string(), path.filename().string(), entry.run, entry.due)) continue;
        struct stat status {};
        if (::lstat(file->path().c_str(), &status) == 0 && S_ISREG(status.st_mode) && now - status.st_mtime > keep)
            ::unlink(file->path().c_str());
    }
}

/// Shared with the write that is in flight, which may outlive the JobLog.
class Queue : public std::enable_shared_from_this<Queue> {
public:
    explicit Queue(Executor blocking) : blocking_(std::move(blocking)) {}

    void push(LogEntry entry) {
        const std::lock_guard lock(mutex_);
        if (bytes_ + entry.text.size() > limits::job_log_queue_bytes) {
            ++dropped_;
            return;
        }
        if (dropped_ > 0)
            entry.text.insert(0, fmt::format("[loom: {} log entries were dropped here]\n", std::exchange(dropped_, 0)));
        bytes_ += entry.text.size();
        entries_.push_back(std::move(entry));
        if (std::exchange(writing_, true)) return;
        asio::post(blocking_, [self = shared_from_this()] { self->write_all(); });
    }

    /// Once for each file that fails, until it can be written again: a full disk would else fill the daemon's own log. Any thread.
    void complain(const LogEntry& entry, std::string_view why) {
        {
            const std::lock_guard lock(mutex_);
            if (failing_.size() >= limits::job_logs_known || !failing_.insert(entry.file.path).second) return;
        }
        logs::run.warn({entry.run, entry.job}, "the job log {}: {}", entry.file.path, why);
    }

private:
    void write_all() {
        for (;;) {
            LogEntry entry;
            {
                const std::lock_guard lock(mutex_);
                if (entries_.empty()) {
                    writing_ = false;
                    return;
                }
                entry = std::move(entries_.front());
                entries_.pop_front();
                bytes_ -= entry.text.size();
            }
            write(entry);
        }
    }

    /// Only one thread at a time is here.
    void write(const LogEntry& entry) {
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
        if (entry.file.keep.count() > 0 && is_time(entry)) remove_older(entry, now);
        rotate(entry, now);
        const int error = append_to(entry.file.path, entry.text);
        if (error != 0) return complain(entry, error == EISDIR ? "is a folder: end the path with a / for a file for each run" : std::strerror(error));
        const std::lock_guard lock(mutex_);
        failing_.erase(entry.file.path);
    }

    /// Whether the log's older files are to be looked at again. Logs whose names differ by the run only are one.
    bool is_time(const LogEntry& entry) {
        auto name = entry.file.path;
        for (const auto& word : {entry.run, entry.due})
            if (const auto at = word.empty() ? name.npos : name.find(word); at != name.npos) name.erase(at, word.size());
        const auto now = std::chrono::steady_clock::now();
        if (looked_.size() >= limits::job_logs_known) looked_.clear();
        const auto [known, is_new] = looked_.try_emplace(std::move(name), now);
        if (!is_new && now - known->second < limits::job_log_look_again) return false;
        known->second = now;
        return true;
    }

    Executor blocking_;
    std::mutex mutex_;
    std::deque<LogEntry> entries_;
    std::size_t bytes_ = 0;
    std::uint64_t dropped_ = 0;
    bool writing_ = false;
    std::set<std::string> failing_;
    std::map<std::string, std::chrono::steady_clock::time_point> looked_; ///< only the writer is here
};

class QueuedJobLog final : public JobLog {
public:
    explicit QueuedJobLog(Executor blocking) : queue_(std::make_shared<Queue>(std::move(blocking))) {}

    void append(LogEntry entry) override {
        if (stays_put(entry.file.path)) queue_->push(std::move(entry));
        else queue_->complain(entry, "is refused: expected an absolute path without \"..\"");
    }

private:
    std::shared_ptr<Queue> queue_;
};

/// Why nothing could be appended there now; empty: something could. `whole`: the path itself, not only the folders on the way.
std::string hindrance(const fs::path& path, bool whole) {
    std::error_code error;
    if (whole && fs::is_directory(path, error)) return path.string() + " is a folder: end the path with a / for a file for each run";
    if (whole && fs::exists(path, error)) return ::access(path.c_str(), W_OK) == 0 ? "" : path.string() + " cannot be written";
    auto folder = path.parent_path();
    while (!fs::exists(folder, error) && folder != folder.parent_path()) folder = folder.parent_path();
    if (!fs::is_directory(folder, error)) return folder.string() + " is no folder";
    return ::access(folder.c_str(), W_OK | X_OK) == 0 ? "" : folder.string() + " cannot be written";
}

} // namespace

std::unique_ptr<JobLog> create_job_log(Executor blocking) { return std::make_unique<QueuedJobLog>(std::move(blocking)); }

std::vector<Problem> unwritable_logs(const Catalog& catalog) {
    std::vector<Problem> problems;
    for (const auto& job : catalog.jobs) {
        const auto& path = job.policy->log_file.path;
        if (path.empty()) continue;
        const auto known = path.substr(0, path.find("{{"));
        const auto why = hindrance(known, known.size() == path.size());
        if (!why.empty()) problems.push_back({Problem::Kind::warning, job.name, to_string(job.source), "log: " + why});
    }
    return problems;
}

} // namespace loom
