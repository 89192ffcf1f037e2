#include "core/run/why_words.hpp"

#include "core/schedule/decide.hpp"
#include "core/schedule/returning.hpp"

#include <algorithm>
#include <map>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

/// More of them are counted, not named.
constexpr std::size_t instants_named = 6;

std::string_view became(const AskedInstant& instant, const WhyFacts& facts, const Facts& known) {
    if (instant.state) return to_string(*instant.state);
    if (facts.configured && is_finished(*facts.configured, known)) return "not due";
    return instant.due > facts.now ? "to come" : "not recorded";
}

/// `10:00:00 (ok), 10:00:15 (to come)`, or of many `11 ok, 1 to come`.
std::string named_or_counted(const WhyFacts& facts, const Facts& known) {
    std::vector<std::string> words;
    std::map<std::string_view, std::size_t> counts;
    for (const auto& instant : facts.instants) {
        ++counts[became(instant, facts, known)];
        words.push_back(fmt::format("{} ({})", wall_time(instant.due, *facts.zone).substr(11, 8), became(instant, facts, known)));
    }
    if (words.size() > instants_named) {
        words.clear();
        for (const auto& [what, count] : counts) words.push_back(fmt::format("{} {}", count, what));
    }
    return fmt::format("{}", fmt::join(words, ", "));
}

/// Those of the names that the set holds, or that it does not.
std::vector<std::string> parted(const std::vector<std::string>& names, const std::set<std::string>& set, bool held) {
    std::vector<std::string> some;
    std::ranges::copy_if(names, std::back_inserter(some), [&](const auto& name) { return set.contains(name) == held; });
    return some;
}

} // namespace

std::string clock_text(Instant at, const Zone& zone) {
    auto text = wall_time(std::chrono::floor<std::chrono::seconds>(at), zone).substr(0, 19);
    text[10] = ' ';
    return text.ends_with(":00") ? text.substr(0, 16) : text;
}

std::string pause_words(const Pause& pause, const WhyFacts& facts, std::string_view verb) {
    const auto end = pause.resumed ? pause.resumed : pause.until;
    return fmt::format("{} {} paused from {} {}by {}: {}", pause.job.empty() ? "every job" : facts.job, verb, clock_text(pause.since, *facts.zone),
                       end ? "to " + clock_text(*end, *facts.zone) + " " : "on ", pause.by, pause.reason);
}

std::vector<std::string> told_pauses(const WhyFacts& facts) {
    std::vector<std::string> sentences;
    if (!facts.pauses) return sentences;
    for (const auto& pause : *facts.pauses) {
        if (!pause.in_force(facts.now)) continue;
        sentences.push_back(pause_words(pause, facts) + ".");
        if (pause.job.empty()) sentences.back()[0] = 'E';
    }
    return sentences;
}

std::optional<std::string> told_instants(const WhyFacts& facts, const Facts& known) {
    if (facts.instants.size() < 2) return std::nullopt;
    return fmt::format("{} instants lie within that minute: {}. Ask for one by its second, as in {}@{}.", facts.instants.size(), named_or_counted(facts, known),
                       facts.job, wall_time(facts.instants[1].due, *facts.zone).substr(0, 19));
}

std::vector<std::string> told_debts(const WhyFacts& facts, const Facts& known) {
    std::vector<std::string> sentences;
    if (!facts.configured) return sentences;
    const auto& job = *facts.configured;
    const auto& left_out = facts.left_out;
    const auto when = clock_text(left_out.due, *facts.zone) + " in " + facts.zone->name();
    const auto until = made_up_until(job, left_out.due);
    if (const auto owed = parted(left_out.nodes, facts.refusing, false); !owed.empty()) {
        if (facts.now <= until)
            sentences.push_back(fmt::format("Not reached at {}: {}. What is back by {}, and before the next run, gets a run of its own{}.", when,
                                            fold_nodeset(owed), clock_text(until, *facts.zone),
                                            may_make_up(job, left_out.due, facts.now, known)
                                                ? ""
                                                : ", but not in a pause or a blackout, as there is now"));
        else
            sentences.push_back(fmt::format("Not reached at {}: {}. What was owed there ended at {}, with the catch-up window of {}.", when,
                                            fold_nodeset(owed), clock_text(until, *facts.zone), short_duration(job.policy->catch_up_window)));
    }
    if (const auto gone = parted(left_out.nodes, facts.refusing, true); !gone.empty())
        sentences.push_back(fmt::format("Not reached at {}: {}. It answers again and refuses the login or shows another host key, so it is not "
                                        "looked for any more.",
                                        when, fold_nodeset(gone)));
    if (!facts.refused.empty())
        sentences.push_back(fmt::format("At {} the login was refused, or another host key shown, by {}: waiting does not mend that, so no run of "
                                        "its own is owed; `loom retry {}` runs what was missed.",
                                        when, fold_nodeset(facts.refused), left_out.run));
    return sentences;
}

} // namespace loom
