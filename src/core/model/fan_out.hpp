#pragma once
#include "core/base/error.hpp"
#include "core/base/limits.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// How many nodes: a count, or a share of a whole that is known later. Exact to a thousandth, so that 0.1 % of 1,000
/// nodes is one node.
struct Amount {
    std::int64_t thousandths = 0; ///< of a node, or of a percent
    bool percent = false;

    friend bool operator==(const Amount&, const Amount&) = default;
};

/// A bound that a count of nodes is held against: `>5%`, `>= 3`.
struct Threshold {
    Amount amount;
    bool inclusive = false; ///< `>=`
    std::string text;       ///< as messages show it

    friend bool operator==(const Threshold&, const Threshold&) = default;
};

/// `10` or `2.5%`; at most three decimals, a share of at most 100 %. Errors (Errc::config) say what was expected.
Result<Amount> parse_amount(std::string_view text);
/// `>` or `>=` and an amount.
Result<Threshold> parse_threshold(std::string_view text);

/// The amount of a whole, rounded up to nodes and at most the whole.
std::size_t nodes_of(const Amount& amount, std::size_t whole);
/// Whether `count` of `whole` is beyond the threshold.
bool passes(const Threshold& threshold, std::size_t count, std::size_t whole);

/// Ends a run early, by the nodes of its current wave.
struct StopWhen {
    std::optional<Threshold> failed;      ///< ran and did not succeed: failed, timed_out, lost
    std::optional<Threshold> unreachable;

    friend bool operator==(const StopWhen&, const StopWhen&) = default;
};

/// In which order nodes are dialled.
struct DialOrder {
    enum class Kind : std::uint8_t { inventory, random, label };
    Kind kind = Kind::inventory;
    std::string label; ///< the key whose values take turns

    friend bool operator==(const DialOrder&, const DialOrder&) = default;
};

/// How a run spreads over its targets.
struct FanOut {
    std::vector<Amount> waves; ///< cumulative, the last is 100 %; empty: one wave
    StopWhen stop_when;
    std::optional<Threshold> success_ok; ///< what decides the run's state; none: every node must succeed
    DialOrder order;
    bool run_once = false;
    std::size_t parallel = limits::parallel_default; ///< nodes at once
    bool parallel_auto = false;                      ///< begins with `parallel`, then adapts
    std::size_t starts_per_second = 0;               ///< 0: no limit

    friend bool operator==(const FanOut&, const FanOut&) = default;
};

} // namespace loom
