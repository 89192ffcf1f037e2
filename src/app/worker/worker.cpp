#include "app/worker/worker.hpp"

#include "app/cli/output/terminal_filter.hpp"
#include "app/worker/limits.hpp"
#include "core/async/deadline.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>

namespace loom {
namespace {

std::string end_words(std::optional<int> code) {
    if (!code) return "its worker does not end";
    if (*code > 128) {
        const auto* name = ::sigabbrev_np(*code - 128);
        return fmt::format("its worker was ended by signal {}", name ? name : std::to_string(*code - 128));
    }
    return fmt::format("its worker ended with exit status {} and gave no result", *code);
}

std::vector<Descriptor> files_of(msghdr& message) {
    std::vector<Descriptor> files;
    for (auto* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const auto count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof number);
            files.emplace_back(number);
        }
    }
    return files;
}

} // namespace

Worker::Worker(const Executor& strand, WorkerProcess process)
    : strand_(strand), pid_(process.pid), ended_(strand, process.ended.release()), channel_(strand, process.channel.release()),
      out_(strand, process.out.release()), err_(strand, process.err.release()), buffer_(64u << 10, '\0'), readers_(strand), children_(strand) {
    error_code ignored;
    for (auto* stream : {&channel_, &out_, &err_}) stream->non_blocking(true, ignored);
    readers_.spawn([this]() -> awaitable<void> { co_await read_output(out_, false); });
    readers_.spawn([this]() -> awaitable<void> { co_await read_output(err_, true); });
    children_.spawn([this]() -> awaitable<void> { co_await live(); });
}

Worker::~Worker() { signal(SIGKILL, true); }

void Worker::signal(int number, bool group) {
    if (!reaped_) ::kill(group ? -pid_ : pid_, number); // until it is reaped its id is nobody else's
}

void Worker::terminate() { signal(SIGTERM, true); }

void Worker::kill(std::string why) {
    if (gone_ || !fault_.empty()) return;
    fault_ = std::move(why);
    signal(SIGUSR1, false);
    error_code ignored;
    channel_.cancel(ignored); // `live` goes on to the end
}

awaitable<void> Worker::end() {
    kill("it is not needed any more");
    co_await children_.join();
}

void Worker::send(const boost::json::object& message) {
    if (gone_) return;
    queue_.push_back(to_frame(boost::json::serialize(message)));
    unsent_ += queue_.back().size();
    if (writing_) return;
    writing_ = true;
    children_.spawn([this]() -> awaitable<void> { co_await write(); });
}

/// A worker that does not read is ended by its call's deadline.
awaitable<void> Worker::write() {
    while (!queue_.empty() && !gone_ && fault_.empty()) {
        const auto frame = std::move(queue_.front());
        queue_.pop_front();
        const auto bytes = asio::buffer(frame);
        auto [ec, size] = co_await asio::async_write(channel_, bytes, tup);
        unsent_ -= frame.size();
        if (ec) break;
    }
    writing_ = false;
}

awaitable<void> Worker::live() {
    auto fault = co_await read_channel();
    if (fault_.empty()) fault_ = fault;
    error_code ignored;
    channel_.cancel(ignored); // of a write that is under way
    co_await await_end(fault_.empty());
    const auto code = reap(ended_.native_handle());
    reaped_ = code.has_value();
    {
        // All that could write to the pipes is gone, unless it is out of reach.
        const auto close = [this] {
            error_code unheard;
            out_.close(unheard);
            err_.close(unheard);
        };
        const Deadline late(strand_, worker_limits::leave_time, close);
        co_await readers_.join();
    }
    gone_ = true;
    channel_.close(ignored);
    const auto why = fault_.empty() ? end_words(code) : fault_;
    if (auto* listener = std::exchange(listener_, nullptr)) listener->gone(why);
}

/// One that has ended by itself says in a moment with what; any other is ended, and the launcher with it if need be.
awaitable<void> Worker::await_end(bool by_itself) {
    const auto first = by_itself ? worker_limits::leave_time : std::chrono::seconds(0);
    const Deadline soon(strand_, first, [this] { signal(SIGUSR1, false); });
    if (!by_itself) signal(SIGUSR1, false);
    const Deadline late(strand_, first + worker_limits::kill_time, [this] { signal(SIGKILL, true); });
    const Deadline never(strand_, first + 2 * worker_limits::kill_time, [this] {
        error_code ignored;
        ended_.cancel(ignored);
    });
    auto [ec] = co_await ended_.async_wait(Stream::wait_read, tup);
    (void)ec;
}

/// Until it ends, or is to be ended; returns what for, or nothing.
awaitable<std::string> Worker::read_channel() {
    while (fault_.empty()) {
        auto [ec] = co_await channel_.async_wait(Stream::wait_read, tup);
        if (ec || !fault_.empty()) break;
        const auto more = take_some();
        if (!more) co_return "its worker broke the protocol: " + more.error().message;
        if (!*more) break;
    }
    co_return std::string();
}

/// One read, and what it completes; false at the end.
Result<bool> Worker::take_some() {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control;
    iovec part{buffer_.data(), buffer_.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto size = ::recvmsg(channel_.native_handle(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    auto files = files_of(message);
    if ((message.msg_flags & MSG_CTRUNC) != 0) return usage_error("too many files at once");
    if (size == 0) return false;
    auto frames = frames_.feed(std::string_view(buffer_).substr(0, static_cast<std::size_t>(size)), std::move(files));
    if (!frames) return frames.error();
    for (auto& frame : *frames) {
        if (!fault_.empty()) return false;
        if (auto good = hear(std::move(frame)); !good) return good.error();
    }
    return true;
}

bool Worker::says_too_much(std::size_t bytes) {
    said_ += bytes;
    const auto most = listener_ ? worker_limits::unasked_bytes : worker_limits::resting_bytes;
    if (said_ <= most) return false;
    kill(listener_ ? fmt::format("it said more than {} MiB", most >> 20) : "it prints while nothing is asked of it");
    return true;
}

Result<void> Worker::hear(Frame frame) {
    boost::json::parse_options options;
    options.max_depth = worker_limits::json_depth;
    error_code ec;
    auto value = boost::json::parse(frame.body, ec, {}, options);
    if (ec) return usage_error("a frame that is not JSON");
    auto* object = value.if_object();
    const auto* type = object ? object->if_contains("type") : nullptr;
    if (!type || !type->is_string()) return usage_error("a message without a type");
    const auto name = std::string_view(type->get_string());
    if (!listener_) return usage_error(fmt::format("a \"{}\" while nothing was asked of it", for_line(name)));
    if (name != "remote" && name != "result" && says_too_much(frame.body.size())) return {};
    return listener_->heard(std::move(*object), std::move(frame.file), frame.body.size());
}

awaitable<void> Worker::read_output(Stream& from, bool err) {
    std::string block(16u << 10, '\0');
    const auto space = asio::buffer(block);
    for (;;) {
        auto [ec, size] = co_await from.async_read_some(space, tup);
        if (ec) co_return;
        if (!says_too_much(size) && listener_) listener_->printed(err, std::string_view(block).substr(0, size));
    }
}

void Worker::hear_printed() {
    for (auto* from : {&out_, &err_}) {
        // At most what a pipe holds: what is printed from now on belongs to nothing.
        for (std::size_t left = 64u << 10; left > 0 && from->is_open();) {
            const auto size = ::read(from->native_handle(), buffer_.data(), std::min(left, buffer_.size()));
            if (size <= 0) break;
            left -= static_cast<std::size_t>(size);
            if (!says_too_much(static_cast<std::size_t>(size)) && listener_) listener_->printed(from == &err_, std::string_view(buffer_).substr(0, static_cast<std::size_t>(size)));
        }
    }
}

} // namespace loom
