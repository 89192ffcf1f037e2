#pragma once
#include "core/time/instant.hpp"

namespace loom {

/// Port: what time it is. Every member may be called on any thread. The fake is tests/support/manual_clock.hpp.
class Clock {
public:
    virtual ~Clock() = default;
    virtual Instant now() const = 0;
};

class SystemClock final : public Clock {
public:
    Instant now() const override {
        return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    }
};

} // namespace loom
