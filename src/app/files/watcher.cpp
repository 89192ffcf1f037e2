#include "app/files/watcher.hpp"

#include "core/async/deadline.hpp"
#include "core/async/offload.hpp"
#include "core/base/log.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace loom {
namespace {

constexpr std::uint32_t events = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB |
                                 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

/// A change below jobspath: a manifest, a folder, or a name without a dot, which may be a link to a folder.
bool may_hold_jobs(std::string_view name, std::uint32_t mask) {
    if (name.starts_with('.')) return false;
    return name.ends_with(".yaml") || (mask & IN_ISDIR) || name.find('.') == std::string_view::npos;
}

} // namespace

Watcher::Watcher(Executor blocking, WatchList list, std::chrono::milliseconds quiet)
    : blocking_(std::move(blocking)), list_(std::move(list)), quiet_(quiet),
      inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    if (inotify_ < 0) logs::config.warn({}, "changes of the configuration are not noticed, use loom reload: inotify: {}", std::strerror(errno));
}

Watcher::~Watcher() {
    if (inotify_ >= 0) ::close(inotify_);
}

/// Adding a folder may show folders made meanwhile, so it plans again until nothing is new.
Watcher::Watches Watcher::set_watches(int inotify, const WatchList& list, const Watches& old) {
    Watches now;
    for (int round = 0; round < 8; ++round) {
        const auto before = now.size();
        for (auto& [folder, watched] : plan_watches(list)) {
            const int id = ::inotify_add_watch(inotify, folder.c_str(), events);
            if (id >= 0) now[id] = std::move(watched);
            else if (errno != ENOENT && errno != ENOTDIR) logs::config.warn({}, "cannot watch {}: {}", folder, std::strerror(errno));
        }
        if (now.size() == before) break;
    }
    for (const auto& [id, watched] : old)
        if (!now.contains(id)) ::inotify_rm_watch(inotify, id);
    return now;
}

awaitable<void> Watcher::arm() {
    if (inotify_ < 0) co_return;
    armed_ = true;
    auto work = [inotify = inotify_, list = list_, old = watches_] { return set_watches(inotify, list, old); };
    auto fresh = co_await offload(blocking_, std::move(work));
    watches_ = std::move(fresh);
}

void Watcher::watch(WatchList list) {
    list_ = std::move(list);
    armed_ = false;
    if (waiting_) waiting_->cancel();
}

bool Watcher::matters(const inotify_event& event) {
    if (event.mask & IN_Q_OVERFLOW) return true;
    const auto found = watches_.find(event.wd);
    if (found == watches_.end()) return false; // a watch that was taken back meanwhile
    if (event.mask & IN_IGNORED) {
        watches_.erase(found);
        return true;
    }
    if (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF)) return true;
    if (event.len == 0) return false;
    const std::string name(event.name);
    if (found->second.all && !name.starts_with('.')) return true;
    return found->second.names.contains(name) || (found->second.manifests && may_hold_jobs(name, event.mask));
}

/// Takes what the kernel has queued; whether any of it matters.
bool Watcher::read_pending() {
    bool any = false;
    alignas(inotify_event) std::array<char, 16u << 10> buffer;
    for (;;) {
        const auto n = ::read(inotify_, buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return any;
        for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
            // The name follows the struct in the buffer (inotify(7)), so the event is judged where it lies.
            const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
            if (matters(*event)) any = true;
            at += sizeof *event + event->len;
        }
    }
}

awaitable<void> Watcher::run(std::function<void()> changed, StopToken stop) {
    if (inotify_ < 0) co_return;
    constexpr int rounds_most = 20;
    const auto executor = co_await asio::this_coro::executor;
    asio::posix::stream_descriptor stream(executor, ::fcntl(inotify_, F_DUPFD_CLOEXEC, 0));
    const auto registration = stop.on_stop(executor, [&stream](StopReason) { stream.cancel(); });
    while (!stop.requested()) {
        if (!armed_) co_await arm();
        if (stop.requested()) break;
        // Ended by an event, by `watch`, or by the stop.
        waiting_ = &stream;
        co_await stream.async_wait(asio::posix::stream_descriptor::wait_read, tup);
        waiting_ = nullptr;
        if (!read_pending()) continue;
        bool more = true;
        for (int round = 0; more && round < rounds_most; ++round) {
            const bool whole = co_await pause_for(quiet_, stop);
            if (!whole) co_return;
            more = read_pending();
        }
        co_await arm();
        changed();
    }
}

} // namespace loom
