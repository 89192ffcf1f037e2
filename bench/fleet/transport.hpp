#pragma once
#include "fleet/cipher.hpp"
#include "fleet/fault.hpp"
#include "fleet/options.hpp"
#include "fleet/wire.hpp"

#include <memory>
#include <vector>

namespace loom::fleet {

/// The server's side of SSH's transport layer on one connection (RFC 4253, strict key exchange): bytes in, bytes out, no
/// socket. What is built on it takes messages by `on_message`, and its fault, if it has one, strikes in `at`.
class Transport {
public:
    enum class Ending : std::uint8_t { none, close, reset };

    Transport(const Options& options, Counters& counters, const HostKey& key, Fault fault);
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;
    virtual ~Transport();

    /// Says the first words.
    void begin();
    /// Takes bytes, decrypting where they lie. Returns how many were used: the rest belongs before the next ones.
    std::size_t receive(char* bytes, std::size_t size);

    std::string out;                 ///< to be sent
    Ending ending() const { return ending_; } ///< what becomes of the connection once `out` was sent
    bool dripping() const { return dripping_; }
    /// A fault that never stops talking: `babble` adds to `out` what it says next.
    bool endless() const { return endless_; }
    void babble();

protected:
    /// Sends a message; while keys are exchanged it is held back, unless it belongs to that.
    template <class Fill>
    void send(std::uint8_t type, Fill fill) {
        if (mute_) return;
        if (exchanging() && type >= msg::userauth_request) {
            Writer held(held_.emplace_back());
            held.byte(type);
            return fill(held);
        }
        send_now(type, std::move(fill));
    }
    /// Where the connection's fault is one of this step, it strikes, and false says that the step's message (of that
    /// type) does not go out.
    bool at(Step step, std::uint8_t type);
    /// The fault of this step is the protocol's own refusal, which the caller sends.
    bool refuses(Step step);
    bool has_fault(Step step, Kind kind) const { return fault_ == Fault{step, kind}; }
    void disconnect(std::uint32_t reason, std::string_view words);
    /// Between our KEXINIT and our NEWKEYS nothing else may be sent (RFC 4253, section 7.1).
    bool exchanging() const { return kex_ && !kex_->answered; }
    void exchange_keys();
    void rekey_when_due();
    bool mute() const { return mute_; }
    const std::string& session_id() const { return session_id_; }
    const Fault& fault() const { return fault_; }

    const Options& options_;
    Counters& counters_;

private:
    virtual void on_message(std::uint8_t type, std::string_view message) = 0;
    /// Keys were exchanged: what waited may go on.
    virtual void on_ready() = 0;

    /// What an exchange needs until it is over.
    struct Kex {
        std::string theirs, ours; ///< the KEXINIT messages
        Suite in, out;
        PacketCipher next_in;
        bool skip_guess = false, answered = false;
    };

    template <class Fill>
    void send_now(std::uint8_t type, Fill fill) {
        if (out.capacity() < 512) out.reserve(512); // it is given back whenever it was sent
        const auto start = out.size();
        out.append(PacketCipher::head_bytes, '\0');
        Writer message(out);
        message.byte(type);
        fill(message);
        out_cipher_.seal(out, start, out_sequence_++);
        keyed_bytes_ += out.size() - start;
    }
    bool read_version(char* bytes, std::size_t size, std::size_t& used);
    void handle(std::string_view message);
    void on_kexinit(std::string_view message);
    void on_ecdh_init(std::string_view message);
    void on_newkeys();
    void say_version();
    bool misbehave_at_banner();

    const HostKey& key_;
    Fault fault_;
    std::string version_; ///< the client's; empty: not seen yet
    std::string session_id_;
    std::unique_ptr<Kex> kex_;
    std::vector<std::string> held_;
    PacketCipher in_cipher_, out_cipher_;
    std::uint32_t in_sequence_ = 0, out_sequence_ = 0;
    std::uint64_t keyed_bytes_ = 0; ///< under the present keys
    Ending ending_ = Ending::none;
    bool met_ = false;         ///< something came from the client
    bool established_ = false; ///< the first exchange is over
    bool strict_ = false, wants_ext_info_ = false;
    bool struck_ = false, mute_ = false, dripping_ = false, endless_ = false;
};

} // namespace loom::fleet
