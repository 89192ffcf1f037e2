#include "app/cli/output/progress.hpp"

#include "app/cli/output/text_width.hpp"
#include "core/model/outcome.hpp"

#include <algorithm>
#include <ostream>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::size_t bar_least = 10, bar_most = 30;

/// The counts worth a glance: what runs, then whatever is not simply fine, worst first.
std::vector<std::pair<std::string, std::uint32_t>> notable(const ProgressSnapshot& snapshot) {
    std::vector<std::pair<std::string, std::uint32_t>> counts;
    for (const char* state : {"failed", "unreachable", "timed_out", "lost", "cancelled", "interrupted", "running"})
        if (const auto found = snapshot.counts.find(state); found != snapshot.counts.end() && found->second > 0)
            counts.emplace_back(state, found->second);
    return counts;
}

} // namespace

std::uint32_t ProgressSnapshot::ended() const {
    std::uint32_t sum = 0;
    for (const auto& [state, count] : counts)
        if (const auto known = parse_node_state(state); known && terminal(*known)) sum += count;
    return sum;
}

std::string render_progress(std::size_t width, const ProgressSnapshot& snapshot, Paint paint) {
    const auto ended = std::min(snapshot.ended(), snapshot.targets);
    const auto share = fmt::format("{}/{}", ended, snapshot.targets);
    const auto elapsed = short_duration(std::chrono::floor<std::chrono::seconds>(snapshot.elapsed));
    auto used = share.size() + 2 + elapsed.size();
    if (used > width) return ellipsised(share, width);

    std::string states;
    for (const auto& [state, count] : notable(snapshot)) {
        const auto words = fmt::format("{} {}", count, state);
        if (used + 2 + words.size() > width) break;
        used += 2 + words.size();
        states += "  " + paint(state_colour(state), words);
    }
    std::string bar;
    if (width >= used + bar_least + 3) {
        const auto length = std::min(bar_most, width - used - 3);
        const auto full = snapshot.targets == 0 ? length : length * ended / snapshot.targets;
        bar = "[" + paint(Colour::green, std::string(full, '=')) + std::string(length - full, ' ') + "] ";
    }
    return bar + share + states + "  " + elapsed;
}

void ProgressLine::draw(const std::string& line) {
    if (line == drawn_) return;
    // Erase to the end of the line after writing, not before: the line never flickers.
    terminal_ << '\r' << line << "\x1b[K" << std::flush;
    drawn_ = line;
}

void ProgressLine::clear() {
    if (drawn_.empty()) return;
    terminal_ << "\r\x1b[K" << std::flush;
    drawn_.clear();
}

} // namespace loom
