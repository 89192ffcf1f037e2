#pragma once
#include "fleet/loop.hpp"

namespace loom::fleet {

class Peer;

/// The connection to another node of the fleet behind a forwarded channel.
class Tunnel final : public Endpoint {
public:
    Tunnel(Loop& loop, int descriptor, const Peer& peer, std::uint32_t channel);

    void on_events(std::uint32_t events) override;
    void on_timer(std::uint32_t) override {}

    void write(std::string_view bytes);
    void end_writing();
    /// Moves what has come into the channel, as far as that takes it; true where something moved.
    bool pull();

private:
    Peer* peer();
    void flush();

    int peer_descriptor_;
    std::uint32_t peer_serial_, channel_;
    std::string waiting_; ///< to be sent; bounded by the channel's window
    bool connected_ = false, writing_ended_ = false;
};

} // namespace loom::fleet
