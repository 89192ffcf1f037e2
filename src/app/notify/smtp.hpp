#pragma once
#include "core/base/error.hpp"
#include "core/model/notify.hpp"

#include <optional>
#include <string>

namespace loom {

/// The dialogue with a mail server (RFC 5321), apart from its bytes: each reply leads to what is sent next. Not thread-safe.
class SmtpDialogue {
public:
    struct Step {
        enum class Kind : std::uint8_t { send, start_tls, done, fail };
        Kind kind = Kind::send;
        std::string text; ///< what is sent, or why it failed
        bool permanent = false; ///< of fail: the server will not take it at any time (5yz)
    };
    /// `encrypted`: the connection is, from its beginning. `mail` as mail_text gives it; `target` outlives the dialogue.
    SmtpDialogue(const NotifyTarget& target, std::string mail, std::string own_name, bool encrypted);

    /// One whole reply: its lines, with their ends.
    Step next(const std::string& reply);
    /// After the connection was encrypted.
    Step encrypted();

private:
    enum class State : std::uint8_t { greeting, hello, start_tls, auth, auth_password, from, to, data, body, quit };
    Step send(State next, std::string text);
    Step fail(const std::string& reply);
    Step after_hello(const std::string& reply);
    Step begin_mail() { return send(State::from, "MAIL FROM:<" + target_.from + ">\r\n"); }

    const NotifyTarget& target_;
    std::string mail_, own_name_;
    bool encrypted_;
    State state_ = State::greeting;
    std::size_t recipient_ = 0;
};

/// Whether a reply is whole: its last line has a blank, or nothing, after the code (RFC 5321, 4.2.1).
bool whole_reply(const std::string& bytes);

/// With each line that begins with a dot given another (RFC 5321, 4.5.2), and the end that DATA has.
std::string dot_stuffed(const std::string& mail);

} // namespace loom
