#include "app/files/plugin_code.hpp"

#include "app/worker/surroundings.hpp"
#include "core/base/digest.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

/// Files of one plugin that are looked at; those behind them change unnoticed.
constexpr std::size_t files_most = 10'000;
constexpr std::size_t depth_most = 16;

bool identifier(std::string_view name) {
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c < 0; };
    return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, good);
}

/// What `import` would find in the folder: x.py, x.….so and folders x.
void add_modules(const fs::path& folder, std::vector<std::string>& modules) {
    std::error_code ec;
    fs::directory_iterator entries(folder, fs::directory_options::skip_permission_denied, ec);
    for (; !ec && entries != fs::directory_iterator(); entries.increment(ec)) {
        const auto& path = entries->path();
        const auto name = path.filename().string();
        const auto stem = name.substr(0, name.find('.'));
        std::error_code ignored;
        const bool code = path.extension() == ".py" || path.extension() == ".so" || fs::is_directory(path, ignored);
        if (code && identifier(stem) && name != "__pycache__" && (stem == name || !fs::is_directory(path, ignored))) modules.push_back(stem);
    }
}

/// One line for each file: its name, size and times.
class Stamp {
public:
    void add(const fs::path& folder, std::size_t depth = 0) {
        std::vector<fs::path> inside;
        std::error_code ec;
        fs::directory_iterator entries(folder, fs::directory_options::skip_permission_denied, ec);
        for (; !ec && entries != fs::directory_iterator() && inside.size() < files_most; entries.increment(ec)) inside.push_back(entries->path());
        std::ranges::sort(inside);
        for (const auto& path : inside) {
            const auto name = path.filename().string();
            if (name == "__pycache__" || name.starts_with('.')) continue;
            std::error_code ignored;
            if (fs::is_directory(path, ignored)) {
                if (depth < depth_most) add(path, depth + 1);
            } else if (files_++ < files_most) {
                note(path);
            }
        }
    }

    /// The path alone, whatever is in it.
    void note(const fs::path& path) {
        struct stat found {};
        if (::stat(path.c_str(), &found) != 0) return;
        hash_.add(fmt::format("{}\n{} {}.{} {}\n", path.string(), found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec, found.st_ino));
    }

    std::string text() { return hash_.hex(); }

private:
    Sha256 hash_;
    std::size_t files_ = 0;
};

/// lib/pythonX.Y/site-packages of a virtual environment.
std::vector<fs::path> site_packages(const std::string& virtualenv) {
    std::vector<fs::path> found;
    std::error_code ec;
    fs::directory_iterator entries(virtualenv + "/lib", ec);
    for (; !ec && entries != fs::directory_iterator(); entries.increment(ec)) {
        auto packages = entries->path() / "site-packages";
        std::error_code ignored;
        if (fs::is_directory(packages, ignored)) found.push_back(std::move(packages));
    }
    return found;
}

PluginCode look(const PluginSettings& plugin) {
    PluginCode code;
    Stamp stamp;
    for (const auto& path : plugin.paths) {
        add_modules(path, code.modules);
        stamp.add(path);
    }
    if (!plugin.virtualenv.empty()) {
        for (const auto& packages : site_packages(plugin.virtualenv)) {
            add_modules(packages, code.modules);
            stamp.note(packages); // changes with what is installed
        }
    }
    std::ranges::sort(code.modules);
    code.modules.erase(std::unique(code.modules.begin(), code.modules.end()), code.modules.end());
    code.stamp = stamp.text();
    return code;
}

/// The real path of what is there, and of what is not there as much as is.
fs::path real(const std::string& path) {
    std::error_code ec;
    auto found = fs::weakly_canonical(path, ec);
    return ec ? fs::path(path).lexically_normal() : found;
}

bool holds(const fs::path& folder, const fs::path& inner) {
    const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), inner.begin(), inner.end());
    return end == folder.end() || (end->empty() && std::next(end) == folder.end());
}

/// Something that no sandboxed worker may read.
struct Kept {
    const char* what;
    fs::path where;
};

void keep(std::vector<Kept>& kept, const char* what, const std::string& where) {
    if (!where.empty()) kept.push_back({what, real(where)});
}

std::vector<Kept> kept_by(const Settings& settings, const Surroundings& around) {
    std::vector<Kept> kept;
    keep(kept, "this configuration", settings.file);
    keep(kept, "the nodes file", settings.nodes_file);
    keep(kept, "the jobs", settings.jobs_path);
    keep(kept, "the datafile", settings.data_file);
    keep(kept, "Loom's state", settings.state_dir);
    keep(kept, "the keys of this user", around.home + "/.ssh");
    for (const auto& address : settings.http.listen) keep(kept, "the key of its HTTPS", address.tls.key);
    return kept;
}

std::vector<Kept> identities_of(const std::vector<Node>& nodes) {
    std::set<std::string> paths;
    for (const auto& node : nodes) paths.insert(node.identity);
    std::vector<Kept> kept;
    for (const auto& path : paths) keep(kept, "a node's identity", path);
    return kept;
}

Error too_far(const PluginSettings& plugin, const std::string& why) {
    return {Errc::config, fmt::format("{}{}: {}", plugin.place.empty() ? "" : plugin.place + ": ", plugin.name, why)};
}

std::vector<std::string> reach_of(const PluginSettings& plugin) {
    auto reach = plugin.paths;
    reach.insert(reach.end(), plugin.read.begin(), plugin.read.end());
    if (!plugin.virtualenv.empty()) reach.push_back(plugin.virtualenv);
    return reach;
}

/// Of the host as it runs: through /proc/1/root everything is there, whatever stands where it leads to.
bool of_the_host(const fs::path& path) {
    const auto below = [&](const char* folder) { return holds(folder, path); };
    return path == "/" || below("/proc") || below("/sys") || below("/dev");
}

Result<void> check_reach(const PluginSettings& plugin, const std::vector<Kept>& kept, const Surroundings& around) {
    if (plugin.isolation == Isolation::none) return {};
    for (const auto& path : reach_of(plugin)) {
        const auto folder = real(path);
        for (const auto& [what, where] : kept)
            if (holds(folder, where))
                return too_far(plugin, fmt::format("its workers would read {}: {} holds {}; give a folder of its own", what, path, where.string()));
        if (of_the_host(folder) || of_the_host(fs::path(path).lexically_normal()))
            return too_far(plugin, fmt::format("its workers would read what the host is doing: {}; give a folder of its own", path));
    }
    // Root's workers are other users than root: the files' own modes keep them out of what every worker is shown.
    std::error_code ec;
    const bool never_started = plugin.place.empty() && !fs::exists(plugin.paths.front(), ec);
    if (around.root || never_started) return {};
    for (const auto& path : system_files(true))
        for (const auto& [what, where] : kept)
            if (holds(real(path), where))
                return too_far(plugin, fmt::format("its workers would read {}: every worker reads {}, which holds {}; keep that elsewhere", what,
                                                   path, where.string()));
    return {};
}

/// Empty where it can be read. `others`: by a user who neither owns it nor is of its group.
std::string unreadable_because(const std::string& path, bool others) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0)
        return errno == ENOENT ? "there is no such file or folder" : std::generic_category().message(errno);
    const bool folder = S_ISDIR(found.st_mode);
    const mode_t wanted = folder ? S_IROTH | S_IXOTH : S_IROTH;
    if (others && (found.st_mode & wanted) != wanted) return "its workers cannot read it: where the daemon is root, everybody must be able to";
    if (!others && ::access(path.c_str(), folder ? R_OK | X_OK : R_OK) != 0) return "this user cannot read it";
    return {};
}

} // namespace

std::vector<UnreadablePath> unreadable_paths(const Settings& settings, const Surroundings& around) {
    std::vector<UnreadablePath> found;
    for (const auto& plugin : settings.plugins) {
        if (plugin->place.empty()) continue; // the one that nobody wrote needs no folder
        const bool others = around.root && plugin->isolation == Isolation::sandbox;
        for (const auto& [key, paths] : {std::pair("paths", &plugin->paths), std::pair("read", &plugin->read)})
            for (std::size_t item = 0; item < paths->size(); ++item)
                if (auto why = unreadable_because((*paths)[item], others); !why.empty())
                    found.push_back({plugin->name, key, item, fmt::format("{}: {}", (*paths)[item], why)});
    }
    return found;
}

Result<std::vector<PluginCode>> read_plugin_code(const Settings& settings, const Surroundings& around) {
    std::vector<PluginCode> code;
    const auto kept = kept_by(settings, around);
    for (const auto& plugin : settings.plugins) {
        if (auto good = check_reach(*plugin, kept, around); !good) return good.error();
        code.push_back(look(*plugin));
    }
    return code;
}

Result<void> check_identities(const Catalog& catalog, const Surroundings& around) {
    const auto kept = identities_of(catalog.nodes);
    for (const auto& plugin : catalog.settings.plugins)
        if (auto good = check_reach(*plugin, kept, around); !good) return good;
    return {};
}

} // namespace loom
