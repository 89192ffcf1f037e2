#pragma once
#include "core/model/catalog.hpp"

#include <functional>
#include <map>

namespace loom {

/// The texts of a configuration, already read from disk: building is pure. Paths are absolute.
struct ConfigText {
    std::string path;
    std::string text;
    bool others_can_read = false; ///< by its mode, any user of the host can
};

/// What a source of `inventory` gave, now or when it last could.
struct SourceNodes {
    std::string name; ///< as messages call it: `hosts.ini`
    std::vector<Node> nodes; ///< each name once
    std::vector<Problem> problems;
};

struct ConfigTexts {
    ConfigText settings;              ///< loom.yaml
    std::optional<ConfigText> nodes;
    std::vector<SourceNodes> sources; ///< of loom.yaml's `inventory`, in its order
    std::vector<PluginCode> code;     ///< of the settings' plugins, in their order
    std::optional<ConfigText> data;
    std::vector<ConfigText> manifests; ///< every *.yaml under jobspath, sorted by path
    std::vector<Problem> problems;     ///< met while reading: a manifest that could not be read
    std::string home;                  ///< what `~` means
    std::string state_dir;             ///< the default, unless loom.yaml has its own
    /// Reads a secret's `{file: …}`, `{env: …}` or `{command: […]}`.
    std::function<Result<Secret>(const boost::json::object&)> read_secret;
    /// What a script's file holds.
    std::function<Result<std::string>(const std::string& path)> read_script;
    /// Whether a task name and its arguments are good: Errc::unavailable lists the job so, any other error quarantines it.
    std::function<Result<void>(const TaskSpec&, const Plugins&)> check_task;
};

/// A file under the configuration's folder is shown relative to it.
std::string shown_path(const std::string& path, const std::string& settings_path);

/// Reads loom.yaml alone, so that the caller knows which other files to read. An Errc::config error has file:line:column.
Result<Settings> read_settings(const ConfigText& text, const std::string& home, const std::string& state_dir);

/// The whole catalog. Errors in loom.yaml, the nodes file or the datafile are fatal (Errc::config, with place and near
/// name); a bad job is quarantined, a bad manifest (not readable as YAML) too, and the rest stands.
Result<CatalogPtr> build_catalog(const ConfigTexts& texts);

/// A catalog without any configuration: settings by default, nodes made on demand.
CatalogPtr empty_catalog(std::string state_dir);

} // namespace loom
