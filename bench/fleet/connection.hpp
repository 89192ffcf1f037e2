#pragma once
#include "fleet/command.hpp"
#include "fleet/transport.hpp"


namespace loom::fleet {

/// What a connection needs of the loop it lives on.
class Host {
public:
    virtual ~Host() = default;
    /// Calls the connection's `wake` with the channel's number after so long.
    virtual void call_later(std::chrono::microseconds time, std::uint32_t channel) = 0;
    /// A command was asked for.
    virtual void note(std::string_view command) = 0;
    /// Connects to a node of the same fleet for a forwarded channel; false where that is none. `tunnel_opened` tells the
    /// end of it.
    virtual bool open_tunnel(std::uint32_t channel, std::string_view address, std::uint32_t port) = 0;
    virtual void tunnel_write(std::uint32_t channel, std::string_view bytes) = 0;
    virtual void tunnel_end(std::uint32_t channel) = 0; ///< no more will be written
    virtual void tunnel_close(std::uint32_t channel) = 0;
};

/// One client's connection: authentication (RFC 4252), channels and their simulated commands (RFC 4254).
class Connection final : public Transport {
public:
    Connection(Host& host, const Options& options, Counters& counters, const HostKey& key, Fault fault)
        : Transport(options, counters, key, fault), host_(host) {}

    /// The time that a command waited for has come.
    void wake(std::uint32_t channel);
    /// `out` was sent: more may follow.
    void pump();

    void tunnel_opened(std::uint32_t channel, bool reached);
    /// How much of what the tunnel received the channel takes now.
    std::size_t tunnel_room(std::uint32_t channel);
    void tunnel_received(std::uint32_t channel, std::string_view bytes);
    void tunnel_taken(std::uint32_t channel, std::size_t bytes); ///< so much of what was written went on
    void tunnel_ended(std::uint32_t channel);

private:
    struct Channel {
        std::uint32_t id = 0, peer = 0;
        std::uint64_t peer_window = 0;
        std::uint32_t peer_packet = 0;
        std::uint32_t window = 0;   ///< what the client may still send
        std::uint32_t consumed = 0; ///< and what of it was used up since the last grant
        std::vector<Action> actions;
        std::size_t next = 0; ///< of the actions
        std::string input;
        bool running = false, waiting = false, tunnel = false;
        bool input_ended = false, closing = false; ///< closing: our CLOSE was sent
    };

    void on_message(std::uint8_t type, std::string_view message) override;
    void on_ready() override;

    void on_service(Reader read);
    void on_auth(std::string_view message);
    bool key_accepted(std::string_view message, Reader& read, bool& offered_only);
    void auth_failed(bool tried);
    void on_global(Reader read);
    void on_open(Reader read);
    void confirm(Channel& channel);
    void on_window(Reader read);
    void on_data(std::string_view message, Reader read);
    void on_eof(Reader read);
    void on_close(Reader read);
    void on_request(Reader read);
    bool start(Channel& channel, std::string_view command);
    void answer(const Channel& channel, bool success, bool wanted);

    void advance(Channel& channel);
    bool do_next(Channel& channel);
    bool say(Channel& channel, std::string& text, bool error);
    bool make_output(Channel& channel, std::uint64_t& count);
    bool echo(Channel& channel);
    std::size_t room(const Channel& channel) const;
    bool send_data(Channel& channel, std::string_view bytes, bool error);
    void finish(Channel& channel, std::uint32_t status, std::string_view signal);
    void finish_channel(Channel& channel);
    void used_input(Channel& channel, std::size_t bytes);
    Channel* find(std::uint32_t id);

    Host& host_;
    std::vector<Channel> channels_;
    std::uint32_t next_channel_ = 0;
    unsigned failures_ = 0;
    bool service_ = false, authenticated_ = false;
};

} // namespace loom::fleet
