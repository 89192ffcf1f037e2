#include "fleet/transport.hpp"

#include <algorithm>
#include <openssl/rand.h>
#include <utility>

namespace loom::fleet {

namespace {

constexpr std::string_view server_version = "SSH-2.0-LoomFleet_1";
constexpr std::string_view kex_names = "curve25519-sha256,curve25519-sha256@libssh.org";
constexpr std::string_view kex_extras = ",ext-info-s,kex-strict-s-v00@openssh.com";
constexpr std::size_t version_bytes_max = 1024;
constexpr std::uint32_t protocol_error = 2, exchange_failed = 3; // RFC 4253, section 11.1

bool lists(std::string_view list, std::string_view name) {
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        if (list.substr(0, end) == name) return true;
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

/// The first of the client's names that is also ours (RFC 4253, section 7.1); empty: none.
std::string_view choose(std::string_view theirs, std::string_view ours) {
    while (!theirs.empty()) {
        const auto end = std::min(theirs.find(','), theirs.size());
        if (lists(ours, theirs.substr(0, end))) return theirs.substr(0, end);
        theirs.remove_prefix(std::min(end + 1, theirs.size()));
    }
    return {};
}

std::string_view first_of(std::string_view list) { return list.substr(0, list.find(',')); }

/// Bytes without sense, the same ones each time.
std::string noise(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint32_t state = 2463534242;
    for (auto& byte : bytes) {
        state ^= state << 13, state ^= state >> 17, state ^= state << 5;
        byte = static_cast<char>(state);
    }
    return bytes;
}

constexpr auto nothing_more = [](Writer&) {};

} // namespace

Transport::Transport(const Options& options, Counters& counters, const HostKey& key, Fault fault)
    : options_(options), counters_(counters), key_(key), fault_(fault) {}

Transport::~Transport() = default;

void Transport::begin() {
    // A fault this early waits for the client's first bytes: a reset that overtakes the client's look at the new
    // connection would count as one of connecting.
    if (fault_.step == Step::banner) return;
    if (fault_.step == Step::connect && misbehave_at_banner()) return;
    say_version();
    if (fault_.step != Step::kexinit) exchange_keys();
}

void Transport::say_version() { out.append(server_version).append("\r\n"); }

std::size_t Transport::receive(char* bytes, std::size_t size) {
    if (!met_) {
        met_ = true;
        if (fault_.step == Step::banner && !misbehave_at_banner()) say_version();
        if (!kex_) exchange_keys();
    }
    std::size_t used = 0;
    while (used < size && !mute_) {
        if (version_.empty()) {
            if (!read_version(bytes + used, size - used, used)) return used;
            continue;
        }
        const auto opened = in_cipher_.open(bytes + used, size - used, in_sequence_);
        if (opened.state == PacketCipher::Opened::State::incomplete) return used;
        if (opened.state == PacketCipher::Opened::State::broken) {
            disconnect(protocol_error, "a packet is broken");
            break;
        }
        ++in_sequence_;
        used += opened.bytes;
        keyed_bytes_ += opened.bytes;
        handle(opened.message);
    }
    if (!mute_) rekey_when_due();
    return mute_ ? size : used;
}

bool Transport::read_version(char* bytes, std::size_t size, std::size_t& used) {
    const std::string_view text(bytes, size);
    const auto end = text.find('\n');
    if (end == text.npos) {
        if (size > version_bytes_max) disconnect(protocol_error, "the version line does not end");
        return false;
    }
    used += end + 1;
    version_ = text.substr(0, end);
    if (version_.ends_with('\r')) version_.pop_back();
    if (version_.starts_with("SSH-2.0-") && version_.size() < 256) return true;
    disconnect(protocol_error, "this is no SSH 2 client");
    return false;
}

void Transport::handle(std::string_view message) {
    const auto type = static_cast<std::uint8_t>(message[0]);
    if (!established_ && strict_ && type != msg::kex_ecdh_init && type != msg::newkeys && type != msg::disconnect)
        return disconnect(exchange_failed, "strict key exchange");
    switch (type) {
    case msg::disconnect:
        ending_ = Ending::close;
        mute_ = true;
        return;
    case msg::ignore:
    case msg::unimplemented:
    case msg::debug:
    case msg::ext_info: return;
    case msg::kexinit: return on_kexinit(message);
    case msg::kex_ecdh_init: return on_ecdh_init(message);
    case msg::newkeys: return on_newkeys();
    default: break;
    }
    if (!established_) return disconnect(protocol_error, "a message before the key exchange");
    on_message(type, message);
}

void Transport::exchange_keys() {
    if (kex_ || mute_) return;
    if (!established_ && !at(Step::kexinit, msg::kexinit)) return;
    kex_ = std::make_unique<Kex>();
    unsigned char cookie[16];
    RAND_bytes(cookie, sizeof cookie);
    Writer write(kex_->ours);
    write.byte(msg::kexinit).raw({reinterpret_cast<const char*>(cookie), sizeof cookie});
    write.string(std::string(kex_names).append(kex_extras)).string("ssh-ed25519");
    write.string(cipher_names).string(cipher_names).string(mac_names).string(mac_names);
    write.string("none").string("none").string("").string("").boolean(false).number(0);
    const auto rest = std::string_view(kex_->ours).substr(1);
    send_now(msg::kexinit, [rest](Writer& to) { to.raw(rest); });
}

void Transport::on_kexinit(std::string_view message) {
    if (!kex_) exchange_keys();
    if (mute_) return;
    if (!kex_->theirs.empty()) return disconnect(protocol_error, "KEXINIT within a key exchange");
    kex_->theirs = message;
    Reader read(message.substr(1));
    read.take(16);
    const auto kex = read.string(), host_key = read.string(), cipher_in = read.string(), cipher_out = read.string(),
               mac_in = read.string(), mac_out = read.string();
    for (int i = 0; i < 4; ++i) read.string(); // compression and languages: the server's `none` is everybody's
    const bool guess_follows = read.boolean();
    if (!read.ok()) return disconnect(protocol_error, "KEXINIT is too short");
    const auto in = choose(cipher_in, cipher_names), to = choose(cipher_out, cipher_names);
    const auto in_mac = choose(mac_in, mac_names), to_mac = choose(mac_out, mac_names);
    kex_->in = suite_of(in, in_mac);
    kex_->out = suite_of(to, to_mac);
    if (choose(kex, kex_names).empty() || !lists(host_key, "ssh-ed25519") || in.empty() || to.empty() ||
        (in_mac.empty() && !kex_->in.gcm) || (to_mac.empty() && !kex_->out.gcm))
        return disconnect(exchange_failed, "no algorithm in common");
    kex_->skip_guess = guess_follows && (first_of(kex) != first_of(kex_names) || first_of(host_key) != "ssh-ed25519");
    if (established_) return;
    wants_ext_info_ = lists(kex, "ext-info-c");
    strict_ = lists(kex, "kex-strict-c-v00@openssh.com");
    if (strict_ && in_sequence_ != 1) disconnect(exchange_failed, "strict key exchange");
}

void Transport::on_ecdh_init(std::string_view message) {
    if (!kex_ || kex_->theirs.empty() || kex_->answered) return disconnect(protocol_error, "no key exchange was begun");
    if (std::exchange(kex_->skip_guess, false)) return;
    Reader read(message.substr(1));
    const auto theirs = read.string();
    const auto made = exchange_x25519(theirs);
    if (!read.ok() || !made) return disconnect(exchange_failed, "not a point of curve25519");

    std::string secret, text;
    Writer(secret).mpint(made->secret);
    Writer(text).string(version_).string(server_version).string(kex_->theirs).string(kex_->ours).string(key_.blob());
    Writer(text).string(theirs).string(made->ours).raw(secret);
    const auto hash = sha256(text);
    if (session_id_.empty()) session_id_ = hash;
    if (!at(established_ ? Step::rekey : Step::kex_reply, msg::kex_ecdh_reply)) return;
    const auto signature = key_.sign(hash);
    send_now(msg::kex_ecdh_reply,
             [&](Writer& to) { to.string(key_.blob()).string(made->ours).string(signature); });
    if (!established_ && !at(Step::newkeys, msg::newkeys)) return;
    send_now(msg::newkeys, nothing_more);

    // RFC 4253, section 7.2: one SHA-256 is as long as any key here.
    const auto derive = [&](char letter, std::size_t size) {
        return sha256(secret + hash + letter + session_id_).substr(0, size);
    };
    const auto cipher = [&](const Suite& suite, std::string_view letters, bool sealing) {
        return PacketCipher(suite, derive(letters[1], suite.key_bytes), derive(letters[0], suite.iv_bytes),
                            suite.gcm ? std::string() : derive(letters[2], 32), sealing);
    };
    out_cipher_ = cipher(kex_->out, "BDF", true);
    kex_->next_in = cipher(kex_->in, "ACE", false);
    kex_->answered = true;
    keyed_bytes_ = 0;
    if (strict_) out_sequence_ = 0;
    if (!established_ && wants_ext_info_)
        send_now(msg::ext_info, [](Writer& to) { to.number(1).string("server-sig-algs").string("ssh-ed25519"); });
}

void Transport::on_newkeys() {
    if (!kex_ || !kex_->answered) return disconnect(protocol_error, "NEWKEYS without a key exchange");
    in_cipher_ = std::move(kex_->next_in);
    kex_.reset();
    if (strict_) in_sequence_ = 0;
    if (std::exchange(established_, true)) ++counters_.rekeys;
    for (const auto& message : std::exchange(held_, {}))
        send_now(static_cast<std::uint8_t>(message[0]),
                 [&message](Writer& to) { to.raw(std::string_view(message).substr(1)); });
    on_ready();
}

void Transport::rekey_when_due() {
    if (established_ && options_.rekey_bytes && keyed_bytes_ >= options_.rekey_bytes) exchange_keys();
}

void Transport::disconnect(std::uint32_t reason, std::string_view words) {
    if (mute_) return;
    send_now(msg::disconnect, [&](Writer& to) { to.number(reason).string(words).string(""); });
    ending_ = Ending::close;
    mute_ = true;
}

bool Transport::refuses(Step step) {
    if (!has_fault(step, Kind::refuse)) return false;
    if (!std::exchange(struck_, true)) ++counters_.faults;
    return true;
}

bool Transport::at(Step step, std::uint8_t type) {
    if (fault_.step != step || struck_) return !mute_;
    struck_ = true;
    ++counters_.faults;
    switch (fault_.kind) {
    case Kind::hang: break;
    case Kind::reset: ending_ = Ending::reset; break;
    case Kind::close: ending_ = Ending::close; break;
    case Kind::garbage: out += noise(4096); break;
    case Kind::nonsense: send_now(type, [](Writer& to) { to.raw(noise(60)); }); break;
    case Kind::oversize: out += out_cipher_.claim(0x7fffffff); break;
    case Kind::drip: dripping_ = true; return true;
    case Kind::endless: endless_ = true; break;
    case Kind::refuse: disconnect(protocol_error, "refused"); break;
    }
    mute_ = true;
    return false;
}

/// The same kinds where lines are spoken, not packets. True where the version line was replaced.
bool Transport::misbehave_at_banner() {
    switch (fault_.kind) {
    case Kind::nonsense: out += "SSH-9.9-nonsense\r\n"; break;
    case Kind::oversize: out += "SSH-2.0-" + std::string(packet_bytes_max, 'x'); break;
    case Kind::refuse: // sshd's words when MaxStartups is reached
        out += "Exceeded MaxStartups\r\n";
        ending_ = Ending::close;
        break;
    default: return !at(fault_.step, 0);
    }
    struck_ = mute_ = true;
    ++counters_.faults;
    return true;
}

void Transport::babble() {
    if (fault_.step <= Step::banner) out += std::string(998, 'x') + "\r\n";
    else send_now(msg::ignore, [](Writer& to) { to.string(std::string(1000, 'x')); });
}

} // namespace loom::fleet
