#include "fleet/tunnel.hpp"

#include "fleet/peer.hpp"

#include <algorithm>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace loom::fleet {

Tunnel::Tunnel(Loop& loop, int descriptor, const Peer& peer, std::uint32_t channel)
    : Endpoint(loop, descriptor), peer_descriptor_(peer.descriptor()), peer_serial_(peer.serial()), channel_(channel) {}

Peer* Tunnel::peer() { return static_cast<Peer*>(loop_.find(peer_descriptor_, peer_serial_)); }

void Tunnel::on_events(std::uint32_t events) {
    auto* const owner = peer();
    if (!owner) return retire();
    if (!connected_) {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error == 0 && !(events & EPOLLOUT)) return;
        connected_ = error == 0;
        owner->connection().tunnel_opened(channel_, connected_);
        if (!connected_) retire();
    }
    if (!retired()) flush();
    owner->flush(); // which pulls
}

void Tunnel::write(std::string_view bytes) {
    waiting_ += bytes;
    if (connected_) flush();
}

void Tunnel::end_writing() {
    writing_ended_ = true;
    if (connected_) flush();
}

void Tunnel::flush() {
    std::size_t sent = 0;
    while (sent < waiting_.size()) {
        const auto size = ::send(descriptor_, waiting_.data() + sent, waiting_.size() - sent, MSG_NOSIGNAL);
        if (size <= 0) break; // a broken connection shows itself to `pull`
        sent += static_cast<std::size_t>(size);
    }
    waiting_.erase(0, sent);
    if (waiting_.empty() && writing_ended_) ::shutdown(descriptor_, SHUT_WR);
    if (auto* const owner = peer(); owner && sent > 0) owner->connection().tunnel_taken(channel_, sent);
}

bool Tunnel::pull() {
    auto* const owner = peer();
    if (!owner || !connected_ || retired()) return false;
    auto& connection = owner->connection();
    bool moved = false;
    for (;;) {
        auto& scratch = loop_.scratch();
        const auto room = std::min(connection.tunnel_room(channel_), scratch.size());
        if (room == 0) return moved;
        const auto size = ::recv(descriptor_, scratch.data(), room, 0);
        if (size < 0 && errno == EAGAIN) return moved;
        if (size <= 0) {
            connection.tunnel_ended(channel_);
            retire();
            return true;
        }
        connection.tunnel_received(channel_, std::string_view(scratch).substr(0, static_cast<std::size_t>(size)));
        moved = true;
    }
}

} // namespace loom::fleet
