#pragma once
#include "core/config/become_fields.hpp"
#include "core/config/reading.hpp"
#include "core/model/job.hpp"

namespace loom {

/// A text and where it stands.
struct MarkedText {
    std::string text;
    Mark mark;
};

/// A job's `schedule` while it is read: its times and calendars are known once its zone and loom.yaml's are.
struct ScheduleDraft {
    std::optional<Mark> mark; ///< of the job's own map; none: it has a text, or nothing
    std::optional<MarkedText> cron, zone, start, end;
    Gap gap = Gap::run_after;
    Fold fold = Fold::first;
    Milliseconds splay{0};
    std::uint32_t count = 0;
    std::optional<Mark> count_mark;
    std::vector<MarkedText> only, blackout;
    bool hold = false; ///< what falls into the blackout
};

/// A job while it is read: its own keys over those of loom.yaml's `defaults`. Holds no YamlNode, so the document may go.
struct JobDraft {
    Job job; ///< all but its schedule, its nodes and what `command` stands for
    std::string home;
    Mark mark; ///< of its name
    std::optional<MarkedText> task, command;
    std::optional<MarkedText> script; ///< the path of its file
    std::optional<Mark> plugin, input;
    std::optional<Mark> args, order;
    std::vector<Mark> after_marks; ///< of each job in `after`
    std::optional<BecomeDraft> become; ///< none: the command runs as who logs in
    std::optional<std::vector<MarkedText>> targets; ///< joined by union
    ScheduleDraft schedule;
    std::optional<OverlapScope> overlap_scope;
    std::optional<Mark> catch_up_nodes, catch_up_max; ///< where the job itself says it
    Faults faults;
};

/// Reads the keys of a job (or of `defaults`) into the draft.
void read_job_fields(const YamlNode& node, JobDraft& draft, Faults& faults);

/// A text, with its place.
void read_marked(const YamlNode& node, std::optional<MarkedText>& into, Faults& faults);

/// A text stands for the map's first key: `overlap: allow` is `overlap: {policy: allow}`.
template <auto& fields>
void read_text_or_map(const YamlNode& node, JobDraft& draft, Faults& faults) {
    if (node.kind == YamlNode::Kind::scalar)
        fields[0].read(node, draft, faults);
    else
        read_map<JobDraft>(node, fields, draft, faults);
}

} // namespace loom
