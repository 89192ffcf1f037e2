#include "core/config/after_fields.hpp"

#include <charconv>
#include <deque>
#include <spdlog/fmt/fmt.h>
#include <unordered_map>

namespace loom {
namespace {

using When = After::When;

constexpr Choice<When> when_choices[] = {{"success", When::success}, {"failure", When::failure}, {"always", When::always}};

void add_upstream(const YamlNode& name, When when, JobDraft& draft, Faults& faults) {
    std::string job;
    if (!read_text(name, job, faults)) return;
    auto& upstream = draft.job.policy->after;
    if (std::ranges::find(upstream, job, &After::job) != upstream.end()) {
        faults.push_back({name.mark, fmt::format("\"{}\" is named twice", job)});
    } else if (upstream.size() == limits::upstream_jobs) {
        faults.push_back({name.mark, fmt::format("more than {} jobs", limits::upstream_jobs)});
    } else {
        upstream.push_back({std::move(job), when});
        draft.after_marks.push_back(name.mark);
    }
}

constexpr double factor_most = 1000;

void read_factor(const YamlNode& node, JobDraft& draft, Faults& faults) {
    double factor = 0;
    const auto text = node.text;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), factor);
    const bool good = node.kind == YamlNode::Kind::scalar && fault == std::errc() && end == text.data() + text.size() &&
                      factor >= 1 && factor <= factor_most;
    if (good) draft.job.policy->expect.longer_than_usual = factor;
    else faults.push_back({node.mark, fmt::format("expected how many times as long, a number from 1 to {}, not {}",
                                                  factor_most, describe(node))});
}

/// No run begins or ends within no time; `off` takes back what the defaults expect.
template <Milliseconds Expect::*Member>
void read_expected(const YamlNode& node, JobDraft& draft, Faults& faults) {
    Milliseconds within{0};
    if (!read_duration(node, within, faults)) return;
    if (within.count() == 0 && node.text != "off") faults.push_back({node.mark, fmt::format("expected more than no time, or off, not {}", describe(node))});
    else draft.job.policy->expect.*Member = within;
}

constexpr Field<JobDraft> expect_fields[] = {
    {"start_within", read_expected<&Expect::start_within>},
    {"finish_within", read_expected<&Expect::finish_within>},
    {"longer_than_usual", read_factor},
};

/// Who follows whom, by places in the list of drafts.
class Graph {
public:
    explicit Graph(const std::vector<JobDraft*>& drafts) : drafts_(drafts) {
        for (std::size_t i = 0; i < drafts.size(); ++i) places_.emplace(drafts[i]->job.name, i);
    }

    std::optional<std::size_t> place(const std::string& job) const {
        const auto found = places_.find(job);
        return found == places_.end() ? std::nullopt : std::optional(found->second);
    }

    /// The shortest way from a job over those that it follows back to itself, with itself at both ends; empty: none.
    std::vector<std::string> circle(std::size_t start) const {
        std::unordered_map<std::size_t, std::size_t> from;
        std::deque<std::size_t> open{start};
        while (!open.empty()) {
            const auto at = open.front();
            open.pop_front();
            for (const auto& after : upstream_of(at)) {
                const auto next = place(after.job);
                if (!next || !from.emplace(*next, at).second) continue;
                if (*next == start) return way_back(from, start);
                open.push_back(*next);
            }
        }
        return {};
    }

    /// Places that may be part of a circle: what is left once those that follow nobody are taken away, again and again.
    std::vector<std::size_t> suspects() const {
        std::vector<std::size_t> waits(drafts_.size());
        std::unordered_map<std::size_t, std::vector<std::size_t>> followers;
        std::deque<std::size_t> free;
        for (std::size_t i = 0; i < drafts_.size(); ++i) {
            for (const auto& after : upstream_of(i)) {
                if (const auto upstream = place(after.job)) {
                    ++waits[i];
                    followers[*upstream].push_back(i);
                }
            }
            if (waits[i] == 0) free.push_back(i);
        }
        for (; !free.empty(); free.pop_front())
            for (const auto follower : followers[free.front()])
                if (--waits[follower] == 0) free.push_back(follower);
        std::vector<std::size_t> left;
        for (std::size_t i = 0; i < waits.size(); ++i)
            if (waits[i] > 0) left.push_back(i);
        return left;
    }

private:
    const std::vector<After>& upstream_of(std::size_t i) const { return std::as_const(drafts_[i]->job.policy)->after; }

    std::vector<std::string> way_back(const std::unordered_map<std::size_t, std::size_t>& from, std::size_t start) const {
        std::vector<std::string> names{drafts_[start]->job.name};
        for (auto at = from.at(start); at != start; at = from.at(at)) names.push_back(drafts_[at]->job.name);
        names.push_back(drafts_[start]->job.name);
        std::ranges::reverse(names);
        return names;
    }

    const std::vector<JobDraft*>& drafts_;
    std::unordered_map<std::string, std::size_t> places_;
};

} // namespace

void read_after(const YamlNode& node, JobDraft& draft, Faults& faults) {
    draft.job.policy->after.clear();
    draft.after_marks.clear();
    if (node.kind != YamlNode::Kind::null && node.kind != YamlNode::Kind::scalar && node.items.empty() && node.entries.empty()) {
        faults.push_back({node.mark, "expected a job's name or several; what follows no job has no `after`"});
        return;
    }
    if (node.kind == YamlNode::Kind::map) {
        for (const auto& [key, value] : map_entries(node, faults)) {
            auto when = When::success;
            if (read_choice<When>(*value, when_choices, when, faults)) add_upstream(*key, when, draft, faults);
        }
    } else if (node.kind == YamlNode::Kind::sequence) {
        for (const auto* item : node.items) add_upstream(*item, When::success, draft, faults);
    } else if (node.kind != YamlNode::Kind::null) {
        add_upstream(node, When::success, draft, faults);
    }
}

void read_expect(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_map<JobDraft>(node, expect_fields, draft, faults);
}

void check_after(const std::vector<JobDraft*>& drafts) {
    const auto follows = [](const JobDraft* draft) { return !draft->job.policy->after.empty(); };
    if (std::ranges::none_of(drafts, follows)) return;
    const Graph graph(drafts);
    std::vector<std::string> names;
    for (const auto* draft : drafts) names.push_back(draft->job.name);
    for (auto* draft : drafts) {
        const auto& upstream = std::as_const(draft->job.policy)->after;
        for (std::size_t i = 0; i < upstream.size(); ++i) {
            const auto& name = upstream[i].job;
            if (!graph.place(name))
                draft->faults.push_back({draft->after_marks[i], fmt::format("after: there is no job \"{}\"{}", name,
                                                                            did_you_mean(name, names))});
        }
    }
    std::vector<bool> told(drafts.size());
    for (const auto start : graph.suspects()) {
        const auto circle = told[start] ? std::vector<std::string>{} : graph.circle(start);
        for (const auto& name : circle) {
            const auto place = *graph.place(name);
            if (told[place]) continue;
            told[place] = true;
            drafts[place]->faults.push_back(
                {drafts[place]->after_marks.front(),
                 fmt::format("after: jobs follow each other in a circle: {}", fmt::join(circle, " -> "))});
        }
    }
}

} // namespace loom
