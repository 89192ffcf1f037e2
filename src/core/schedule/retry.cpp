#include "core/schedule/retry.hpp"

#include <algorithm>

namespace loom {
namespace {

Milliseconds backoff(const Retry& retry, int tries, double jitter) {
    auto wait = retry.backoff_first;
    for (int i = 1; i < tries && wait < retry.backoff_most; ++i) wait *= 2;
    wait = std::min(wait, retry.backoff_most);
    return Milliseconds(static_cast<std::int64_t>(static_cast<double>(wait.count()) * (0.5 + jitter / 2)));
}

} // namespace

std::optional<Milliseconds> next_attempt(const Retry& retry, int tries, bool may_help, double jitter) {
    if (!may_help || tries >= retry.connect) return std::nullopt;
    return backoff(retry, tries, jitter);
}

std::optional<Milliseconds> next_task_run(const Retry& retry, int runs, const Outcome& last, double jitter) {
    if (runs > retry.task || last.state != NodeState::failed || !last.exit_status) return std::nullopt;
    if (!retry.on_exit.empty() && std::ranges::find(retry.on_exit, *last.exit_status) == retry.on_exit.end())
        return std::nullopt;
    return backoff(retry, runs, jitter);
}

Milliseconds ledger_pause(int tries) {
    constexpr int doublings_most = 7;
    return std::min(Milliseconds(10'000), Milliseconds(100) * (1 << std::clamp(tries - 1, 0, doublings_most)));
}

} // namespace loom
