#include "core/schedule/notice.hpp"

#include "core/base/glob.hpp"
#include "core/base/limits.hpp"

#include <algorithm>

namespace loom {
namespace {

bool wants(const NotifyRule& rule, NotifyEvent event) { return std::ranges::find(rule.on, event) != rule.on.end(); }

bool speaks(const EndedRun& end) {
    return end.reason != Reason::node_catch_up && end.state != RunState::skipped && end.state != RunState::cancelled && terminal(end.state);
}

bool failed(const EndedRun& end) { return end.state != RunState::ok && end.state != RunState::missed; }

/// The failures right before, newest first; a missed run neither is one nor ends them.
std::vector<const EndedRun*> failures_before(const std::vector<EndedRun>& past) {
    std::vector<const EndedRun*> failures;
    for (const auto& end : past) {
        if (!speaks(end) || end.state == RunState::missed) continue;
        if (!failed(end)) break;
        failures.push_back(&end);
    }
    return failures;
}

/// Whether the rule repeats itself at this failure: `before` are those before it, one at least.
bool repeats(const NotifyRule& rule, const EndedRun& end, const std::vector<const EndedRun*>& before) {
    if (rule.every > 0) return (before.size() + 1) % rule.every == 0;
    if (rule.after.count() <= 0) return true;
    const auto first = before.back()->at;
    return (end.at - first) / rule.after > (before.front()->at - first) / rule.after;
}

} // namespace

bool reaches_success(const std::vector<EndedRun>& past) {
    return std::ranges::any_of(past, [](const auto& end) { return speaks(end) && end.state == RunState::ok; });
}

bool concerns(const NotifyRule& rule, const std::string& job) {
    if (job.empty()) return false;
    const auto fits = [&](const std::string& pattern) { return glob_matches(pattern, job); };
    return rule.jobs.empty() || std::ranges::any_of(rule.jobs, fits);
}

std::optional<Notice> notice_of(const NotifyRule& rule, const EndedRun& end, const std::vector<EndedRun>& past) {
    if (!speaks(end)) return std::nullopt;
    Notice notice;
    if (end.state == RunState::missed) {
        notice.event = NotifyEvent::missed;
        return wants(rule, notice.event) ? std::optional(notice) : std::nullopt;
    }
    const auto before = failures_before(past);
    notice.failures = static_cast<std::uint32_t>(before.size());
    if (!before.empty()) notice.since = before.back()->at;
    if (!failed(end)) {
        notice.event = NotifyEvent::recovery;
        if (!before.empty() && wants(rule, notice.event)) return notice;
        notice.event = NotifyEvent::success;
        return wants(rule, notice.event) ? std::optional(notice) : std::nullopt;
    }
    ++notice.failures;
    if (!notice.since) notice.since = end.at;
    notice.event = before.empty() ? NotifyEvent::first_failure : NotifyEvent::still_failing;
    if (!wants(rule, notice.event) || (!before.empty() && !repeats(rule, end, before))) return std::nullopt;
    return notice;
}

std::optional<Notice> notice_of_overdue(const NotifyRule& rule) {
    Notice notice;
    notice.event = NotifyEvent::overdue;
    return wants(rule, notice.event) ? std::optional(notice) : std::nullopt;
}

std::optional<Instant> next_notify(std::uint32_t attempts, Instant created, Instant now) {
    constexpr Milliseconds first = limits::notify_first_retry, most = limits::notify_most_retry;
    if (now - created >= limits::notify_give_up) return std::nullopt;
    const auto doublings = std::min<std::uint32_t>(std::max<std::uint32_t>(attempts, 1) - 1, 20);
    return now + std::min<Milliseconds>(first * (1LL << doublings), most);
}

} // namespace loom
