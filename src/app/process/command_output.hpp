#pragma once
#include "core/base/error.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace loom {

struct OutputBounds {
    std::string what; ///< as messages call the program: `the secret command`
    std::chrono::milliseconds time;
    std::size_t bytes; ///< of its standard output
    bool show_err;     ///< whether the first line of its standard error is part of a message
};

/// Runs a program to its end, without a shell and without input; returns what it printed. Blocks, at most
/// `bounds.time`; its whole process group ends with it. An Errc::config error names the program and says whether it
/// could not be started, took too long, printed too much, or did not exit with 0; it holds none of the output.
Result<std::string> command_output(const std::vector<std::string>& words, const OutputBounds& bounds);

} // namespace loom
