#include "app/cli/output/node_lines.hpp"

#include "app/cli/output/terminal_filter.hpp"

#include <ostream>

namespace loom {
namespace {

/// A longer line is printed in parts: some node never ends one.
constexpr std::size_t line_bytes = 16u << 10;

} // namespace

void NodeLines::take(const std::string& node, bool err, std::string_view text) {
    auto& begun = begun_[{node, err}];
    while (!text.empty()) {
        const auto end = text.find('\n');
        begun += text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        if (end == text.npos && begun.size() < line_bytes) break;
        print(node, err, begun);
        begun.clear();
    }
}

void NodeLines::end(const std::string& node) {
    for (const bool err : {false, true}) {
        const auto begun = begun_.find({node, err});
        if (begun == begun_.end()) continue;
        if (!begun->second.empty()) print(node, err, begun->second);
        begun_.erase(begun);
    }
}

void NodeLines::print(const std::string& node, bool err, std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1); // a terminal's line
    const bool terminal = err ? streams_.err_terminal : streams_.out_terminal;
    auto& stream = err ? streams_.err : streams_.out;
    stream << for_line(node) << ": " << (terminal ? for_terminal(line, streams_.colour) : std::string(line)) << '\n' << std::flush;
}

} // namespace loom
