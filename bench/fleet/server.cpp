#include "fleet/server.hpp"

#include "fleet/peer.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace loom::fleet {

namespace {

constexpr int backlog = 16384; ///< the kernel's own bound may be lower: net.core.somaxconn
constexpr int accepts_a_turn = 64;

bool on_loopback(std::uint32_t address) { return address >> 24 == 127; }

[[noreturn]] void cannot(const std::string& what) {
    throw std::runtime_error("cannot " + what + ": " + std::strerror(errno));
}

/// A socket that only this machine reaches. For all of 127.0.0.0/8 one socket listens on the wildcard address, but only
/// to the loopback device; `Acceptor` looks at each connection's address besides.
int listen_at(const Options& options, unsigned short port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (options.address.empty()) address.sin_addr.s_addr = htonl(INADDR_ANY);
    else if (::inet_pton(AF_INET, options.address.c_str(), &address.sin_addr) != 1 ||
             !on_loopback(ntohl(address.sin_addr.s_addr)))
        throw std::runtime_error(options.address + " is no address of the loopback network");
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) cannot("make a socket");
    const int on = 1;
    const char device[] = "lo";
    if (options.address.empty() && ::setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, device, sizeof device) != 0) {
        ::close(descriptor);
        cannot("listen to the loopback device only");
    }
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (options.threads > 1) ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // accepted sockets inherit it
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(descriptor, backlog) != 0) {
        ::close(descriptor);
        cannot("listen on port " + std::to_string(port));
    }
    return descriptor;
}

sockaddr_in name_of(int descriptor) {
    sockaddr_in name{};
    socklen_t size = sizeof name;
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &size);
    return name;
}

class Acceptor final : public Endpoint {
public:
    Acceptor(Loop& loop, int descriptor) : Endpoint(loop, descriptor), spare_(open_spare()) {}
    ~Acceptor() override { ::close(spare_); }

    void on_timer(std::uint32_t) override {}

    void on_events(std::uint32_t) override {
        for (int i = 0; i < accepts_a_turn; ++i) {
            const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (accepted < 0 && (errno == EMFILE || errno == ENFILE)) {
                turn_away();
                continue;
            }
            if (accepted < 0) return; // none is left, or that one has gone
            greet(accepted);
        }
    }

private:
    static int open_spare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

    /// Without a descriptor for it a connection would wait, and wake us, for ever: the spare one lets it be closed.
    void turn_away() {
        ::close(spare_);
        const int accepted = ::accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted >= 0) ::close(accepted);
        spare_ = open_spare();
    }

    void greet(int accepted) {
        const auto address = ntohl(name_of(accepted).sin_addr.s_addr);
        if (!on_loopback(address)) {
            ::close(accepted);
            return;
        }
        auto made = std::make_unique<Peer>(loop_, accepted, address);
        auto& peer = *made;
        loop_.add(std::move(made), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
        peer.begin();
    }

    int spare_;
};

} // namespace

FleetServer::FleetServer(Options options) : shared_(std::move(options)) {
    const auto threads = std::max(1u, shared_.options.threads);
    shared_.port = shared_.options.port;
    for (unsigned i = 0; i < threads; ++i) {
        const int descriptor = listen_at(shared_.options, shared_.port);
        shared_.port = ntohs(name_of(descriptor).sin_port); // the other threads share the first one's
        loops_.push_back(std::make_unique<Loop>(shared_));
        loops_.back()->add(std::make_unique<Acceptor>(*loops_.back(), descriptor), EPOLLIN);
    }
    for (const auto& loop : loops_) threads_.emplace_back([&loop = *loop] { loop.run(); });
}

FleetServer::~FleetServer() {
    for (const auto& loop : loops_) loop->stop();
    threads_.clear();
}

std::string FleetServer::host_key(const std::string& address) {
    in_addr parsed{};
    if (::inet_pton(AF_INET, address.c_str(), &parsed) != 1) throw std::runtime_error(address + " is no address");
    return shared_.host_key(ntohl(parsed.s_addr)).line();
}

} // namespace loom::fleet
