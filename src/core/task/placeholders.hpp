#pragma once
#include "core/base/error.hpp"
#include "core/model/job.hpp"
#include "core/model/node.hpp"

#include <string>
#include <string_view>

namespace loom {

/// The values that `{{ … }}` may name; they outlive it.
struct PlaceholderScope {
    std::string_view run_id, run_due, job_name;
    const Node* node = nullptr;
    const boost::json::object* params = nullptr; ///< what a webhook gave; null: nothing did
};

/// One strict pass over `text`: `{{ run.id }} {{ run.due }} {{ job.name }} {{ node.name }} {{ node.address }}
/// {{ node.user }} {{ node.vars.x | quote }} {{ params.x | quote }}`. A result is never expanded again; braces that do not
/// begin with one of the roots run, node, job, params are literal text; a missing value under a root is an error.
Result<std::string> expand_placeholders(std::string_view text, const PlaceholderScope& scope);

/// As above for a path: each value percent-encodes `/`, `%` and control characters, and a value of `.` or `..`.
Result<std::string> expand_path(std::string_view text, const PlaceholderScope& scope);

/// The same with `{{ params.… }}` alone put in, for people to look at: what a run puts in later stands as it is.
Result<TaskSpec> show_params(TaskSpec spec, const boost::json::object& params);

/// Every string of the spec's args, kwargs and env expanded.
Result<TaskSpec> expand_task(TaskSpec spec, const PlaceholderScope& scope);

} // namespace loom
