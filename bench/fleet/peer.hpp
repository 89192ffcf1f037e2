#pragma once
#include "fleet/connection.hpp"
#include "fleet/loop.hpp"

#include <map>

namespace loom::fleet {

class Tunnel;

/// The socket of one client, with the delays of a long way and the drip of a fault.
class Peer final : public Endpoint, private Host {
public:
    Peer(Loop& loop, int descriptor, std::uint32_t address);
    ~Peer() override;

    /// Says the first words; once it was added to the loop.
    void begin();
    void on_events(std::uint32_t events) override;
    void on_timer(std::uint32_t token) override;

    Connection& connection() { return connection_; }
    void flush();

private:
    /// Bytes that came, and when they will have come a long way.
    struct Flight {
        Loop::Clock::time_point due;
        std::string bytes;
    };

    void call_later(std::chrono::microseconds time, std::uint32_t channel) override;
    void note(std::string_view command) override;
    bool open_tunnel(std::uint32_t channel, std::string_view address, std::uint32_t port) override;
    void tunnel_write(std::uint32_t channel, std::string_view bytes) override;
    void tunnel_end(std::uint32_t channel) override;
    void tunnel_close(std::uint32_t channel) override;
    Tunnel* tunnel(std::uint32_t channel);

    void read(bool to_the_end);
    void arrived(std::string_view bytes);
    void deliver(char* bytes, std::size_t size);
    bool send_some(std::size_t most);
    bool pull();
    void drip();
    void end();

    std::uint32_t address_;
    Connection connection_;
    std::string in_; ///< the beginning of a packet
    std::size_t sent_ = 0; ///< of the connection's `out`
    Loop::Clock::time_point opened_;
    std::vector<Flight> flights_; ///< the oldest first
    std::map<std::uint32_t, std::pair<int, std::uint32_t>> tunnels_; ///< descriptor and serial, by channel
    bool paused_ = false, drip_set_ = false, babble_set_ = false;
};

} // namespace loom::fleet
