#pragma once
#include "core/async/asio.hpp"
#include "core/base/stable_hash.hpp"

#include <string_view>
#include <vector>

namespace loom {

/// The strands that runs, nodes and connections live on: a few, one for each thread. A name has always the same one, so
/// that a node, its session and the next firing on it never change threads, and each thread runs an io_context alone,
/// which makes it a strand without a lock (Asio, "Strands": an implicit strand). An exec on a kept session takes a third
/// less CPU than with threads that share one context: see docs/decisions/0004.
class Strands {
public:
    Strands() = default;
    /// Each runs at most one handler at a time; at least one.
    explicit Strands(std::vector<Executor> strands) : strands_(std::move(strands)) {}

    const Executor& of(std::string_view name) const { return at(stable_hash(name)); }
    const Executor& at(std::size_t number) const { return strands_[number % strands_.size()]; }

private:
    std::vector<Executor> strands_;
};

} // namespace loom
