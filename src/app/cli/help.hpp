#pragma once
#include <CLI/CLI.hpp>
#include <cstddef>
#include <string>

namespace loom {

/// The command that was given, or the one below it (`runs show`).
CLI::App& innermost(CLI::App& app);

/// `loom runs show`.
std::string path_of(const CLI::App& app);

/// Whether `-- WORDS` may follow the command of this path.
bool takes_words(const std::string& path);

/// The help of the command that was given, its lines broken where the terminal ends; a width of 0 breaks none.
/// Whether the command works on this machine alone, and the options that it refuses therefore.
bool is_local(const CLI::App& app);
bool names_a_server(const CLI::Option& option);

std::string help_of(CLI::App& app, std::size_t width);

} // namespace loom
