#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace loom {

/// What may stand at the end of an unfinished command line.
struct Cursor {
    CLI::App* command = nullptr; ///< the innermost that was named
    std::string kept;            ///< of the last word: what stands before the value, as `--limit=`
    std::string typed;           ///< and what there is of it
    bool commands = false;       ///< one of its own commands
    bool flags = false;          ///< one of its flags, or of those above it
    std::string kind;            ///< a value, by the name that the help gives it: `JOB`, `NODESET`, …; empty: none that is known
    std::vector<const CLI::Option*> given;
};

/// Follows the words through the options and commands of `app`, the last one being what is to be completed, and empty where
/// nothing of it is typed yet. The values of the app's own options (`-c FILES`) are taken over as if it were parsed.
Cursor find_cursor(CLI::App& app, const std::vector<std::string>& words);

/// The option of the command, or of one above it, that has this name with its dashes; null: none.
CLI::Option* find_option(CLI::App& command, const std::string& name);

/// What the help calls an option's or an argument's value.
std::string kind_of(const CLI::Option& option);

} // namespace loom
