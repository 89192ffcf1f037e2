#include "fleet/peer.hpp"

#include "fleet/tunnel.hpp"

#include <algorithm>
#include <utility>
#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace loom::fleet {

namespace {

/// Timers that are not a channel's.
constexpr std::uint32_t begin_timer = ~0u, flight_timer = ~1u, drip_timer = ~2u, babble_timer = ~3u, read_timer = ~4u;

/// A client that sends without reading is not read from either.
constexpr std::size_t unsent_bytes_max = 1u << 20;
/// And one that sends without end leaves the others their turn.
constexpr int reads_a_turn = 8;

} // namespace

Peer::Peer(Loop& loop, int descriptor, std::uint32_t address)
    : Endpoint(loop, descriptor), address_(address),
      connection_(*this, loop.shared().options, loop.shared().counters, loop.shared().host_key(address),
                  loop.shared().fault_of(address)),
      opened_(loop.now()) {
    loop.shared().counters.opened();
}

Peer::~Peer() { --loop_.shared().counters.open; }

void Peer::begin() {
    const auto rtt = loop_.shared().options.rtt;
    // The connection itself took no time, which it would have done: so the first words are two trips late.
    if (rtt.count() > 0) return loop_.call_later(*this, 2 * rtt, begin_timer);
    connection_.begin();
    flush();
}

void Peer::on_events(std::uint32_t events) {
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) read(events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
    if ((events & EPOLLOUT) && !retired() && !connection_.out.empty()) flush();
}

void Peer::on_timer(std::uint32_t token) {
    switch (token) {
    case begin_timer:
        connection_.begin();
        return flush();
    case flight_timer: {
        if (flights_.empty()) return;
        auto bytes = std::move(flights_.front().bytes);
        flights_.erase(flights_.begin());
        return deliver(bytes.data(), bytes.size());
    }
    case drip_timer: return drip();
    case babble_timer:
        babble_set_ = false;
        if (connection_.out.size() < unsent_bytes_max) connection_.babble();
        return flush();
    case read_timer: return read(true);
    default: connection_.wake(token); return flush();
    }
}

void Peer::read(bool to_the_end) {
    auto& scratch = loop_.scratch();
    for (int i = 0; i < reads_a_turn; ++i) {
        if (connection_.out.size() - sent_ > unsent_bytes_max) {
            paused_ = true;
            return;
        }
        const auto size = ::recv(descriptor_, scratch.data(), scratch.size(), 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (size <= 0) return retire();
        const auto taken = static_cast<std::size_t>(size);
        loop_.shared().counters.bytes_in.fetch_add(taken, std::memory_order_relaxed);
        if (loop_.shared().options.rtt.count() > 0) arrived(std::string_view(scratch).substr(0, taken));
        else deliver(scratch.data(), taken);
        if (retired()) return;
        // Less than asked for means that all was taken, and whatever comes next is an event of its own.
        if (taken < scratch.size() && !to_the_end) return;
    }
    loop_.call_later(*this, Loop::Clock::duration(0), read_timer);
}

void Peer::arrived(std::string_view bytes) {
    const auto rtt = loop_.shared().options.rtt;
    const auto due = std::max(loop_.now() + rtt, opened_ + 2 * rtt);
    if (!flights_.empty() && flights_.back().due == due) { // more of the same turn
        flights_.back().bytes += bytes;
        return;
    }
    flights_.push_back({due, std::string(bytes)});
    loop_.call_later(*this, due - loop_.now(), flight_timer);
}

void Peer::deliver(char* bytes, std::size_t size) {
    if (in_.empty()) {
        const auto used = connection_.receive(bytes, size);
        if (used < size) in_.assign(bytes + used, size - used);
    } else {
        in_.append(bytes, size);
        const auto used = connection_.receive(in_.data(), in_.size());
        if (used == in_.size()) std::string().swap(in_);
        else in_.erase(0, used);
    }
    flush();
}

void Peer::flush() {
    auto& out = connection_.out;
    do {
        if (connection_.dripping()) {
            if (sent_ < out.size() && !std::exchange(drip_set_, true))
                loop_.call_later(*this, loop_.shared().options.drip_interval, drip_timer);
            if (!out.empty()) return;
        }
        if (!send_some(out.size())) return;
        std::string().swap(out); // an idle connection keeps no buffer
        sent_ = 0;
        if (connection_.ending() != Transport::Ending::none) return end();
        connection_.pump();
    } while (pull() || !out.empty());
    if (connection_.endless() && !std::exchange(babble_set_, true))
        loop_.call_later(*this, std::chrono::milliseconds(1), babble_timer);
    if (std::exchange(paused_, false)) loop_.call_later(*this, Loop::Clock::duration(0), read_timer);
}

/// True once everything up to `most` was sent.
bool Peer::send_some(std::size_t most) {
    const auto& out = connection_.out;
    while (sent_ < most) {
        const auto size = ::send(descriptor_, out.data() + sent_, most - sent_, MSG_NOSIGNAL);
        if (size < 0 && errno == EAGAIN) return false;
        if (size <= 0) {
            retire();
            return false;
        }
        sent_ += static_cast<std::size_t>(size);
        loop_.shared().counters.bytes_out.fetch_add(static_cast<std::uint64_t>(size), std::memory_order_relaxed);
    }
    return true;
}

/// What the tunnels have for the client.
bool Peer::pull() {
    bool moved = false;
    for (const auto& [channel, id] : tunnels_)
        if (auto* const found = loop_.find(id.first, id.second)) moved |= static_cast<Tunnel*>(found)->pull();
    return moved;
}

void Peer::drip() {
    drip_set_ = false;
    if (!send_some(std::min(sent_ + 1, connection_.out.size()))) return;
    if (sent_ < connection_.out.size()) {
        drip_set_ = true;
        return loop_.call_later(*this, loop_.shared().options.drip_interval, drip_timer);
    }
    std::string().swap(connection_.out);
    sent_ = 0;
    if (connection_.ending() != Transport::Ending::none) return end();
    connection_.pump();
    if (!connection_.out.empty()) flush();
}

void Peer::end() {
    if (connection_.ending() == Transport::Ending::reset) {
        const linger at_once{1, 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    retire();
}

void Peer::call_later(std::chrono::microseconds time, std::uint32_t channel) { loop_.call_later(*this, time, channel); }

void Peer::note(std::string_view command) { loop_.shared().note(address_, command); }

bool Peer::open_tunnel(std::uint32_t channel, std::string_view address, std::uint32_t port) {
    sockaddr_in target{};
    target.sin_family = AF_INET;
    target.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::inet_pton(AF_INET, std::string(address).c_str(), &target.sin_addr) != 1) return false;
    // Nothing but the fleet itself is reached from here.
    if (ntohl(target.sin_addr.s_addr) >> 24 != 127 || port != loop_.shared().port) return false;
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return false;
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto made = std::make_unique<Tunnel>(loop_, descriptor, *this, channel);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0 && errno != EINPROGRESS)
        return false;
    const auto& added = *made;
    loop_.add(std::move(made), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    tunnels_[channel] = {descriptor, added.serial()};
    return true;
}

Tunnel* Peer::tunnel(std::uint32_t channel) {
    const auto found = tunnels_.find(channel);
    if (found == tunnels_.end()) return nullptr;
    return static_cast<Tunnel*>(loop_.find(found->second.first, found->second.second));
}

void Peer::tunnel_write(std::uint32_t channel, std::string_view bytes) {
    if (auto* const found = tunnel(channel)) found->write(bytes);
}

void Peer::tunnel_end(std::uint32_t channel) {
    if (auto* const found = tunnel(channel)) found->end_writing();
}

void Peer::tunnel_close(std::uint32_t channel) {
    if (auto* const found = tunnel(channel)) found->retire();
    tunnels_.erase(channel);
}

} // namespace loom::fleet
