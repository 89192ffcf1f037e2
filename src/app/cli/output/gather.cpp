#include "app/cli/output/gather.hpp"

#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/text_width.hpp"
#include "app/cli/output/times.hpp"
#include "core/model/outcome.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

std::string shown(std::string_view bytes, const GatherStyle& style) {
    auto text = style.width == 0 ? std::string(bytes) : for_terminal(bytes, style.paint.on());
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    return text;
}

/// Standard error after standard output, each of its lines marked, when there are both.
std::string marked(const std::string& text, std::string_view mark) {
    std::string lines;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\n', at) + 1;
        lines.append(mark).append(text, at, end - at);
        at = end;
    }
    return lines;
}

std::string dropped(std::uint64_t bytes, std::string_view stream, Paint paint) {
    if (bytes == 0) return {};
    return paint(Colour::dim, fmt::format("({} more bytes of {} were not kept)", bytes, stream)) + "\n";
}

} // namespace

Colour state_colour(std::string_view state) {
    if (state == "ok" || state == "changed") return Colour::green;
    if (state == "failed" || state == "unreachable" || state == "timed_out" || state == "lost") return Colour::red;
    if (state == "running" || state == "waiting" || state == "queued") return Colour::none;
    return Colour::yellow;
}

std::string describe_end(const OutputGroupView& group) {
    std::string why;
    if (!group.exit_signal.empty()) why = "signal " + group.exit_signal;
    else if (group.exit_status && *group.exit_status != 0) why = "exit " + std::to_string(*group.exit_status);
    else why = group.cause;
    return for_line(why.empty() ? group.state : group.state + ": " + why);
}

std::string render_group(const OutputGroupView& group, const GatherStyle& style) {
    const auto& paint = style.paint;
    auto nodes = for_line(group.nodes);
    // Ten thousand names without a pattern would bury their output; the count says how many there are.
    if (style.width > 0) nodes = ellipsised(nodes, style.width * 3);
    const auto count = fmt::format(" ({})", group.count);
    const auto end = group.state == "ok" ? std::string{} : "  " + describe_end(group);
    auto rule = display_width(nodes) + display_width(count) + display_width(end);
    rule = std::clamp<std::size_t>(rule, 15, style.width > 0 ? std::max<std::size_t>(15, style.width) : 80);
    const auto line = paint(Colour::dim, std::string(rule, '-')) + "\n";

    auto text = line + paint(Colour::bold, nodes) + count + paint(state_colour(group.state), end) + "\n" + line;
    const auto out = shown(group.out, style);
    const auto err = shown(group.err, style);
    text += out + dropped(group.out_dropped, "stdout", paint);
    text += out.empty() ? err : marked(err, paint(Colour::dim, "stderr: "));
    text += dropped(group.err_dropped, "stderr", paint);
    if (!group.message.empty() && group.state != "ok") text += paint(state_colour(group.state), for_line(group.message)) + "\n";
    return text;
}

std::string summarise(const RunView& run, const std::vector<OutputGroupView>& groups, Paint paint) {
    std::string text;
    for (std::size_t i = 0; i < node_states; ++i) {
        const std::string state(to_string(static_cast<NodeState>(i)));
        const auto count = run.counts.find(state);
        if (count == run.counts.end() || count->second == 0) continue;
        if (!text.empty()) text += ", ";
        text += paint(state_colour(state), fmt::format("{} {}", count->second, state));
        std::map<std::string, std::uint32_t> causes;
        for (const auto& group : groups)
            if (group.state == state && !group.cause.empty()) causes[group.cause] += group.count;
        std::string why;
        for (const auto& [cause, nodes] : causes) why += fmt::format("{}{} {}", why.empty() ? "" : ", ", nodes, cause);
        if (!why.empty()) text += for_line(" (" + why + ")");
    }
    if (text.empty()) text = "no nodes";
    else text += fmt::format(" of {}", run.targets);
    const auto took = time_between(run.started, run.finished);
    return took.empty() ? text : text + " in " + took;
}

} // namespace loom
