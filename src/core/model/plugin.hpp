#pragma once
#include "core/base/duration.hpp"
#include "core/base/error.hpp"
#include "core/model/shared.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace loom {

/// How a plugin's workers are kept apart from everything else. `none` has to be written out.
enum class Isolation : std::uint8_t { sandbox, none };

/// What one process of a worker may take; zero means no limit.
struct PluginLimits {
    std::uint64_t memory_bytes = 512ull << 20; ///< of address space
    std::uint64_t file_bytes = 1ull << 30;     ///< of one file
    std::uint64_t temp_bytes = 256ull << 20;   ///< of its temporary folder, which is held in memory
    std::uint64_t processes = 64;              ///< and threads, all together
    Milliseconds cpu = std::chrono::hours(1);

    friend bool operator==(const PluginLimits&, const PluginLimits&) = default;
};

/// What lies in a plugin's folders, as it was when the configuration was read.
struct PluginCode {
    std::vector<std::string> modules; ///< the top-level names that can be imported from them, sorted
    std::string stamp;                ///< another one as soon as a file of them is another one

    friend bool operator==(const PluginCode&, const PluginCode&) = default;
};

/// One entry of loom.yaml's `plugins`: which tasks it serves, and how a process that runs them is started. Paths are absolute.
struct PluginSettings {
    std::string name;
    std::vector<std::string> paths; ///< where its modules are
    std::vector<std::string> read;  ///< what else its workers may read
    std::string interpreter;        ///< of Python; a bare word is looked for; empty: the virtual environment's, else python3
    std::string virtualenv;         ///< empty: none
    std::vector<std::string> command; ///< a worker in another language, which takes the interpreter's place
    std::vector<std::string> tasks;   ///< the beginnings of the dotted names it serves; none: those that its modules hold
    std::map<std::string, std::string> env;
    bool network = false;
    Isolation isolation = Isolation::sandbox;
    PluginLimits limits;
    PluginCode code;
    std::string place; ///< `loom.yaml:3:5`; empty: it is the one that is there without being written

    friend bool operator==(const PluginSettings&, const PluginSettings&) = default;
};

using Plugin = Shared<PluginSettings>;
using Plugins = std::vector<Plugin>;

/// The plugin that serves a task: the one that is named, else the first one whose `tasks`, or without these whose modules,
/// hold the task's dotted name; nothing, which is no error, where none does. The names of Loom's own library (`fabric.`, `loom.`,
/// `invoke.`) are only looked for in a plugin that is named. Errc::config where the named one is not there. Pure.
Result<Plugin> find_plugin(const Plugins& plugins, std::string_view named, std::string_view task);

/// What there is to say of a dotted name that no plugin serves: `: no plugin has a module "x" (did you mean "y"?)`, or nothing
/// where no plugin has any module.
std::string no_plugin_words(const Plugins& plugins, std::string_view task);

} // namespace loom
