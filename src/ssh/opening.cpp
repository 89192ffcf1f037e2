#include "ssh/opening.hpp"

#include "core/base/limits.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace loom {

namespace {

constexpr std::size_t line_bytes = 64; ///< room for two process ids behind a mark

/// csh has no `export`, and says so.
constexpr std::string_view csh_complaint = "export: Command not found.\n";

std::optional<long> read_number(std::string_view& text) {
    long number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || number <= 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

} // namespace

std::string_view Opening::take(std::string_view bytes) {
    if (began_) return bytes;
    ready_.clear();
    held_ += bytes;
    while (!began_ && step()) {}
    if (began_) {
        ready_ += held_;
        held_ = {};
    } else if (held_.size() > limits::opening_bytes) {
        // Nothing of ours is this long in coming: keep only what may be the beginning of a mark's line.
        const auto kept = std::min(held_.size(), mark_.size() + line_bytes);
        ready_.append(held_, 0, held_.size() - kept);
        held_.erase(0, held_.size() - kept);
        looked_ = 0;
    }
    return ready_;
}

std::string_view Opening::finish() {
    ready_ = std::move(held_);
    held_.clear();
    looked_ = 0;
    return ready_;
}

/// Takes one mark out of what is held; false where there is none, or not all of its line yet.
bool Opening::step() {
    const auto at = held_.find(mark_, looked_);
    if (at == held_.npos) {
        if (held_.size() >= mark_.size()) looked_ = std::max(looked_, held_.size() - mark_.size() + 1);
        return false;
    }
    looked_ = at;
    const auto after = at + mark_.size();
    if (after == held_.size()) return false;
    if (held_[after] == '?') {
        ++prompts_;
        held_.erase(at, mark_.size() + 1);
        return true;
    }
    if (held_[after] == ' ') return read_line(at);
    looked_ = after; // somebody else's words about the mark
    return true;
}

bool Opening::read_line(std::size_t at) {
    const auto rest = std::string_view(held_).substr(at + mark_.size(), line_bytes);
    const auto end = rest.find('\n');
    if (end == rest.npos && rest.size() < line_bytes) return false;
    auto line = rest.substr(0, end);
    looked_ = at + mark_.size();
    if (end == rest.npos) return true;
    if (line.ends_with('\r')) line.remove_suffix(1);
    line.remove_prefix(1);
    const auto first = read_number(line);
    if (!first) return true;
    const bool two = line.starts_with(' ');
    if (two) line.remove_prefix(1);
    const auto second = two ? read_number(line) : std::nullopt;
    if (!line.empty() || (two && (!second || !through_sudo_))) return true;

    held_.erase(at, mark_.size() + end + 1);
    looked_ = at;
    if (second) {
        inner_ = *second;
        began_ = true;
        held_.erase(0, at); // sudo's words
        return true;
    }
    leader_ = *first;
    ready_.append(held_, 0, at);
    held_.erase(0, at);
    looked_ = 0;
    if (const auto complaint = ready_.find(csh_complaint); complaint != ready_.npos)
        ready_.erase(complaint, csh_complaint.size());
    if (!through_sudo_) began_ = true;
    return true;
}

} // namespace loom
