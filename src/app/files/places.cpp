#include "app/files/places.hpp"

#include "core/base/digest.hpp"

#include <cstdlib>
#include <filesystem>
#include <pwd.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

/// XDG base directories: "paths must be absolute; if not, consider the path invalid and ignore it".
std::string absolute_variable(const char* name, std::string otherwise) {
    auto value = variable(name);
    return value.starts_with('/') ? value : otherwise;
}

std::string home_folder() {
    if (auto home = variable("HOME"); home.starts_with('/')) return home;
    passwd entry{};
    passwd* found = nullptr;
    char buffer[4096];
    if (::getpwuid_r(::geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found) return found->pw_dir;
    return "/";
}

std::string with_home(std::string path, const std::string& home) {
    if (path == "~") return home;
    return path.starts_with("~/") ? home + path.substr(1) : path;
}

std::vector<std::string> split(const std::string& list, const std::string& home) {
    std::vector<std::string> paths;
    for (std::size_t begin = 0; begin < list.size();) {
        const auto end = std::min(list.find(',', begin), list.size());
        if (end > begin) paths.push_back(with_home(list.substr(begin, end - begin), home));
        begin = end + 1;
    }
    return paths;
}

std::string first_real_path(const std::vector<std::string>& paths) {
    for (const auto& path : paths) {
        std::error_code ec;
        if (!fs::exists(path, ec)) continue;
        const auto real = fs::canonical(path, ec);
        return ec ? fs::absolute(path).string() : real.string();
    }
    return {};
}

/// Short, so that a socket's path stays within sockaddr_un's 108 bytes.
std::string short_hash(const std::string& config_file) { return sha256_hex(config_file).substr(0, 16); }

} // namespace

Surroundings current_surroundings() {
    Surroundings around;
    around.home = home_folder();
    around.loom_config = variable("LOOM_CONFIG");
    around.config_home = absolute_variable("XDG_CONFIG_HOME", around.home + "/.config");
    around.cache_home = absolute_variable("XDG_CACHE_HOME", around.home + "/.cache");
    around.state_home = absolute_variable("XDG_STATE_HOME", around.home + "/.local/state");
    around.runtime_dir = absolute_variable("XDG_RUNTIME_DIR", "");
    around.root = ::geteuid() == 0;
    return around;
}

Result<std::string> find_configuration(const std::string& option, const Surroundings& around) {
    if (!option.empty()) {
        auto found = first_real_path(split(option, around.home));
        if (found.empty()) return Error{Errc::config, fmt::format("--config {}: no such file", option)};
        return found;
    }
    auto paths = split(around.loom_config, around.home);
    for (const auto& path : {around.home + "/.loom/loom.yaml", around.home + "/.loom.yaml", around.config_home + "/loom/loom.yaml",
                             std::string("/etc/loom/loom.yaml"), std::string("/etc/loom.yaml")})
        paths.push_back(path);
    return first_real_path(paths);
}

std::string default_state_dir(const std::string& config_file, const Surroundings& around) {
    if (config_file.starts_with("/etc/")) return "/var/lib/loom";
    return fmt::format("{}/loom/{}", around.state_home, short_hash(config_file));
}

SshConfigPaths ssh_config_places(const Settings& settings, const std::string& home) {
    SshConfigPaths paths;
    paths.home = home;
    if (settings.ssh_config == "none") return paths;
    paths.user_required = !settings.ssh_config.empty();
    paths.user = paths.user_required ? settings.ssh_config : home + "/.ssh/config";
    if (!paths.user_required) paths.system = "/etc/ssh/ssh_config";
    return paths;
}

std::vector<std::string> socket_paths(const Settings& settings, const Surroundings& around) {
    const auto name = short_hash(settings.file) + ".sock";
    std::vector<std::string> paths{around.system_run_dir + "/" + name};
    if (!around.runtime_dir.empty()) paths.push_back(around.runtime_dir + "/loom/" + name);
    paths.push_back(settings.state_dir + "/" + name);
    return paths;
}

std::string socket_path(const Settings& settings, const Surroundings& around) {
    const auto paths = socket_paths(settings, around);
    const bool system = around.root || ::access(around.system_run_dir.c_str(), W_OK | X_OK) == 0;
    if (system) return paths.front();
    const bool runtime = !around.runtime_dir.empty() && ::access(around.runtime_dir.c_str(), W_OK | X_OK) == 0;
    return runtime ? paths[1] : paths.back();
}

std::string socket_path(const Settings& settings) { return socket_path(settings, current_surroundings()); }

} // namespace loom
