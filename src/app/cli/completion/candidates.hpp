#pragma once
#include "app/cli/completion/cursor.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// One thing that may stand at the cursor.
struct Candidate {
    std::string text;
    std::string about;  ///< for people; may be empty
    bool open = false;  ///< it goes on: no space behind it

    friend bool operator==(const Candidate&, const Candidate&) = default;
};
using Candidates = std::vector<Candidate>;

/// What a shell is told.
struct Completion {
    enum class Kind : std::uint8_t { words, files, folders }; ///< names of files are the shell's own matter
    Kind kind = Kind::words;
    Candidates candidates; ///< of `words`: each is the whole last word
};

/// Lists that somebody has to be asked for: `jobs`, `runs`, and of `nodes` each name, `@group` and `@label:key=value`.
using Lists = std::function<Candidates(std::string_view list)>;

/// What may stand at the cursor: commands and flags from the command line's own description, values by their kind. Pure but
/// for `lists`, which is called for what is needed.
Completion complete(const Cursor& cursor, const Lists& lists);

/// The terms of `nodes` that may end a NodeSet expression. Where many names are left, what they have in common is offered to
/// type on from, and whole ranges are folded: `web[001-790]`. Pure.
Candidates complete_nodeset(std::string_view typed, const Candidates& nodes);

/// The names that begin so; many are offered by what they have in common. Pure.
Candidates complete_names(std::string_view typed, const Candidates& names);

} // namespace loom
