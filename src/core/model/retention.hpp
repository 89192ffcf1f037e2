#pragma once
#include "core/base/duration.hpp"

#include <cstdint>
#include <optional>

namespace loom {

/// How much of the past is kept; zero means without a limit.
struct Retention {
    Milliseconds age = std::chrono::hours(24 * 90);
    std::uint64_t runs = 1000;                     ///< of one job
    std::uint64_t bytes = std::uint64_t{10} << 30; ///< of output
};

/// What a job says for itself. Its `bytes` are its own share; loom.yaml's are those of all jobs together.
struct JobRetention {
    std::optional<Milliseconds> age;
    std::optional<std::uint64_t> runs, bytes;

    friend bool operator==(const JobRetention&, const JobRetention&) = default;
};

} // namespace loom
