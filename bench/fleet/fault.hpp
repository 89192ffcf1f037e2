#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace loom::fleet {

/// The server's message at which it begins to misbehave, in the order of a connection. `connect` is the moment after
/// accept; `data` the first output of a command; `window` the granting of more input; `rekey` the reply within a second
/// key exchange, which a server with this fault begins when a command is asked for.
enum class Step : std::uint8_t {
    none, connect, banner, kexinit, kex_reply, newkeys, service, auth, channel_open, exec, data, window, eof, close, rekey,
};

/// What it does instead of sending the step's message. `refuse` is the protocol's own no, where it has one.
/// `garbage` is bytes that are no packet, `nonsense` a sound packet with a senseless body, `oversize` a packet that claims
/// to be huge, `endless` lines (before the key exchange) or ignored messages without end. `drip` sends the
/// message and all that follow one byte at a time. After all but `refuse`, `drip` and `window` the rest is silence.
enum class Kind : std::uint8_t { hang, reset, close, garbage, nonsense, oversize, drip, endless, refuse };

struct Fault {
    Step step = Step::none;
    Kind kind = Kind::hang;

    friend bool operator==(const Fault&, const Fault&) = default;
};

inline constexpr std::array<std::string_view, 15> step_names = {
    "none", "connect", "banner", "kexinit", "kex_reply", "newkeys", "service", "auth",
    "channel_open", "exec", "data", "window", "eof", "close", "rekey"};
inline constexpr std::array<std::string_view, 9> kind_names = {"hang",     "reset", "close",   "garbage", "nonsense",
                                                               "oversize", "drip",  "endless", "refuse"};

/// Of the form `auth:hang`; nothing where it is not.
std::optional<Fault> parse_fault(std::string_view text);
std::string to_string(const Fault& fault);

/// Which connections get a fault. The first rule that matches a node counts.
struct FaultRule {
    std::string address;      ///< one node's; empty: see `share`
    unsigned share = 100;     ///< per cent of the addresses, chosen by their hash
    std::uint64_t times = ~0ULL; ///< so many connections; later ones are sound
    Fault fault;
};

/// Of the form `[ADDRESS=|PERCENT%=]STEP:KIND[*TIMES]`.
std::optional<FaultRule> parse_fault_rule(std::string_view text);

} // namespace loom::fleet
