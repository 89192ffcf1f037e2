#include "fleet/connection.hpp"

#include <algorithm>

// The commands that only seem to run, and the channels that carry bytes to other nodes.
namespace loom::fleet {

namespace {

/// What may wait to be sent before commands stop making output.
constexpr std::size_t out_bytes_max = 256u << 10;

/// Lines of letters, so that a person who looks at it sees where it was cut.
const std::string& letters() {
    static const std::string text = [] {
        std::string lines(64u << 10, '\n');
        for (std::size_t i = 0; i < lines.size(); ++i)
            if (i % 64 != 63) lines[i] = static_cast<char>('a' + i % 26);
        return lines;
    }();
    return text;
}

} // namespace

void Connection::wake(std::uint32_t id) {
    auto* const channel = find(id);
    if (!channel || !channel->waiting) return;
    channel->waiting = false;
    ++channel->next;
    advance(*channel);
}

void Connection::pump() {
    if (mute() || exchanging()) return;
    for (std::size_t i = 0; i < channels_.size(); ++i) advance(channels_[i]);
    rekey_when_due();
}

void Connection::advance(Channel& channel) {
    while (channel.running && !channel.closing && !channel.waiting && !mute()) {
        if (channel.next == channel.actions.size()) return finish(channel, 0, "");
        if (!do_next(channel)) return;
    }
}

/// True where the next action was done; false where the command must wait, or has ended.
bool Connection::do_next(Channel& channel) {
    using Do = Action::Kind;
    auto& action = channel.actions[channel.next];
    bool done = false;
    switch (action.kind) {
    case Do::say: done = say(channel, action.text, false); break;
    case Do::complain: done = say(channel, action.text, true); break;
    case Do::output: done = make_output(channel, action.count); break;
    case Do::cat: done = echo(channel); break;
    case Do::stay: break;
    case Do::leave: finish(channel, static_cast<std::uint32_t>(action.count), ""); break;
    case Do::die: finish(channel, 0, action.text); break;
    case Do::wait:
        channel.waiting = true;
        host_.call_later(action.time, channel.id);
        break;
    case Do::end_others:
        for (auto& other : channels_)
            if (other.id != channel.id && other.running && !other.closing) finish(other, 0, "TERM");
        done = true;
        break;
    }
    if (done) ++channel.next;
    return done;
}

std::size_t Connection::room(const Channel& channel) const {
    if (exchanging() || out.size() >= out_bytes_max) return 0;
    return static_cast<std::size_t>(std::min<std::uint64_t>(channel.peer_window, channel.peer_packet));
}

bool Connection::send_data(Channel& channel, std::string_view bytes, bool error) {
    const auto type = error ? msg::channel_extended_data : msg::channel_data;
    if (!at(Step::data, type)) return false;
    channel.peer_window -= bytes.size();
    send(type, [&](Writer& to) {
        to.number(channel.peer);
        if (error) to.number(1);
        to.string(bytes);
    });
    return true;
}

bool Connection::say(Channel& channel, std::string& text, bool error) {
    while (!text.empty()) {
        const auto size = std::min(room(channel), text.size());
        if (size == 0 || !send_data(channel, std::string_view(text).substr(0, size), error)) return false;
        text.erase(0, size);
    }
    return true;
}

bool Connection::make_output(Channel& channel, std::uint64_t& count) {
    while (count > 0) {
        const auto size = std::min<std::uint64_t>(room(channel), count);
        if (size == 0 || !send_data(channel, std::string_view(letters()).substr(0, size), false)) return false;
        count -= size;
    }
    return true;
}

bool Connection::echo(Channel& channel) {
    std::size_t given = 0;
    while (given < channel.input.size()) {
        const auto size = std::min(room(channel), channel.input.size() - given);
        if (size == 0 || !send_data(channel, std::string_view(channel.input).substr(given, size), false)) break;
        given += size;
    }
    channel.input.erase(0, given);
    const bool done = channel.input.empty() && channel.input_ended;
    if (given > 0) used_input(channel, given);
    return done;
}

void Connection::finish(Channel& channel, std::uint32_t status, std::string_view signal) {
    send(msg::channel_request, [&](Writer& to) {
        to.number(channel.peer).string(signal.empty() ? "exit-status" : "exit-signal").boolean(false);
        if (signal.empty()) to.number(status);
        else to.string(signal).boolean(false).string("").string("");
    });
    finish_channel(channel);
}

void Connection::finish_channel(Channel& channel) {
    channel.closing = true;
    if (!at(Step::eof, msg::channel_eof)) return;
    send(msg::channel_eof, [&](Writer& to) { to.number(channel.peer); });
    if (!at(Step::close, msg::channel_close)) return;
    send(msg::channel_close, [&](Writer& to) { to.number(channel.peer); });
}

void Connection::tunnel_opened(std::uint32_t id, bool reached) {
    auto* const channel = find(id);
    if (!channel) return;
    if (reached) return confirm(*channel);
    send(msg::channel_open_failure,
         [&](Writer& to) { to.number(channel->peer).number(2).string("no such node").string(""); });
    channels_.erase(channels_.begin() + (channel - channels_.data()));
}

std::size_t Connection::tunnel_room(std::uint32_t id) {
    const auto* const channel = find(id);
    return channel && !channel->closing ? room(*channel) : 0;
}

void Connection::tunnel_received(std::uint32_t id, std::string_view bytes) {
    if (auto* const channel = find(id)) send_data(*channel, bytes, false);
}

void Connection::tunnel_taken(std::uint32_t id, std::size_t bytes) {
    if (auto* const channel = find(id)) used_input(*channel, bytes);
}

void Connection::tunnel_ended(std::uint32_t id) {
    auto* const channel = find(id);
    if (channel && !channel->closing) finish_channel(*channel);
}

} // namespace loom::fleet
