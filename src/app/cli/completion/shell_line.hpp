#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// A command line of a shell up to the cursor, as Bash hands it to a completion.
struct ShellLine {
    std::vector<std::string> words; ///< without their quotes; the last is the one at the cursor, which may be empty
    char quote = 0;                 ///< that is open at the cursor
    std::size_t done = 0;           ///< so many bytes of the last word Bash takes for another word, and keeps
};

/// Reads the line by the rules of the POSIX shell (2.2): quotes and backslashes are undone, nothing is expanded. `breaks` is
/// $COMP_WORDBREAKS: where one of them stands in a word without quotes, Bash completes only what follows (`@` and `$` with
/// themselves). Pure.
ShellLine split_shell_line(std::string_view line, std::string_view breaks = {});

/// The text as Bash has to insert it behind an open quote, or behind none.
std::string shell_insertion(std::string_view text, char open_quote);

} // namespace loom
