#include "core/config/fan_out_fields.hpp"

#include "core/base/limits.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// Waves of one kind ascend; of a count and a share nobody knows before the targets are counted.
void check_ascent(const YamlNode& node, const std::vector<Amount>& waves, Faults& faults) {
    for (std::size_t i = 1; i < waves.size(); ++i)
        if (waves[i].percent == waves[i - 1].percent && waves[i].thousandths <= waves[i - 1].thousandths)
            faults.push_back({node.items[i]->mark, "waves are cumulative: each is more than the one before"});
    if (!waves.back().percent || waves.back().thousandths != 100'000)
        faults.push_back({node.items.back()->mark, "the last wave must be 100%, so that no target is left out"});
}

void read_threshold(const YamlNode& node, std::optional<Threshold>& into, Faults& faults) {
    std::string text;
    if (!read_text(node, text, faults)) return;
    auto threshold = parse_threshold(text);
    if (threshold) into = std::move(*threshold);
    else faults.push_back({node.mark, threshold.error().message});
}

/// One that holds before any node has ended would stop every run.
void read_stop(const YamlNode& node, std::optional<Threshold>& into, Faults& faults) {
    std::optional<Threshold> threshold;
    read_threshold(node, threshold, faults);
    if (threshold && passes(*threshold, 0, 1))
        faults.push_back({node.mark, fmt::format("{} always holds: no run would get anywhere", threshold->text)});
    else if (threshold)
        into = std::move(threshold);
}

constexpr Field<JobDraft> stop_fields[] = {
    {"failed", [](const YamlNode& node, JobDraft& draft,
                  Faults& faults) { read_stop(node, draft.job.policy->fan_out.stop_when.failed, faults); }},
    {"unreachable", [](const YamlNode& node, JobDraft& draft,
                       Faults& faults) { read_stop(node, draft.job.policy->fan_out.stop_when.unreachable, faults); }},
};

constexpr Field<JobDraft> success_fields[] = {
    {"ok", [](const YamlNode& node, JobDraft& draft,
              Faults& faults) { read_threshold(node, draft.job.policy->fan_out.success_ok, faults); }},
};

void read_parallel(const YamlNode& node, JobDraft& draft, Faults& faults) {
    auto& fan_out = draft.job.policy->fan_out;
    if (node.kind == YamlNode::Kind::scalar && node.text == "auto") {
        fan_out.parallel = limits::parallel_default;
        fan_out.parallel_auto = true;
        return;
    }
    long number = 0;
    if (!read_integer(node, 1, limits::parallel_max, number, faults)) return;
    fan_out.parallel = static_cast<std::size_t>(number);
    fan_out.parallel_auto = false;
}

void read_starts(const YamlNode& node, JobDraft& draft, Faults& faults) {
    long number = 0;
    if (read_integer(node, 1, limits::starts_per_second_max, number, faults))
        draft.job.policy->fan_out.starts_per_second = static_cast<std::size_t>(number);
}

constexpr Field<JobDraft> limits_fields[] = {{"parallel", read_parallel}, {"starts_per_second", read_starts}};

template <int Retry::*Member, long least>
void read_tries(const YamlNode& node, JobDraft& draft, Faults& faults) {
    long tries = 0;
    if (read_integer(node, least, 100, tries, faults)) draft.job.policy->retry.*Member = static_cast<int>(tries);
}

void read_backoff(const YamlNode& node, JobDraft& draft, Faults& faults) {
    const auto dots = node.text.find("..");
    const auto first = parse_duration(node.text.substr(0, dots));
    const auto most = dots == std::string::npos ? first : parse_duration(node.text.substr(dots + 2));
    if (node.kind != YamlNode::Kind::scalar || !first || !most || *first > *most) {
        faults.push_back({node.mark, "expected FIRST..MOST such as 1s..15s, not " + describe(node)});
        return;
    }
    draft.job.policy->retry.backoff_first = *first;
    draft.job.policy->retry.backoff_most = *most;
}

void read_on_exit(const YamlNode& node, JobDraft& draft, Faults& faults) {
    const YamlNode* single = &node;
    const auto items = node.kind == YamlNode::Kind::sequence ? node.items : std::span(&single, 1);
    std::vector<int> statuses;
    for (const auto* item : items) {
        long status = 0;
        if (!read_integer(*item, 1, 255, status, faults)) return;
        statuses.push_back(static_cast<int>(status));
    }
    draft.job.policy->retry.on_exit = std::move(statuses);
}

constexpr Field<JobDraft> retry_fields[] = {
    {"connect", read_tries<&Retry::connect, 1>},
    {"task", read_tries<&Retry::task, 0>},
    {"backoff", read_backoff},
    {"on_exit", read_on_exit},
};

} // namespace

void read_waves(const YamlNode& node, JobDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::null) {
        draft.job.policy->fan_out.waves.clear();
        return;
    }
    if (node.kind != YamlNode::Kind::sequence || node.items.empty() || node.items.size() > limits::waves) {
        faults.push_back({node.mark, fmt::format("expected a list of 1 to {} waves such as [1, 10%, 100%], not {}",
                                                 limits::waves, describe(node))});
        return;
    }
    const auto before = faults.size();
    std::vector<Amount> waves;
    for (const auto* item : node.items) {
        std::string text;
        if (!read_text(*item, text, faults)) continue;
        const auto amount = parse_amount(text);
        if (!amount) faults.push_back({item->mark, amount.error().message});
        else if (amount->thousandths == 0) faults.push_back({item->mark, "a wave has at least one node"});
        else waves.push_back(*amount);
    }
    if (faults.size() == before) check_ascent(node, waves, faults);
    if (faults.size() == before) draft.job.policy->fan_out.waves = std::move(waves);
}

void read_stop_when(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_map<JobDraft>(node, stop_fields, draft, faults);
}

void read_success_when(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_map<JobDraft>(node, success_fields, draft, faults);
}

void read_order(const YamlNode& node, JobDraft& draft, Faults& faults) {
    constexpr std::string_view label = "label:";
    DialOrder order;
    if (node.kind == YamlNode::Kind::scalar && node.text.starts_with(label) && node.text.size() > label.size()) {
        order.kind = DialOrder::Kind::label;
        order.label = node.text.substr(label.size());
    } else if (node.kind == YamlNode::Kind::scalar && node.text == "random") {
        order.kind = DialOrder::Kind::random;
    } else if (node.kind != YamlNode::Kind::scalar || node.text != "inventory") {
        faults.push_back({node.mark, "expected one of inventory, random, label:KEY, not " + describe(node)});
        return;
    }
    draft.job.policy->fan_out.order = std::move(order);
    draft.order = node.mark;
}

void read_run_once(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_flag(node, draft.job.policy->fan_out.run_once, faults);
}

void read_limits(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_map<JobDraft>(node, limits_fields, draft, faults);
}

void read_retry(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_map<JobDraft>(node, retry_fields, draft, faults);
}

} // namespace loom
