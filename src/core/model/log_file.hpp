#pragma once
#include "core/base/duration.hpp"

#include <cstdint>
#include <string>

namespace loom {

/// Where a job's output is appended beside the ledger.
struct LogFile {
    std::string path;         ///< with placeholders; empty: nowhere
    Milliseconds keep{0};     ///< older files of this log go; zero: never
    std::uint64_t rotate = 0; ///< bytes from which on a new file is begun; zero: never

    friend bool operator==(const LogFile&, const LogFile&) = default;
};

} // namespace loom
