#include "app/restart.hpp"

namespace loom {

std::vector<std::string> keys_of_next_start(const Settings& started, const Settings& fresh) {
    std::vector<std::string> keys;
    const auto compare = [&](const char* key, auto Settings::*member) {
        if (started.*member != fresh.*member) keys.emplace_back(key);
    };
    compare("min_workers", &Settings::min_workers);
    compare("max_workers", &Settings::max_workers);
    compare("state_dir", &Settings::state_dir);
    compare("socket_group", &Settings::socket_group);
    compare("ssh.host_keys", &Settings::host_keys);
    compare("ssh.known_hosts", &Settings::known_hosts);
    compare("ssh.config", &Settings::ssh_config);
    compare("ssh.keep", &Settings::keep_sessions);
    if (started.http.listen != fresh.http.listen) keys.emplace_back("listen");
    if (started.http.allowed_hosts != fresh.http.allowed_hosts || started.http.limits != fresh.http.limits) keys.emplace_back("http");
    if (started.log.format != fresh.log.format) keys.emplace_back("log.format");
    return keys;
}

CatalogPtr with_restart_warnings(const Settings& started, CatalogPtr fresh) {
    const auto keys = keys_of_next_start(started, fresh->settings);
    if (keys.empty()) return fresh;
    auto warned = std::make_shared<Catalog>(*fresh);
    for (const auto& key : keys)
        warned->problems.push_back({Problem::Kind::warning, "", fresh->settings.file, key + " counts from the next start of the daemon"});
    return warned;
}

} // namespace loom
