#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loom::fleet {

/// One thing that a simulated command does.
struct Action {
    enum class Kind : std::uint8_t { say, complain, output, wait, cat, leave, die, stay, end_others } kind;
    std::string text{};      ///< say, complain: what; die: the signal's name
    std::uint64_t count = 0; ///< output: bytes; leave: the exit status
    std::chrono::microseconds time{0};
};

/// The command text, taken for its behaviour; nothing of it is ever run. Statements are separated by `;`:
///
///     true  false  exit N  echo WORDS  err WORDS  output BYTES  sleep SECONDS  cat  hang  die SIGNAL
///
/// `output` makes lines of letters, `err` writes to standard error, `cat` gives its input back, `hang` never ends. Any
/// other statement does nothing and succeeds, so that the text may carry a mark for the log. Loom's own script that ends
/// commands is known by its last word, and ends the other commands of the connection.
std::vector<Action> parse_command(std::string_view text);

} // namespace loom::fleet
