#pragma once
#include <string>
#include <string_view>

namespace loom {

/// Reads what a node says before a command begins (ssh/command_text.hpp): on standard error, or on a terminal's one
/// stream. A pure machine: bytes go in, and what belongs to the command's output comes back.
///
/// Without sudo nothing but our own line is removed. With sudo, what it says (a lecture, prompts) is held back, and is
/// output only where the command never begins: then it says why. At most limits::opening_bytes are held.
class Opening {
public:
    Opening(std::string mark, bool through_sudo) : mark_(std::move(mark)), through_sudo_(through_sudo) {}

    /// The bytes that are output now. Valid until the next call, and while `bytes` are.
    std::string_view take(std::string_view bytes);
    /// What is still held back when the stream ends.
    std::string_view finish();

    bool began() const { return began_; }
    /// How often sudo asked for a password: a second time means that the first one was wrong.
    int prompts() const { return prompts_; }
    /// The process that leads the command's session on the node; 0: not told yet.
    long leader() const { return leader_; }
    /// Through sudo: the parent of the command's shell, which leads a session of its own where sudo gave it a terminal.
    long inner() const { return inner_; }

private:
    bool step();
    bool read_line(std::size_t at);

    std::string mark_;
    bool through_sudo_;
    std::string held_, ready_;
    std::size_t looked_ = 0; ///< of held_: no mark begins before it
    int prompts_ = 0;
    long leader_ = 0, inner_ = 0;
    bool began_ = false;
};

} // namespace loom
