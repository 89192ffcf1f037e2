#include "app/notify/smtp.hpp"

#include "core/base/base64.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using Tls = NotifyTarget::Tls;

int code_of(const std::string& reply) {
    int code = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        if (i >= reply.size() || reply[i] < '0' || reply[i] > '9') return 0;
        code = code * 10 + (reply[i] - '0');
    }
    return code;
}

/// The first line, without what a terminal would obey.
std::string shown_reply(const std::string& reply) {
    auto line = reply.substr(0, std::min(reply.find_first_of("\r\n"), std::size_t{200}));
    std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f; }, '?');
    return line;
}

/// Whether a line of the reply to EHLO begins with this word.
bool offers(const std::string& reply, std::string_view word) {
    for (std::size_t at = 0; at < reply.size();) {
        const auto end = std::min(reply.find('\n', at), reply.size());
        auto line = reply.substr(at, end - at);
        std::ranges::transform(line, line.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
        if (line.size() > 4 && std::string_view(line).substr(4).starts_with(word)) return true;
        at = end + 1;
    }
    return false;
}

} // namespace

bool whole_reply(const std::string& bytes) {
    if (!bytes.ends_with('\n')) return false;
    const auto before = bytes.size() < 2 ? std::string::npos : bytes.rfind('\n', bytes.size() - 2);
    const auto last = before == std::string::npos ? 0 : before + 1;
    return bytes.size() - last < 5 || bytes[last + 3] != '-';
}

std::string dot_stuffed(const std::string& mail) {
    std::string text;
    text.reserve(mail.size() + 16);
    bool line_begins = true;
    for (const char c : mail) {
        if (line_begins && c == '.') text += '.';
        text += c;
        line_begins = c == '\n';
    }
    if (!line_begins) text += "\r\n";
    return text + ".\r\n";
}

SmtpDialogue::SmtpDialogue(const NotifyTarget& target, std::string mail, std::string own_name, bool encrypted)
    : target_(target), mail_(std::move(mail)), own_name_(std::move(own_name)), encrypted_(encrypted) {}

SmtpDialogue::Step SmtpDialogue::send(State next, std::string text) {
    state_ = next;
    Step step;
    step.text = std::move(text);
    return step;
}

SmtpDialogue::Step SmtpDialogue::fail(const std::string& reply) {
    Step step;
    step.kind = Step::Kind::fail;
    step.text = fmt::format("the mail server says: {}", shown_reply(reply));
    step.permanent = code_of(reply) / 100 == 5;
    return step;
}

SmtpDialogue::Step SmtpDialogue::encrypted() {
    encrypted_ = true;
    return send(State::hello, "EHLO " + own_name_ + "\r\n"); // what was said before counts no more (RFC 3207, 4.2)
}

SmtpDialogue::Step SmtpDialogue::after_hello(const std::string& reply) {
    if (!encrypted_ && target_.tls == Tls::starttls) {
        if (offers(reply, "STARTTLS")) return send(State::start_tls, "STARTTLS\r\n");
        Step step;
        step.kind = Step::Kind::fail;
        step.text = "the mail server does not offer STARTTLS; nothing was sent";
        return step;
    }
    if (target_.user.empty()) return begin_mail();
    if (!encrypted_) return fail("a password is not sent without TLS");
    if (offers(reply, "AUTH LOGIN") && !offers(reply, "AUTH PLAIN")) return send(State::auth, "AUTH LOGIN\r\n");
    std::string plain(1, '\0');
    plain += target_.user;
    plain += '\0';
    plain += target_.secret.reveal();
    return send(State::auth_password, "AUTH PLAIN " + base64_encode(plain) + "\r\n");
}

SmtpDialogue::Step SmtpDialogue::next(const std::string& reply) {
    const auto code = code_of(reply);
    switch (state_) {
    case State::greeting: return code == 220 ? send(State::hello, "EHLO " + own_name_ + "\r\n") : fail(reply);
    case State::hello: return code == 250 ? after_hello(reply) : fail(reply);
    case State::start_tls: {
        if (code != 220) return fail(reply);
        Step step;
        step.kind = Step::Kind::start_tls;
        return step;
    }
    case State::auth:
        if (code != 334) return fail(reply);
        // The server asks for the name, then for the password.
        if (recipient_++ == 0) return send(State::auth, base64_encode(target_.user) + "\r\n");
        recipient_ = 0;
        return send(State::auth_password, base64_encode(target_.secret.reveal()) + "\r\n");
    case State::auth_password: return code == 235 ? begin_mail() : fail(reply);
    case State::from: return code == 250 ? send(State::to, "RCPT TO:<" + target_.to.at(0) + ">\r\n") : fail(reply);
    case State::to:
        if (code != 250 && code != 251) return fail(reply);
        if (++recipient_ < target_.to.size()) return send(State::to, "RCPT TO:<" + target_.to[recipient_] + ">\r\n");
        return send(State::data, "DATA\r\n");
    case State::data: return code == 354 ? send(State::body, dot_stuffed(mail_)) : fail(reply);
    case State::body: return code == 250 ? send(State::quit, "QUIT\r\n") : fail(reply);
    case State::quit: break; // the mail was taken, whatever is said now
    }
    Step step;
    step.kind = Step::Kind::done;
    return step;
}

} // namespace loom
