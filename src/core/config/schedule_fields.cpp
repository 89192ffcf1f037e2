#include "core/config/schedule_fields.hpp"

#include "core/base/limits.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr Choice<Gap> gap_choices[] = {{"run_after", Gap::run_after}, {"skip", Gap::skip}};
constexpr Choice<Fold> fold_choices[] = {{"first", Fold::first}, {"last", Fold::last}, {"both", Fold::both}};
constexpr Choice<CatchUp> catch_up_choices[] = {{"skip", CatchUp::skip}, {"last", CatchUp::last}, {"all", CatchUp::all}};
constexpr Choice<bool> blackout_choices[] = {{"skip", false}, {"hold", true}};

constexpr Field<JobDraft> dst_fields[] = {
    {"gap", [](const YamlNode& node, JobDraft& draft,
               Faults& faults) { read_choice<Gap>(node, gap_choices, draft.schedule.gap, faults); }},
    {"fold", [](const YamlNode& node, JobDraft& draft,
                Faults& faults) { read_choice<Fold>(node, fold_choices, draft.schedule.fold, faults); }},
};

/// One name or a list of them.
void read_names(const YamlNode& node, std::vector<MarkedText>& names, Faults& faults) {
    std::vector<std::string> texts;
    if (!read_texts(node, texts, faults)) return;
    names.clear();
    for (std::size_t i = 0; i < texts.size(); ++i)
        names.push_back({std::move(texts[i]), node.kind == YamlNode::Kind::sequence ? node.items[i]->mark : node.mark});
}

constexpr Field<JobDraft> blackout_fields[] = {
    {"calendars", [](const YamlNode& node, JobDraft& draft,
                     Faults& faults) { read_names(node, draft.schedule.blackout, faults); }},
    {"policy", [](const YamlNode& node, JobDraft& draft,
                  Faults& faults) { read_choice<bool>(node, blackout_choices, draft.schedule.hold, faults); }},
};

template <std::optional<MarkedText> ScheduleDraft::*Member>
void read_words(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_marked(node, draft.schedule.*Member, faults);
}

constexpr Field<JobDraft> schedule_fields[] = {
    {"cron", read_words<&ScheduleDraft::cron>},
    {"tz", read_words<&ScheduleDraft::zone>},
    {"splay", [](const YamlNode& node, JobDraft& draft,
                 Faults& faults) { read_duration(node, draft.schedule.splay, faults); }},
    {"dst", [](const YamlNode& node, JobDraft& draft,
               Faults& faults) { read_map<JobDraft>(node, dst_fields, draft, faults); }},
    {"start", read_words<&ScheduleDraft::start>},
    {"end", read_words<&ScheduleDraft::end>},
    {"count",
     [](const YamlNode& node, JobDraft& draft, Faults& faults) {
         long number = 0;
         draft.schedule.count_mark = node.mark;
         if (read_integer(node, 1, limits::schedule_runs, number, faults)) draft.schedule.count = static_cast<std::uint32_t>(number);
     }},
    {"only", [](const YamlNode& node, JobDraft& draft,
                Faults& faults) { read_names(node, draft.schedule.only, faults); }},
    {"blackout",
     [](const YamlNode& node, JobDraft& draft, Faults& faults) {
         if (node.kind == YamlNode::Kind::map) read_map<JobDraft>(node, blackout_fields, draft, faults);
         else read_names(node, draft.schedule.blackout, faults);
     }},
};

constexpr Field<JobDraft> catch_up_fields[] = {
    {"policy", [](const YamlNode& node, JobDraft& draft,
                  Faults& faults) { read_choice<CatchUp>(node, catch_up_choices, draft.job.policy->catch_up, faults); }},
    {"window", [](const YamlNode& node, JobDraft& draft,
                  Faults& faults) { read_duration(node, draft.job.policy->catch_up_window, faults); }},
    {"max",
     [](const YamlNode& node, JobDraft& draft, Faults& faults) {
         long number = 0;
         draft.catch_up_max = node.mark;
         if (read_integer(node, 1, limits::catch_up_runs, number, faults)) draft.job.policy->catch_up_max = static_cast<std::uint32_t>(number);
     }},
    {"nodes",
     [](const YamlNode& node, JobDraft& draft, Faults& faults) {
         draft.catch_up_nodes = node.mark;
         read_flag(node, draft.job.policy->catch_up_nodes, faults);
     }},
};

void add_fault(JobDraft& draft, const Mark& mark, std::string_view key, std::string_view message) {
    draft.faults.push_back({mark, fmt::format("schedule: {}: {}", key, message)});
}

/// A time of the schedule's zone. Of a date alone, the whole day's `end` is its last instant.
std::optional<Instant> bound(JobDraft& draft, const std::optional<MarkedText>& text, std::string_view key, const Zone& zone) {
    if (!text) return std::nullopt;
    auto written = parse_written_time(text->text);
    if (!written) {
        add_fault(draft, text->mark, key,
                  fmt::format("\"{}\" is not a time; expected e.g. 2026-12-01, \"2026-12-01 10:00\" (in the schedule's time zone) or "
                              "2026-12-01T10:00:00Z",
                              text->text));
        return std::nullopt;
    }
    const bool whole = written->whole_day && key == "end";
    if (whole) written->wall += std::chrono::days(1);
    return instant_of(*written, zone) - Milliseconds(whole ? 1 : 0);
}

std::vector<CalendarPtr> calendars(JobDraft& draft, const std::vector<MarkedText>& names, std::string_view key,
                                   const ScheduleTerms& terms) {
    std::vector<CalendarPtr> found;
    for (const auto& [name, mark] : names) {
        if (const auto known = terms.calendars.find(name); known != terms.calendars.end()) {
            found.push_back(known->second);
            continue;
        }
        std::vector<std::string> candidates;
        for (const auto& [each, calendar] : terms.calendars) candidates.push_back(each);
        add_fault(draft, mark, key,
                  fmt::format("loom.yaml has no calendar \"{}\"{}", name, did_you_mean(name, candidates)));
    }
    return found;
}

/// What the parts of a schedule mean together.
void check_schedule(JobDraft& draft, const Schedule& schedule) {
    const auto& read = draft.schedule;
    if (schedule.start && schedule.end && *schedule.end < *schedule.start)
        return add_fault(draft, read.end->mark, "end", fmt::format("{} lies before the start, {}", read.end->text, read.start->text));
    // Any beginning will do for rules that come again each week or year; with dates, only what they leave counts.
    const auto& blackout = std::as_const(draft.job.policy)->blackout.calendars;
    const Instant some_day = std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);
    if (!first_outside(blackout, some_day))
        return add_fault(draft, read.blackout.front().mark, "blackout", "it never ends, so the job would never start");
    if (schedule.cron.kind == Cron::Kind::reboot) {
        for (const auto& [text, key] : {std::pair(&read.start, "start"), std::pair(&read.end, "end")})
            if (*text) add_fault(draft, (*text)->mark, key, "@reboot knows no times: it starts once after each boot");
        if (!read.only.empty()) add_fault(draft, read.only.front().mark, "only", "@reboot knows no times: it starts once after each boot");
        if (read.count_mark) add_fault(draft, *read.count_mark, "count", "@reboot starts once after each boot, and each boot would count anew");
        return;
    }
    if (read.only.empty() && !read.start && !read.end) return;
    const auto& [text, mark] = *read.cron;
    if (!next(schedule, schedule.start.value_or(some_day) - Milliseconds(1)))
        add_fault(draft, mark, "cron", fmt::format("\"{}\" is never due within start, end and only", text));
}

} // namespace

void read_schedule(const YamlNode& node, JobDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::map) draft.schedule.mark = node.mark;
    read_text_or_map<schedule_fields>(node, draft, faults);
}

void read_catch_up(const YamlNode& node, JobDraft& draft, Faults& faults) {
    read_text_or_map<catch_up_fields>(node, draft, faults);
}

void finish_schedule(JobDraft& draft, const ScheduleTerms& terms) {
    if (const auto& policy = *std::as_const(draft.job.policy); policy.catch_up_nodes && policy.fan_out.run_once)
        draft.faults.push_back({draft.catch_up_nodes.value_or(draft.mark), "catchup: nodes: with run_once no node is owed a run of its own"});
    const auto& read = draft.schedule;
    if (!read.cron) return;
    const auto before = draft.faults.size();
    Schedule schedule;
    schedule.text = read.cron->text;
    schedule.zone = terms.zone;
    schedule.gap = read.gap;
    schedule.fold = read.fold;
    schedule.splay = read.splay;
    schedule.count = read.count;
    auto cron = parse_cron(read.cron->text, draft.job.name);
    if (!cron) draft.faults.push_back({read.cron->mark, cron.error().message});
    else schedule.cron = *cron;
    if (read.zone) {
        auto found = find_zone(read.zone->text);
        if (!found) add_fault(draft, read.zone->mark, "tz", found.error().message);
        else schedule.zone = *found;
    }
    schedule.start = bound(draft, read.start, "start", *schedule.zone);
    schedule.end = bound(draft, read.end, "end", *schedule.zone);
    schedule.only = calendars(draft, read.only, "only", terms);
    Blackout blackout{calendars(draft, read.blackout, "blackout", terms), read.hold};
    if (blackout != std::as_const(draft.job.policy)->blackout) draft.job.policy->blackout = std::move(blackout);
    if (draft.faults.size() == before) check_schedule(draft, schedule);
    draft.job.schedule = std::move(schedule);
}

} // namespace loom
