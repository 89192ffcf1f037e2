#include "core/schedule/pace.hpp"

#include <algorithm>
#include <cmath>

namespace loom {

double Pace::most() const { return std::max(1.0, static_cast<double>(per_second_) / 20); }

std::size_t Pace::ready(Time now, std::size_t wanted) {
    if (per_second_ == 0) return wanted;
    if (last_ != Time::min() && now > last_) {
        const auto passed = std::chrono::duration<double>(now - last_).count();
        saved_ = std::min(most(), saved_ + passed * static_cast<double>(per_second_));
    }
    last_ = std::max(last_, now);
    // A hair less than one is one: a wait that was computed in nanoseconds must not come out short.
    return std::min(wanted, static_cast<std::size_t>(saved_ + 1e-6));
}

void Pace::take(std::size_t starts) {
    if (per_second_ > 0) saved_ -= static_cast<double>(starts);
}

std::chrono::nanoseconds Pace::wait() const {
    if (per_second_ == 0 || saved_ >= 1) return std::chrono::nanoseconds(0);
    return std::chrono::nanoseconds(static_cast<std::int64_t>(std::ceil((1 - saved_) / static_cast<double>(per_second_) * 1e9)));
}

void Pace::change(std::size_t per_second) {
    if (per_second == per_second_) return;
    per_second_ = per_second;
    saved_ = std::min(saved_, 1.0);
}

} // namespace loom
