#pragma once
#include <chrono>
#include <cstddef>

namespace loom {

/// At most so many starts a second, spread evenly: the ledger of a leaky bucket that holds 50 ms' worth, at least one
/// start. The caller brings the time. Not thread-safe.
class Pace {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit Pace(std::size_t per_second = 0) : per_second_(per_second) {} ///< 0: no limit

    /// How many may start now, at most `wanted`; zero: see `wait`.
    std::size_t ready(Time now, std::size_t wanted);
    /// Takes as many as `ready` has allowed.
    void take(std::size_t starts);
    /// How long until one may start.
    std::chrono::nanoseconds wait() const;
    /// Another limit from now on; what was saved up goes.
    void change(std::size_t per_second);

private:
    double most() const;

    std::size_t per_second_;
    double saved_ = 1;
    Time last_ = Time::min();
};

} // namespace loom
