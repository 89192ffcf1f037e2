#include "fleet/loop.hpp"

#include <algorithm>
#include <utility>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace loom::fleet {

namespace {

/// The same for an address in every run, and spread evenly over neighbours.
std::uint32_t hash_of(std::uint32_t address) {
    std::uint32_t hash = address;
    hash ^= hash >> 16, hash *= 0x7feb352du, hash ^= hash >> 15, hash *= 0x846ca68bu, hash ^= hash >> 16;
    return hash;
}

/// On one line whatever the command holds.
void append_quoted(std::string& line, std::string_view text) {
    for (const char letter : text) {
        if (letter == '\n') line += "\\n";
        else if (letter == '\\') line += "\\\\";
        else line += letter;
    }
}

} // namespace

std::string address_text(std::uint32_t address) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += std::to_string(address >> shift & 255) + (shift ? "." : "");
    return text;
}

std::string Counters::line() const {
    std::string text;
    const auto add = [&text](std::string_view name, const Number& number) {
        text.append(text.empty() ? "" : " ").append(name).append("=").append(std::to_string(number.load()));
    };
    add("connections", connections), add("open", open), add("open_most", open_most);
    add("authenticated", authenticated), add("refused", refused), add("channels", channels), add("execs", execs);
    add("rekeys", rekeys), add("faults", faults), add("bytes_in", bytes_in), add("bytes_out", bytes_out);
    return text;
}

Shared::Shared(Options given) : options(std::move(given)), common_key_("the fleet's host key") {
    for (const auto& rule : options.faults)
        times_left_.push_back(std::make_unique<std::atomic<std::uint64_t>>(rule.times));
    if (options.log.empty()) return;
    log_ = ::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log_ < 0) throw std::system_error(errno, std::generic_category(), options.log);
}

Shared::~Shared() {
    if (log_ >= 0) ::close(log_);
}

const HostKey& Shared::host_key(std::uint32_t address) {
    if (!options.host_key_each) return common_key_;
    const std::scoped_lock lock(mutex_);
    auto& key = keys_[address];
    if (!key) key = std::make_unique<HostKey>("the fleet's host key of " + address_text(address));
    return *key;
}

Fault Shared::fault_of(std::uint32_t address) {
    for (std::size_t i = 0; i < options.faults.size(); ++i) {
        const auto& rule = options.faults[i];
        if (rule.address.empty() ? hash_of(address) % 100 >= rule.share : rule.address != address_text(address)) continue;
        auto left = times_left_[i]->load();
        while (left > 0 && !times_left_[i]->compare_exchange_weak(left, left == ~0ULL ? left : left - 1)) {
        }
        if (left > 0) return rule.fault;
    }
    return {};
}

void Shared::note(std::uint32_t address, std::string_view command) {
    if (log_ < 0 && !options.witness) return;
    const auto node = address_text(address);
    if (options.witness) options.witness(node, std::string(command));
    if (log_ < 0) return;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
    auto fraction = std::to_string(micros % 1'000'000);
    fraction.insert(0, 6 - fraction.size(), '0');
    auto line = std::to_string(micros / 1'000'000) + "." + fraction + " " + node + " ";
    append_quoted(line, command);
    line += '\n';
    if (::write(log_, line.data(), line.size()) < 0) return; // a full disk must not end a benchmark
}

Endpoint::~Endpoint() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void Endpoint::retire() {
    if (std::exchange(retired_, true)) return;
    loop_.retired_.push_back(descriptor_);
}

Loop::Loop(Shared& shared)
    : shared_(shared), epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      scratch_(64u << 10, '\0') {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    if (epoll_ < 0 || wake_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll");
}

Loop::~Loop() {
    endpoints_.clear();
    ::close(wake_);
    ::close(epoll_);
}

void Loop::stop() {
    const std::uint64_t one = 1;
    if (::write(wake_, &one, sizeof one) < 0) return; // it is already full: the loop is on its way out
}

void Loop::add(std::unique_ptr<Endpoint> endpoint, std::uint32_t events) {
    const auto index = static_cast<std::size_t>(endpoint->descriptor());
    if (endpoints_.size() <= index) endpoints_.resize(index + 1);
    endpoint->serial_ = ++serial_;
    epoll_event event{};
    event.events = events;
    event.data.ptr = endpoint.get();
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, endpoint->descriptor(), &event);
    endpoints_[index] = std::move(endpoint);
}

Endpoint* Loop::find(int descriptor, std::uint32_t serial) {
    const auto index = static_cast<std::size_t>(descriptor);
    auto* const endpoint = index < endpoints_.size() ? endpoints_[index].get() : nullptr;
    return endpoint && endpoint->serial() == serial && !endpoint->retired() ? endpoint : nullptr;
}

void Loop::call_later(const Endpoint& endpoint, Clock::duration time, std::uint32_t token) {
    timers_.push({now_ + time, ++order_, endpoint.descriptor(), endpoint.serial(), token});
}

void Loop::run() {
    std::array<epoll_event, 256> events;
    for (;;) {
        timespec wait{};
        if (!timers_.empty()) {
            const auto left = std::max(timers_.top().due - Clock::now(), Clock::duration(0));
            const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(left).count();
            wait.tv_sec = nanos / 1'000'000'000;
            wait.tv_nsec = nanos % 1'000'000'000;
        }
        const int count = ::epoll_pwait2(epoll_, events.data(), events.size(), timers_.empty() ? nullptr : &wait, nullptr);
        now_ = Clock::now();
        for (int i = 0; i < count; ++i) {
            auto* const endpoint = static_cast<Endpoint*>(events[static_cast<std::size_t>(i)].data.ptr);
            if (!endpoint) return;
            if (!endpoint->retired()) endpoint->on_events(events[static_cast<std::size_t>(i)].events);
        }
        fire_timers();
        bury();
    }
}

void Loop::fire_timers() {
    while (!timers_.empty() && timers_.top().due <= now_) {
        const auto timer = timers_.top();
        timers_.pop();
        if (auto* const endpoint = find(timer.descriptor, timer.serial)) endpoint->on_timer(timer.token);
    }
}

/// At the end of a turn: an event of this turn may still name what was retired in it.
void Loop::bury() {
    for (const int descriptor : retired_) endpoints_[static_cast<std::size_t>(descriptor)].reset();
    retired_.clear();
}

} // namespace loom::fleet
