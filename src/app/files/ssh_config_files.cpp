#include "app/files/ssh_config_files.hpp"

#include "app/files/text_file.hpp"
#include "core/base/limits.hpp"
#include "core/config/ssh_config_names.hpp"
#include "core/model/nodeset.hpp"

#include <algorithm>
#include <deque>
#include <glob.h>
#include <set>

namespace loom {
namespace {

/// ssh_config(5): `~` is the home folder, and relative paths start at ~/.ssh, or /etc/ssh in a file below it.
std::vector<std::string> files_of(std::string pattern, const std::string& from, const std::string& home) {
    if (pattern.starts_with("~/")) pattern = home + pattern.substr(1);
    else if (!pattern.starts_with('/')) pattern = (from.starts_with("/etc/ssh/") ? "/etc/ssh/" : home + "/.ssh/") + pattern;
    std::vector<std::string> found;
    glob_t matches{};
    if (::glob(pattern.c_str(), 0, nullptr, &matches) == 0) found.assign(matches.gl_pathv, matches.gl_pathv + matches.gl_pathc);
    ::globfree(&matches);
    return found;
}

} // namespace

Result<std::vector<std::string>> read_ssh_config_files(const std::string& path, const std::string& home) {
    std::vector<std::string> names;
    std::set<std::string> seen{path};
    std::deque<std::string> waiting{path};
    while (!waiting.empty()) {
        const auto next = waiting.front();
        waiting.pop_front();
        const auto file = read_text_file(next, limits::config_file_bytes);
        if (!file && next == path) return file.error();
        if (!file) continue;
        auto found = read_ssh_config_names(file->text);
        std::move(found.names.begin(), found.names.end(), std::back_inserter(names));
        for (const auto& pattern : found.includes)
            for (auto& included : files_of(pattern, next, home))
                if (seen.size() < limits::ssh_config_files && seen.insert(included).second) waiting.push_back(included);
    }
    std::sort(names.begin(), names.end(), natural_less);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

} // namespace loom
