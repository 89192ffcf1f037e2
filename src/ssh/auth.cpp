#include "ssh/auth.hpp"

#include <boost/algorithm/string/join.hpp>
#include <cstring>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

/// Answers each hidden prompt with the password, in the first round only: a second one means that it was wrong.
void answer_prompts(const char*, int, const char*, int, int count, const LIBSSH2_USERAUTH_KBDINT_PROMPT* prompts,
                    LIBSSH2_USERAUTH_KBDINT_RESPONSE* responses, void** self) {
    auto& session = *static_cast<Session*>(*self);
    bool used = false;
    for (int i = 0; i < count; ++i) {
        responses[i].text = nullptr;
        responses[i].length = 0;
        if (prompts[i].echo || !session.answer) continue;
        auto* const text = static_cast<char*>(session.allocate(session.answer->size() + 1));
        if (!text) continue;
        std::memcpy(text, session.answer->c_str(), session.answer->size() + 1);
        responses[i].text = text; // libssh2 frees it
        responses[i].length = static_cast<unsigned>(session.answer->size());
        used = true;
    }
    if (used) session.answer = nullptr;
}

bool connection_gone(const Session& session, long code) {
    return session.killed() || session.ended_by_peer() || code == LIBSSH2_ERROR_SOCKET_DISCONNECT ||
           code == LIBSSH2_ERROR_SOCKET_RECV || code == LIBSSH2_ERROR_SOCKET_SEND;
}

class Login {
public:
    Login(std::shared_ptr<Session> session, Credentials credentials)
        : session_(std::move(session)), credentials_(std::move(credentials)) {}

    awaitable<LoginResult> run() {
        for (const auto& identity : credentials_.identities) {
            const long code = co_await session_->call([&] { return offer(identity); });
            if (settle(code, identity.file)) co_return std::move(result_);
        }
        // Asks for the methods, which also is the method "none" (RFC 4252, section 5.2).
        std::string methods;
        const long listed = co_await session_->call([&] { return list_methods(methods); });
        if (settle(listed, "")) co_return std::move(result_);
        if (!credentials_.password.empty() && offered(methods, "password")) {
            const long code = co_await session_->call([this] { return offer_password(); });
            if (settle(code, "password")) co_return std::move(result_);
        }
        if (!credentials_.password.empty() && offered(methods, "keyboard-interactive")) {
            session_->answer = &credentials_.password.reveal();
            const long code = co_await session_->call([this] { return answer_interactively(); });
            session_->answer = nullptr;
            if (settle(code, "keyboard-interactive")) co_return std::move(result_);
        }
        result_.message = refusal(methods);
        co_return std::move(result_);
    }

private:
    const char* user() const { return credentials_.user.c_str(); }
    unsigned user_size() const { return static_cast<unsigned>(credentials_.user.size()); }

    long offer(const Identity& identity) {
        const auto& key = identity.text->reveal();
        return libssh2_userauth_publickey_frommemory(session_->raw(), user(), user_size(), nullptr, 0, key.data(),
                                                     key.size(), nullptr);
    }
    long offer_password() {
        const auto& password = credentials_.password.reveal();
        return libssh2_userauth_password_ex(session_->raw(), user(), user_size(), password.c_str(),
                                            static_cast<unsigned>(password.size()), nullptr);
    }
    long answer_interactively() {
        return libssh2_userauth_keyboard_interactive_ex(session_->raw(), user(), user_size(), &answer_prompts);
    }
    /// 0: no login without credentials; the list is empty where nothing is accepted.
    long list_methods(std::string& methods) {
        const char* list = libssh2_userauth_list(session_->raw(), user(), user_size());
        if (list) methods = list;
        else if (libssh2_userauth_authenticated(session_->raw())) return 0;
        else if (const long code = libssh2_session_last_errno(session_->raw()); code != 0) return code;
        return LIBSSH2_ERROR_AUTHENTICATION_FAILED;
    }
    static bool offered(const std::string& methods, std::string_view method) {
        return ("," + methods + ",").find(fmt::format(",{},", method)) != std::string::npos;
    }

    /// True when there is nothing left to try.
    bool settle(long code, const std::string& tried) {
        if (code == 0) {
            result_.kind = LoginResult::Kind::done;
            return true;
        }
        if (!connection_gone(*session_, code)) {
            if (tried.empty()) return false;
            tried_.push_back(tried);
            // The server's plain refusal needs no words; that a key could not even be used does.
            if (code != LIBSSH2_ERROR_AUTHENTICATION_FAILED && code != LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
                tried_.back() += fmt::format(" ({})", session_->last_error());
            return false;
        }
        // A server that hangs up after refusals (MaxAuthTries) has refused.
        result_.kind = tried_.empty() ? LoginResult::Kind::dropped : LoginResult::Kind::refused;
        result_.message = tried_.empty() ? "the connection ended during authentication" : refusal("");
        return true;
    }

    std::string refusal(const std::string& methods) const {
        auto text = fmt::format("authentication failed for user {}", credentials_.user);
        if (!tried_.empty()) text += "; tried " + boost::algorithm::join(tried_, ", ");
        if (tried_.empty()) text += "; nothing to try";
        for (const auto& reason : credentials_.left_out) text += "; " + reason;
        if (!methods.empty()) text += "; the server accepts " + methods;
        return text;
    }

    std::shared_ptr<Session> session_;
    Credentials credentials_;
    std::vector<std::string> tried_;
    LoginResult result_;
};

} // namespace

awaitable<LoginResult> log_in(std::shared_ptr<Session> session, Credentials credentials) {
    Login login(std::move(session), std::move(credentials));
    co_return co_await login.run();
}

} // namespace loom
