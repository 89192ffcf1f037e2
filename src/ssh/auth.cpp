#include "ssh/auth.hpp"

#include "ssh/public_key.hpp"
#include "ssh/wire.hpp"

#include <boost/algorithm/string/join.hpp>
#include <cstring>
#include <optional>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

/// Not one of libssh2's codes: the server would take the key, and the agent is to sign.
constexpr long wants_signature = 1;

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

/// Signs with the key itself, or leaves what is to be signed for the agent.
struct Signer {
    Signer(Session& owner, const PrivateKey* from_file) : session(owner), key(from_file) {}
    Session& session;
    const PrivateKey* key; ///< null: the agent signs
    std::string bytes, algorithm;
    std::optional<Result<std::string>> signature;
    bool waiting() const { return !bytes.empty() && !signature; }
};

/// The algorithm that is named in what is signed (RFC 4252, section 7), without the mark of a certificate.
std::string algorithm_in(std::string_view bytes) {
    WireReader reader(bytes);
    reader.text(); // session id
    reader.byte();
    reader.text(); // user
    reader.text(); // service
    reader.text(); // "publickey"
    reader.byte();
    return plain_type(reader.text());
}

int give_signature(LIBSSH2_SESSION*, unsigned char** signature, std::size_t* size, const unsigned char* bytes,
                   std::size_t count, void** self) {
    auto& signer = *static_cast<Signer*>(*self);
    if (!signer.signature) {
        signer.bytes.assign(reinterpret_cast<const char*>(bytes), count);
        signer.algorithm = algorithm_in(signer.bytes);
        if (signer.algorithm == "ssh-rsa") signer.signature = Error{Errc::failed, "the server takes it only with SHA-1"};
        else if (signer.key) signer.signature = signer.key->sign(signer.algorithm, signer.bytes);
        else return LIBSSH2_ERROR_EAGAIN; // and is called again
    }
    if (!*signer.signature) return LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
    const auto& made = **signer.signature;
    *signature = static_cast<unsigned char*>(signer.session.allocate(made.size()));
    if (!*signature) return LIBSSH2_ERROR_ALLOC;
    std::memcpy(*signature, made.data(), *size = made.size());
    return 0;
}

bool connection_gone(const Session& session, long code) {
    return session.killed() || session.ended_by_peer() || code == LIBSSH2_ERROR_SOCKET_DISCONNECT ||
           code == LIBSSH2_ERROR_SOCKET_RECV || code == LIBSSH2_ERROR_SOCKET_SEND;
}

struct Attempt {
    std::string method, label, words; ///< words: a key's type and fingerprint
    std::string result;
};

class Login {
public:
    Login(std::shared_ptr<Session> session, Credentials credentials, StopToken stop)
        : session_(std::move(session)), credentials_(std::move(credentials)), stop_(std::move(stop)) {}

    awaitable<LoginResult> run() {
        co_await collect_offers();
        for (const auto& offer : offers_.keys) {
            begin("publickey", offer.label, key_words(offer.blob));
            const long code = co_await try_key(offer);
            if (settle(code)) co_return finish();
        }
        // Asks for the methods, which also is the method "none" (RFC 4252, section 5.2).
        std::string methods;
        const long listed = co_await session_->call([&] { return list_methods(methods); });
        if (listed == 0) begin("none", "none", "");
        if (listed == 0 || connection_gone(*session_, listed)) {
            settle(listed);
            co_return finish();
        }
        if (!credentials_.password.empty() && offered(methods, "password")) {
            begin("password", "password", "");
            const long code = co_await session_->call([this] { return offer_password(); });
            if (settle(code)) co_return finish();
        }
        if (!credentials_.password.empty() && offered(methods, "keyboard-interactive")) {
            begin("keyboard-interactive", "keyboard-interactive", "");
            session_->answer = &credentials_.password.reveal();
            const long code = co_await session_->call([this] { return answer_interactively(); });
            session_->answer = nullptr;
            if (settle(code)) co_return finish();
        }
        result_.message = refusal();
        if (!methods.empty()) result_.message += "; the server accepts " + methods;
        if (!methods.empty() && !offered(methods, "publickey") && !offered(methods, "password") &&
            !offered(methods, "keyboard-interactive"))
            result_.message += ", which Loom does not offer";
        co_return finish();
    }

private:
    const char* user() const { return credentials_.user.c_str(); }
    unsigned user_size() const { return static_cast<unsigned>(credentials_.user.size()); }

    awaitable<void> collect_offers() {
        std::vector<AgentKey> agent_keys;
        if (credentials_.agent) {
            auto listed = co_await credentials_.agent->keys(stop_);
            if (listed) agent_keys = std::move(*listed);
            else credentials_.left_out.push_back(listed.error().message);
        }
        offers_ = order_offers(credentials_, agent_keys);
    }

    awaitable<long> try_key(const Offer& offer) {
        const auto type = key_type(offer.blob);
        if (method_kept_ && type.find("rsa") != type.npos) co_return LIBSSH2_ERROR_METHOD_NONE;
        if (method_kept_) replace_method(std::string(type));
        Signer signer(*session_, offer.key.get());
        for (;;) {
            const long code = co_await session_->call([&] { return ask_server(offer, signer); });
            method_kept_ = code == LIBSSH2_ERROR_METHOD_NONE;
            if (code != wants_signature) {
                if (signer.signature && !*signer.signature) attempts_.back().result = signer.signature->error().message;
                co_return code;
            }
            signer.signature = co_await credentials_.agent->sign(offer.agent_blob, signer.bytes, signer.algorithm, stop_);
        }
    }
    long ask_server(const Offer& offer, Signer& signer) {
        void* self = &signer;
        const long code =
            libssh2_userauth_publickey(session_->raw(), user(), reinterpret_cast<const unsigned char*>(offer.blob.data()),
                                       offer.blob.size(), &give_signature, &self);
        if (code == LIBSSH2_ERROR_EAGAIN && signer.waiting()) return wants_signature;
        // libssh2 has one code for a refusal and for a server that hung up; only its words tell them apart.
        if (code == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED && session_->last_error().starts_with("Waiting for"))
            return LIBSSH2_ERROR_SOCKET_DISCONNECT;
        return code;
    }
    /// After LIBSSH2_ERROR_METHOD_NONE (an RSA key at a server that takes no RSA) libssh2 1.11.1 keeps `ssh-rsa` as the
    /// method of the next key, whatever that is. Reading a public key replaces it; this one is too short to be sent.
    void replace_method(const std::string& type) {
        const auto line = type + " AAAA";
        libssh2_userauth_publickey_frommemory(session_->raw(), user(), user_size(), line.data(), line.size(), "-", 1, nullptr);
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

    void begin(std::string method, std::string label, std::string words) {
        attempts_.push_back({std::move(method), std::move(label), std::move(words), ""});
    }

    /// Notes what became of the attempt that was begun last; true when there is nothing left to try.
    bool settle(long code) {
        if (code == 0) {
            attempts_.back().result = "accepted";
            result_.kind = LoginResult::Kind::done;
            return true;
        }
        if (!connection_gone(*session_, code)) {
            auto& result = attempts_.back().result;
            if (!result.empty()) return false;
            if (code == LIBSSH2_ERROR_METHOD_NONE) result = "the server takes no RSA keys";
            // The server's plain refusal needs no words; that a key could not even be used does.
            else if (code != LIBSSH2_ERROR_AUTHENTICATION_FAILED && code != LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
                result = session_->last_error();
            else result = "refused";
            return false;
        }
        const bool begun = !attempts_.empty() && attempts_.back().result.empty();
        if (attempts_.size() == (begun ? 1u : 0u)) { // nothing was refused before
            result_.kind = LoginResult::Kind::dropped;
            result_.message = "the connection ended during authentication";
            return true;
        }
        // A server that hangs up after refusals (MaxAuthTries) has refused.
        if (begun) attempts_.back().result = "the server hung up";
        result_.message = refusal();
        const auto tried = attempts_.size();
        if (tried < offers_.keys.size())
            result_.message += fmt::format("; {} more keys had no turn: name the right one by `identity` or IdentityFile",
                                           offers_.keys.size() - tried);
        return true;
    }

    std::string refusal() const {
        auto text = fmt::format("authentication failed for user {}", credentials_.user);
        std::vector<std::string> tried;
        for (const auto& attempt : attempts_)
            tried.push_back(attempt.result == "refused" ? attempt.label : fmt::format("{} ({})", attempt.label, attempt.result));
        text += tried.empty() ? "; nothing to try" : "; tried " + boost::algorithm::join(tried, ", ");
        for (const auto& reason : offers_.left_out) text += "; " + reason;
        if (offers_.not_offered > 0)
            text += fmt::format("; {} more keys were not offered: name the right one by `identity` or IdentityFile",
                                offers_.not_offered);
        return text;
    }

    LoginResult finish() {
        std::vector<std::string> lines;
        for (const auto& attempt : attempts_) {
            auto line = attempt.method;
            if (attempt.label != attempt.method) line += fmt::format(" {} ({})", attempt.label, attempt.words);
            lines.push_back(line + ": " + attempt.result);
        }
        for (const auto& reason : offers_.left_out) lines.push_back("left out: " + reason);
        result_.tried = boost::algorithm::join(lines, "\n");
        return std::move(result_);
    }

    std::shared_ptr<Session> session_;
    Credentials credentials_;
    StopToken stop_;
    Offers offers_;
    std::vector<Attempt> attempts_;
    bool method_kept_ = false;
    LoginResult result_;
};

} // namespace

awaitable<LoginResult> log_in(std::shared_ptr<Session> session, Credentials credentials, StopToken stop) {
    Login login(std::move(session), std::move(credentials), std::move(stop));
    co_return co_await login.run();
}

} // namespace loom
