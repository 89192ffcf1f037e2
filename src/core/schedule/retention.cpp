#include "core/schedule/retention.hpp"

namespace loom {
namespace {

bool was_started(const PastRun& run) { return run.state != RunState::skipped && run.state != RunState::missed; }

} // namespace

void mark_needed(std::span<PastRun> newest_first) {
    bool started = false, ended = false;
    PastRun* greatest = nullptr;
    for (auto& run : newest_first) {
        run.needed = run.needed || !run.finished || &run == newest_first.data();
        if (was_started(run)) {
            run.needed = run.needed || !started || (run.finished && !ended);
            started = true;
            ended = ended || run.finished;
        }
        if (run.due && (!greatest || *run.due > *greatest->due)) greatest = &run;
    }
    if (greatest) greatest->needed = true;
}

std::vector<bool> beyond(std::span<const PastRun> newest_first, const Retention& limits, Instant now) {
    std::vector<bool> goes(newest_first.size());
    std::uint64_t runs = 0, rows = 0, bytes = 0;
    for (std::size_t i = 0; i < newest_first.size(); ++i) {
        const auto& run = newest_first[i];
        const auto number = ++(was_started(run) ? runs : rows);
        bytes += run.bytes;
        if (run.needed || !run.finished) continue;
        goes[i] = (limits.age.count() > 0 && now - *run.finished > limits.age) ||
                  (limits.runs > 0 && number > limits.runs) || (limits.bytes > 0 && bytes > limits.bytes);
    }
    return goes;
}

Retention retention_of(const Catalog& catalog, const std::string& job) {
    auto limits = catalog.settings.retention;
    limits.bytes = 0;
    const auto* found = catalog.find_job(job);
    if (!found) return limits;
    limits.age = found->policy->retention.age.value_or(limits.age);
    limits.runs = found->policy->retention.runs.value_or(limits.runs);
    limits.bytes = found->policy->retention.bytes.value_or(0);
    return limits;
}

} // namespace loom
