#pragma once
#include "core/model/catalog.hpp"
#include "ssh/ssh_config_files.hpp"

#include <string>
#include <vector>

namespace loom {

/// What the environment says about where files are. Relative variables count as unset (XDG base directory rules).
struct Surroundings {
    std::string home;
    std::string loom_config;     ///< $LOOM_CONFIG
    std::string config_home;     ///< $XDG_CONFIG_HOME, else ~/.config
    std::string cache_home;      ///< $XDG_CACHE_HOME, else ~/.cache
    std::string state_home;      ///< $XDG_STATE_HOME, else ~/.local/state
    std::string runtime_dir;     ///< $XDG_RUNTIME_DIR; empty: none
    std::string system_run_dir = "/run/loom";
    bool root = false;
};

Surroundings current_surroundings();

/// The real path of the configuration: the first of `option` (`a,b,c`, with `~`) that exists, or without an option the
/// first of the default places; empty when there is none of those. Errc::config when none of `option` exists.
Result<std::string> find_configuration(const std::string& option, const Surroundings& around);

/// `/var/lib/loom` for a configuration under /etc, else a folder of its own for each configuration.
std::string default_state_dir(const std::string& config_file, const Surroundings& around);

/// The ssh_config files that `ssh.config` asks for: by default the user's, then the system's.
SshConfigPaths ssh_config_places(const Settings& settings, const std::string& home);

/// Where a client looks for the daemon of this configuration, the likeliest first.
std::vector<std::string> socket_paths(const Settings& settings, const Surroundings& around);

/// Where the daemon of this configuration listens: the first place that this process can write to.
std::string socket_path(const Settings& settings, const Surroundings& around);
std::string socket_path(const Settings& settings);

} // namespace loom
