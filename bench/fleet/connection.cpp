#include "fleet/connection.hpp"

#include <algorithm>
#include <utility>

namespace loom::fleet {

namespace {

constexpr std::size_t channels_max = 128;
constexpr unsigned failures_max = 20; ///< sshd gives 6; the client's limits are not what is tried here
constexpr std::uint32_t window_bytes = 256u << 10, packet_bytes = 32u << 10;
constexpr std::uint32_t protocol_error = 2, no_more_methods = 14;            // RFC 4253, section 11.1
constexpr std::uint32_t prohibited = 1, connect_failed = 2, unknown_type = 3, short_of_resources = 4; // RFC 4254, 5.1

} // namespace

void Connection::on_message(std::uint8_t type, std::string_view message) {
    Reader read(message.substr(1));
    if (type == msg::service_request) return on_service(read);
    if (type == msg::userauth_request && service_) return on_auth(message);
    if (!authenticated_) return disconnect(protocol_error, "not authenticated");
    switch (type) {
    case msg::global_request: return on_global(read);
    case msg::channel_open: return on_open(read);
    case msg::channel_window_adjust: return on_window(read);
    case msg::channel_data:
    case msg::channel_extended_data: return on_data(message, read);
    case msg::channel_eof: return on_eof(read);
    case msg::channel_close: return on_close(read);
    case msg::channel_request: return on_request(read);
    default: break;
    }
    send(msg::unimplemented, [](Writer& to) { to.number(0); });
}

void Connection::on_ready() { pump(); }

void Connection::on_service(Reader read) {
    const auto name = read.string();
    if (name != "ssh-userauth" && !(authenticated_ && name == "ssh-connection"))
        return disconnect(protocol_error, "no such service");
    service_ = true;
    if (!at(Step::service, msg::service_accept)) return;
    send(msg::service_accept, [name](Writer& to) { to.string(name); });
}

void Connection::on_auth(std::string_view message) {
    if (authenticated_) return; // RFC 4252, section 5.1: ignored
    Reader read(message.substr(1));
    read.string(); // every user is known
    const auto service = read.string(), method = read.string();
    bool accepted = false, offered_only = false;
    if (method == "publickey") {
        accepted = key_accepted(message, read, offered_only);
    } else if (method == "password") {
        read.boolean();
        const auto given = read.string();
        accepted = !options_.password.empty() && given == options_.password;
    }
    if (!read.ok() || service != "ssh-connection") return disconnect(protocol_error, "authentication request is broken");
    if (refuses(Step::auth)) return auth_failed(method != "none");
    if (!accepted && !offered_only) return auth_failed(method != "none");
    if (!at(Step::auth, msg::userauth_success)) return;
    if (offered_only) {
        Reader key(message.substr(1));
        key.string(), key.string(), key.string(), key.boolean();
        const auto algorithm = key.string(), blob = key.string();
        return send(msg::userauth_pk_ok, [&](Writer& to) { to.string(algorithm).string(blob); });
    }
    authenticated_ = true;
    ++counters_.authenticated;
    send(msg::userauth_success, [](Writer&) {});
}

bool Connection::key_accepted(std::string_view message, Reader& read, bool& offered_only) {
    const bool is_signed = read.boolean();
    const auto algorithm = read.string(), blob = read.string();
    const bool known = options_.accept_any_key || algorithm == "ssh-ed25519";
    if (!is_signed) {
        offered_only = known;
        return false;
    }
    const auto signed_bytes = message.substr(0, message.size() - read.rest().size());
    const auto signature = read.string();
    if (!known || !read.ok()) return false;
    if (options_.accept_any_key) return true;
    std::string text; // RFC 4252, section 7
    Writer(text).string(session_id()).raw(signed_bytes);
    return verify_ed25519(blob, signature, text);
}

void Connection::auth_failed(bool tried) {
    counters_.refused += tried;
    failures_ += tried; // the method "none" asks for the list (RFC 4252, section 5.2)
    if (failures_ > failures_max) return disconnect(no_more_methods, "too many authentication failures");
    send(msg::userauth_failure, [this](Writer& to) {
        to.string(options_.password.empty() ? "publickey" : "publickey,password").boolean(false);
    });
}

void Connection::on_global(Reader read) {
    read.string(); // keepalive@openssh.com and all others: a refusal is an answer too
    if (read.boolean() && read.ok()) send(msg::request_failure, [](Writer&) {});
}

Connection::Channel* Connection::find(std::uint32_t id) {
    const auto found = std::ranges::find(channels_, id, &Channel::id);
    return found == channels_.end() ? nullptr : &*found;
}

void Connection::on_open(Reader read) {
    const auto type = read.string();
    Channel channel;
    channel.peer = read.number();
    channel.peer_window = read.number();
    channel.peer_packet = std::min(read.number(), packet_bytes);
    const auto refuse = [&](std::uint32_t reason, std::string_view words) {
        send(msg::channel_open_failure,
             [&](Writer& to) { to.number(channel.peer).number(reason).string(words).string(""); });
    };
    if (!read.ok() || channel.peer_packet == 0) return disconnect(protocol_error, "channel request is broken");
    if (refuses(Step::channel_open)) return refuse(prohibited, "refused");
    if (channels_.size() >= channels_max) return refuse(short_of_resources, "too many channels");
    channel.id = next_channel_++;
    channel.window = window_bytes;
    ++counters_.channels;
    if (type == "session") {
        channels_.push_back(std::move(channel));
        return confirm(channels_.back());
    }
    if (type != "direct-tcpip") return refuse(unknown_type, "no such type of channel");
    const auto address = read.string();
    const auto port = read.number();
    if (!read.ok()) return disconnect(protocol_error, "channel request is broken");
    channel.tunnel = true;
    if (!host_.open_tunnel(channel.id, address, port)) return refuse(connect_failed, "no such node");
    channels_.push_back(std::move(channel));
}

void Connection::confirm(Channel& channel) {
    if (!at(Step::channel_open, msg::channel_open_confirmation)) return;
    send(msg::channel_open_confirmation, [&channel](Writer& to) {
        to.number(channel.peer).number(channel.id).number(channel.window).number(packet_bytes);
    });
}

void Connection::on_window(Reader read) {
    auto* const channel = find(read.number());
    const auto more = read.number();
    if (!channel || !read.ok()) return; // the channel may just have been closed by both
    channel->peer_window += more;
    if (channel->peer_window > 0xffffffffu) return disconnect(protocol_error, "window beyond its bound");
    advance(*channel);
}

void Connection::on_data(std::string_view message, Reader read) {
    auto* const channel = find(read.number());
    if (message[0] == static_cast<char>(msg::channel_extended_data)) read.number();
    const auto bytes = read.string();
    if (!channel) return;
    if (!read.ok() || bytes.size() > channel->window) return disconnect(protocol_error, "more data than the window");
    channel->window -= static_cast<std::uint32_t>(bytes.size());
    if (channel->closing) return;
    if (channel->tunnel) return host_.tunnel_write(channel->id, bytes);
    const auto reads = [&] {
        return std::ranges::any_of(channel->actions, [](const Action& action) { return action.kind == Action::Kind::cat; });
    };
    if (!channel->running || !reads()) return used_input(*channel, bytes.size());
    channel->input += bytes;
    advance(*channel);
}

void Connection::used_input(Channel& channel, std::size_t bytes) {
    channel.consumed += static_cast<std::uint32_t>(bytes);
    if (channel.consumed < window_bytes / 2 || channel.input_ended || channel.closing) return;
    if (has_fault(Step::window, Kind::hang)) return; // all else goes on as it should
    if (!at(Step::window, msg::channel_window_adjust)) return;
    const auto granted = std::exchange(channel.consumed, 0);
    channel.window += granted;
    send(msg::channel_window_adjust, [&](Writer& to) { to.number(channel.peer).number(granted); });
}

void Connection::on_eof(Reader read) {
    auto* const channel = find(read.number());
    if (!channel) return;
    channel->input_ended = true;
    if (channel->tunnel) return host_.tunnel_end(channel->id);
    advance(*channel);
}

void Connection::on_close(Reader read) {
    auto* const channel = find(read.number());
    if (!channel) return;
    if (channel->tunnel) host_.tunnel_close(channel->id);
    if (!channel->closing) send(msg::channel_close, [channel](Writer& to) { to.number(channel->peer); });
    channels_.erase(channels_.begin() + (channel - channels_.data()));
}

void Connection::answer(const Channel& channel, bool success, bool wanted) {
    if (!wanted) return;
    send(success ? msg::channel_success : msg::channel_failure, [&](Writer& to) { to.number(channel.peer); });
}

void Connection::on_request(Reader read) {
    auto* const channel = find(read.number());
    const auto name = read.string();
    const bool wanted = read.boolean();
    if (!read.ok()) return disconnect(protocol_error, "channel request is broken");
    if (!channel || channel->closing) return;
    if (name == "env" || name == "pty-req" || name == "window-change") return answer(*channel, true, wanted);
    if (name == "signal") {
        const auto signal = std::string(read.string());
        answer(*channel, channel->running, wanted);
        if (channel->running) finish(*channel, 0, signal);
        return;
    }
    if (name != "exec" || channel->running || channel->tunnel) return answer(*channel, false, wanted);
    const auto command = read.string();
    if (!read.ok()) return disconnect(protocol_error, "exec request is broken");
    if (refuses(Step::exec)) return answer(*channel, false, wanted);
    ++counters_.execs;
    host_.note(command);
    if (!at(Step::exec, msg::channel_success)) return;
    answer(*channel, true, wanted);
    if (fault().step == Step::rekey) exchange_keys();
    channel->actions = parse_command(command);
    if (options_.exec_time.count() > 0)
        channel->actions.insert(channel->actions.begin(), {Action::Kind::wait, "", 0, options_.exec_time});
    channel->running = true;
    advance(*channel);
}

} // namespace loom::fleet
