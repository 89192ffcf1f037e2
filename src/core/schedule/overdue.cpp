#include "core/schedule/overdue.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// Fewer runs do not tell what is usual.
constexpr std::size_t past_least = 3;
/// A job that takes milliseconds is not late for a second: the machine was busy.
constexpr Milliseconds usual_least = std::chrono::seconds(1);

Milliseconds median(std::vector<Milliseconds>& past) {
    const auto middle = past.begin() + static_cast<std::ptrdiff_t>(past.size() / 2);
    std::nth_element(past.begin(), middle, past.end());
    return *middle;
}

} // namespace

std::optional<Overdue> overdue_of(const Expect& expect, std::vector<Milliseconds> past) {
    std::optional<Overdue> overdue;
    if (expect.finish_within.count() > 0)
        overdue = {expect.finish_within,
                   fmt::format("overdue: not finished within {}", short_duration(expect.finish_within))};
    if (expect.longer_than_usual <= 0 || past.size() < past_least) return overdue;
    const auto usual = median(past);
    const Milliseconds longer(static_cast<std::int64_t>(static_cast<double>(usual.count()) * expect.longer_than_usual));
    const auto after = std::max(usual_least, longer);
    if (!overdue || after < overdue->after)
        overdue = {after, fmt::format("overdue: longer than {:g} times the usual {}", expect.longer_than_usual,
                                      short_duration(usual))};
    return overdue;
}

std::optional<LateStart> start_of(const Expect& expect, const Run& row) {
    if (expect.start_within.count() <= 0) return std::nullopt;
    const bool scheduled = row.reason == Reason::cron || row.reason == Reason::catch_up;
    const auto from = scheduled ? row.due.value_or(row.started) : row.started;
    return LateStart{from + expect.start_within, fmt::format("overdue: not started within {}", short_duration(expect.start_within))};
}

bool has_begun(const Run& row) { return row.counts[static_cast<std::size_t>(NodeState::queued)] < row.target_count; }

} // namespace loom
