#include "app/worker/crashes.hpp"

#include "app/worker/limits.hpp"
#include "core/base/duration.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

std::optional<std::string> Crashes::refusal(const std::string& task, Time now) const {
    const auto found = known_.find(task);
    if (found == known_.end() || found->second.count < worker_limits::crashes || now >= found->second.until) return std::nullopt;
    return fmt::format("not tried: its worker died {} times in a row, at last because {}; tried again in {}, or when the plugin has changed",
                       found->second.count, found->second.why, short_duration(std::chrono::ceil<Milliseconds>(found->second.until - now)));
}

void Crashes::crashed(const std::string& task, const std::string& why, Time now) {
    if (known_.size() >= worker_limits::crashes_known && !known_.contains(task)) known_.erase(known_.begin());
    auto& row = known_[task];
    ++row.count;
    row.why = why;
    row.until = now + worker_limits::quarantine;
}

} // namespace loom
