#pragma once
#include <cstdlib>
#include <optional>
#include <random>

namespace loom::tests {

/// What LOOM_SEED says: a failed random case is repeated with the seed that it names.
inline std::optional<unsigned> given_seed() {
    const char* given = std::getenv("LOOM_SEED");
    return given ? std::optional(static_cast<unsigned>(std::strtoul(given, nullptr, 10))) : std::nullopt;
}

/// That one, else another each time. Say it: `INFO("LOOM_SEED=" << seed)`.
inline unsigned fresh_seed() { return given_seed().value_or(std::random_device()()); }

} // namespace loom::tests
