#pragma once
#include "core/task/library/library.hpp"

namespace loom {

/// The exit status of a script that has changed something, or would. A script ends with 0, with this, or by `fail` with 1.
inline constexpr int script_changed = 79;

/// What a script is made of beside its own body.
struct ScriptSetting {
    bool check = false;      ///< say what would be done, and do nothing
    std::string environment; ///< shell text: the job's variables and folder
};

/// One application: its arguments, and the text of its local file.
struct ScriptUse {
    Arguments arguments;
    std::string content;
};

/// The whole script for /bin/sh. Values come into it quoted, as variables `a_NAME`: a list as words between spaces, a duration in whole
/// seconds, a mode without zeros in front, a flag as true or false; what is not given is empty. It is one compound command, so that of a
/// text that arrives in part nothing is done. Pure.
std::string script_of(const LibraryTask& row, const std::vector<ScriptUse>& uses, const ScriptSetting& setting);

/// A script's end as a node's: `script_changed` is `changed`, and the last line on standard error is a failure's message.
Outcome outcome_of_script(Outcome outcome);

/// Shell functions for services: `running UNIT`, `serve ACTION UNIT`, whatever starts the node's services.
extern const std::string_view service_helpers;

} // namespace loom
