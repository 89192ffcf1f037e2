#include "app/cli/completion/candidates.hpp"

#include "app/cli/help.hpp"
#include "core/base/counted.hpp"
#include "core/model/nodeset.hpp"
#include "core/model/notify.hpp"
#include "core/model/outcome.hpp"
#include "core/task/library/library.hpp"
#include "core/time/time_zone.hpp"

#include <algorithm>
#include <map>

namespace loom {
namespace {

/// More names than this are told by what they have in common.
constexpr std::size_t names_listed = 48;

void add_matching(Candidates& into, std::string_view typed, const Candidates& all) {
    for (const auto& each : all)
        if (each.text.starts_with(typed)) into.push_back(each);
}

std::size_t shared_bytes(std::string_view a, std::string_view b) {
    return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

/// The names parted by the first character in which they differ: a name where a part has one, else its common beginning.
Candidates parted(std::vector<Candidate> names) {
    std::ranges::sort(names, {}, &Candidate::text);
    auto common = names.front().text.size(); // bytes that all begin with
    for (const auto& name : names) common = std::min(common, shared_bytes(names.front().text, name.text));
    Candidates parts;
    std::size_t members = 0;
    for (auto& name : names) {
        const bool same = members > 0 && shared_bytes(name.text, parts.back().text) > common;
        if (!same) {
            parts.push_back(std::move(name));
            members = 1;
            continue;
        }
        auto& part = parts.back();
        part.text.resize(shared_bytes(part.text, name.text));
        part.open = true;
        part.about = counted(++members, "name");
    }
    return parts;
}

/// `web[001-790]` of `web[001-790],db1`: each pattern of a folded set that holds a range.
Candidates ranges_of(const std::vector<std::string>& names) {
    Candidates ranges;
    const auto folded = fold_nodeset(names);
    int depth = 0;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= folded.size(); ++i) {
        if (i < folded.size() && folded[i] == '[') ++depth;
        else if (i < folded.size() && folded[i] == ']') --depth;
        if (i < folded.size() && (folded[i] != ',' || depth > 0)) continue;
        auto pattern = folded.substr(begin, i - begin);
        begin = i + 1;
        if (pattern.find('[') == pattern.npos) continue;
        const auto members = expand_nodeset(pattern);
        ranges.push_back({std::move(pattern), members ? counted(members->size(), "node") : std::string(), false});
    }
    return ranges;
}

/// Up to the last operator outside of brackets: what comes behind is one term.
std::size_t term_begin(std::string_view expression) {
    std::size_t begin = 0;
    int depth = 0;
    for (std::size_t i = 0; i < expression.size(); ++i) {
        const char c = expression[i];
        if (c == '[') ++depth;
        else if (c == ']') --depth;
        else if (depth <= 0 && std::string_view(",!&^( \t").find(c) != std::string_view::npos) begin = i + 1;
    }
    return begin;
}

/// `@label:key=value` a step at a time: the key first.
void add_terms(Candidates& into, std::string_view typed, const Candidates& nodes) {
    constexpr std::string_view label = "@label:";
    std::string last;
    for (const auto& node : nodes) {
        const auto& text = node.text;
        if (!text.starts_with('@') || !text.starts_with(typed.substr(0, text.size()))) continue;
        if (!text.starts_with(label)) {
            if (text.starts_with(typed)) into.push_back(node);
            continue;
        }
        if (!text.starts_with(typed)) continue;
        const auto key_end = text.find('=') + 1;
        const auto step = typed.size() < label.size() ? label.size() : typed.size() < key_end ? key_end : text.size();
        auto part = text.substr(0, step);
        if (part == last) continue;
        last = part;
        into.push_back({std::move(part), step == text.size() ? node.about : std::string(), step != text.size()});
    }
    for (const auto& [word, about, open] : {Candidate{"@*", "every node", false}, Candidate{"@failed:", "nodes that failed in a run", true}})
        if (word.starts_with(typed)) into.push_back({word, about, open});
}

void add_runs(Completion& completion, std::string_view head, std::string_view typed, const Lists& lists) {
    Candidates runs = lists("runs");
    runs.insert(runs.begin(), {"last", "the newest run", false});
    for (auto& run : runs)
        if (run.text.starts_with(typed)) completion.candidates.push_back({std::string(head) + run.text, run.about, false});
}

/// The words of a list `a,b,c`: the last one is completed.
void add_list(Candidates& into, std::string_view typed, const std::vector<std::string>& words) {
    const auto comma = typed.rfind(',');
    const auto head = comma == typed.npos ? std::string_view() : typed.substr(0, comma + 1);
    for (const auto& word : words)
        if (word.starts_with(typed.substr(head.size()))) into.push_back({std::string(head) + word, {}, false});
}

template <class State>
std::vector<std::string> state_words(std::size_t count) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < count; ++i) words.emplace_back(to_string(static_cast<State>(i)));
    return words;
}

std::vector<std::string> event_words() {
    std::vector<std::string> words;
    for (std::size_t i = 0; i < notify_events; ++i) words.emplace_back(to_string(static_cast<NotifyEvent>(i)));
    return words;
}

/// `auto` of `N|auto`: what stands in small letters is a word as it is.
void add_literals(Candidates& into, std::string_view typed, std::string_view kind) {
    for (std::size_t begin = 0; begin <= kind.size();) {
        const auto end = std::min(kind.find('|', begin), kind.size());
        const auto word = kind.substr(begin, end - begin);
        const bool literal = !word.empty() && std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
        if (literal && word.starts_with(typed)) into.push_back({std::string(word), {}, false});
        begin = end + 1;
    }
}

void add_nodeset(Completion& completion, std::string_view typed, const Lists& lists) {
    const auto begin = term_begin(typed);
    constexpr std::string_view failed = "@failed:";
    if (typed.substr(begin).starts_with(failed))
        return add_runs(completion, typed.substr(0, begin + failed.size()), typed.substr(begin + failed.size()), lists);
    completion.candidates = complete_nodeset(typed, lists("nodes"));
}

Candidates built_in_tasks() {
    Candidates tasks;
    for (const auto& row : task_library()) tasks.push_back({std::string(row.info.name), std::string(row.info.summary), false});
    return tasks;
}

Candidates plain_nodes(Candidates nodes) {
    std::erase_if(nodes, [](const auto& node) { return node.text.starts_with('@'); });
    return nodes;
}

void add_values(Completion& completion, const std::string& kind, std::string_view typed, const Lists& lists) {
    auto& into = completion.candidates;
    static const std::map<std::string, std::string> named{
        {"JOB", "jobs"}, {"CONTEXT", "contexts"}, {"HOOK", "hooks"}, {"RULE", "rules"}, {"TOKEN", "tokens"}};
    if (const auto list = named.find(kind); list != named.end()) into = complete_names(typed, lists(list->second));
    else if (kind == "NODE") into = complete_names(typed, plain_nodes(lists("nodes")));
    else if (kind == "NODESET" || kind == "TARGETS") add_nodeset(completion, typed, lists);
    else if (kind == "RUN") add_runs(completion, {}, typed, lists);
    else if (kind == "TASK") into = complete_names(typed, built_in_tasks());
    else if (kind == "STATE") add_list(into, typed, state_words<RunState>(run_states));
    else if (kind == "EVENT") add_list(into, typed, event_words());
    else if (kind == "STATES") add_list(into, typed, state_words<NodeState>(node_states));
    else if (kind == "FILE" || kind == "FILES" || kind == "PATH" || kind == "PATHS") completion.kind = Completion::Kind::files;
    else if (kind == "FOLDER") completion.kind = Completion::Kind::folders;
    else if (kind == "WHAT") {
        into = complete_names(typed, lists("jobs"));
        add_runs(completion, {}, typed, lists);
    } else if (kind == "ZONE") {
        for (const auto& zone : zone_names()) into.push_back({zone, {}, false});
        into = complete_names(typed, into);
    } else {
        add_literals(into, typed, kind);
    }
}

void add_flags(Candidates& into, const Cursor& cursor) {
    const bool local = is_local(*cursor.command);
    for (const auto* app = cursor.command; app; app = app->get_parent())
        for (const auto* option : app->get_options()) {
            if (local && !app->get_parent() && names_a_server(*option)) continue;
            if (std::ranges::find(cursor.given, option) != cursor.given.end()) continue;
            for (const auto& name : option->get_lnames())
                if (const auto flag = "--" + name; flag.starts_with(cursor.typed)) into.push_back({flag, option->get_description(), false});
            if (cursor.typed == "-" && option->get_lnames().empty())
                for (const auto& name : option->get_snames()) into.push_back({"-" + name, option->get_description(), false});
        }
}

} // namespace

Candidates complete_names(std::string_view typed, const Candidates& names) {
    Candidates matching;
    add_matching(matching, typed, names);
    return matching.size() <= names_listed ? matching : parted(std::move(matching));
}

Candidates complete_nodeset(std::string_view typed, const Candidates& nodes) {
    const auto begin = term_begin(typed);
    const auto term = typed.substr(begin);
    Candidates found;
    if (!term.starts_with('@')) {
        const auto plain = plain_nodes(nodes);
        std::vector<std::string> names;
        for (const auto& node : plain) names.push_back(node.text);
        for (auto& range : ranges_of(names))
            if (range.text.starts_with(term)) found.push_back(std::move(range));
        if (found.size() > names_listed) found.clear(); // names without order fold to nothing that helps
        for (auto& name : complete_names(term, plain)) found.push_back(std::move(name));
    }
    if (term.empty() || term.starts_with('@')) add_terms(found, term, nodes);
    for (auto& each : found) each.text.insert(0, typed.substr(0, begin));
    return found;
}

Completion complete(const Cursor& cursor, const Lists& lists) {
    Completion completion;
    if (!cursor.command) return completion;
    if (cursor.flags) add_flags(completion.candidates, cursor);
    if (!cursor.kind.empty()) add_values(completion, cursor.kind, cursor.typed, lists);
    if (cursor.commands)
        for (const auto* below : cursor.command->get_subcommands([](const CLI::App* app) { return !app->get_group().empty(); }))
            if (below->get_name().starts_with(cursor.typed)) completion.candidates.push_back({below->get_name(), below->get_description(), false});
    for (auto& each : completion.candidates) each.text.insert(0, cursor.kept);
    return completion;
}

} // namespace loom
