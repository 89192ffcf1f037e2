#include "app/files/reader.hpp"

#include "app/files/inventory_sources.hpp"
#include "app/files/plugin_code.hpp"
#include "app/files/secret_source.hpp"
#include "app/files/text_file.hpp"
#include "app/http/tls.hpp"
#include "core/base/limits.hpp"
#include "core/config/catalog_builder.hpp"
#include "core/config/reading.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <filesystem>
#include <map>
#include <set>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

/// Finds the manifests below a folder, through symlinks too, each real file and folder once. Names that begin with a
/// dot are left out: editors' lock files, and the hidden folders behind a Kubernetes volume.
class ManifestSearch {
public:
    std::vector<std::string> run(const fs::path& top) {
        visit(top);
        std::sort(found_.begin(), found_.end());
        return std::move(found_);
    }

private:
    void visit(const fs::path& folder) {
        std::error_code ec;
        const auto real = fs::canonical(folder, ec);
        if (ec || !seen_.insert(real.string()).second) return;
        fs::directory_iterator entries(folder, fs::directory_options::skip_permission_denied, ec);
        for (; !ec && entries != fs::directory_iterator(); entries.increment(ec)) take(entries->path());
    }

    void take(const fs::path& path) {
        if (path.filename().string().starts_with('.')) return;
        std::error_code ec;
        if (fs::is_directory(path, ec)) {
            visit(path);
        } else if (path.extension() == ".yaml") {
            const auto real = fs::canonical(path, ec);
            if (ec || seen_.insert(real.string()).second) found_.push_back(path.string());
        }
    }

    std::vector<std::string> found_;
    std::set<std::string> seen_;
};

Result<ConfigText> read_config(const std::string& path) {
    auto file = read_text_file(path, limits::config_file_bytes);
    if (!file) return Error{Errc::config, file.error().message};
    return ConfigText{path, std::move(file->text), file->others_can_read};
}

/// Where loom.yaml says what the keys lead to; of a list its item. Looks through the text again, which only a fault is worth.
std::string place_of(const ConfigText& settings, std::initializer_list<std::string_view> keys, std::size_t item = 0) {
    const SourceText source{settings.path, settings.path, settings.text};
    const auto document = parse_yaml(source);
    Faults faults;
    const YamlNode* at = document ? &document->root() : nullptr;
    for (const auto key : keys) {
        if (!at) break;
        const auto entries = map_entries(*at, faults);
        const auto found = std::ranges::find_if(entries, [&](const auto& entry) { return entry.key->text == key; });
        at = found == entries.end() ? nullptr : found->value;
    }
    if (at && item < at->items.size()) at = at->items[item];
    return at ? to_string(at->mark) : settings.path;
}

Error fault_of(const ConfigText& settings, std::initializer_list<std::string_view> keys, std::string_view message) {
    return {Errc::config, fmt::format("{}: {}: {}", place_of(settings, keys), fmt::join(keys, ": "), message)};
}

Result<std::vector<std::string>> find_manifests(const std::string& jobs_path) {
    std::error_code ec;
    const auto status = fs::status(jobs_path, ec);
    if (!fs::exists(status)) return Error{Errc::config, fmt::format("cannot read {}: no such folder", jobs_path)};
    if (!fs::is_directory(status)) return std::vector<std::string>{jobs_path};
    return ManifestSearch().run(jobs_path);
}

/// A manifest that cannot be read is its own problem; the rest of the fleet works on.
void read_manifests(const std::vector<std::string>& paths, ConfigTexts& texts) {
    for (const auto& path : paths) {
        auto text = read_config(path);
        if (text)
            texts.manifests.push_back(std::move(*text));
        else
            texts.problems.push_back(
                {Problem::Kind::quarantined, "", shown_path(path, texts.settings.path), text.error().message});
    }
}

/// What ssh_config says and Loom cannot obey is told with the configuration, once for each load.
void add_ssh_config_warnings(SshConfigPaths paths, std::vector<Problem>& problems) {
    const auto config = SshConfigFiles(std::move(paths)).current(); // outlives the loop over what it holds
    for (const auto& warning : config->warnings())
        problems.push_back({Problem::Kind::warning, "", warning.place, warning.message});
}

Result<ConfigTexts> read_texts(const std::string& file, const Surroundings& around) {
    auto main_text = read_config(file);
    if (!main_text) return main_text.error();
    ConfigTexts texts;
    texts.settings = std::move(*main_text);
    texts.home = around.home;
    texts.state_dir = default_state_dir(file, around);
    const auto settings = read_settings(texts.settings, texts.home, texts.state_dir);
    if (!settings) return settings.error();
    for (const auto& address : settings->http.listen)
        if (const auto checked = check_key_file(address.tls.key); !checked)
            return Error{Errc::config, fmt::format("{}: listen: tls: key: {}", address.place, checked.error().message)};
    if (!settings->nodes_file.empty()) {
        auto nodes = read_config(settings->nodes_file);
        if (!nodes) return fault_of(texts.settings, {"nodesfile"}, nodes.error().message);
        texts.nodes = std::move(*nodes);
    }
    texts.sources = read_inventory_sources(*settings, around);
    if (!settings->data_file.empty()) {
        auto anchors = read_config(settings->data_file);
        if (!anchors) return fault_of(texts.settings, {"datafile"}, anchors.error().message);
        texts.data = std::move(*anchors);
    }
    if (!settings->jobs_path.empty()) {
        const auto paths = find_manifests(settings->jobs_path);
        if (!paths) return fault_of(texts.settings, {"jobspath"}, paths.error().message);
        read_manifests(*paths, texts);
    }
    auto code = read_plugin_code(*settings, around);
    if (!code) return code.error();
    texts.code = std::move(*code);
    for (const auto& path : unreadable_paths(*settings, around))
        texts.problems.push_back({Problem::Kind::warning, "", place_of(texts.settings, {"plugins", path.plugin, path.key}, path.item),
                                  fmt::format("{}: {}: {}", path.plugin, path.key, path.message)});
    const auto ssh_config = ssh_config_places(*settings, around.home);
    if (ssh_config.user_required)
        if (const auto text = read_text_file(ssh_config.user, limits::config_file_bytes); !text)
            return fault_of(texts.settings, {"ssh", "config"}, text.error().message);
    add_ssh_config_warnings(ssh_config, texts.problems);
    return texts;
}

Result<std::string> read_script(const std::string& path) {
    auto file = read_text_file(path, limits::input_bytes);
    if (!file) return file.error();
    return std::move(file->text);
}

/// The host keys that the user has checked count here too.
Result<CatalogPtr> without_configuration(const Surroundings& around) {
    auto settings = read_settings({}, around.home, default_state_dir("", around));
    if (!settings) return settings.error();
    auto catalog = std::make_shared<Catalog>(*empty_catalog(settings->state_dir));
    catalog->settings = std::move(*settings);
    return CatalogPtr(std::move(catalog));
}

} // namespace

Result<CatalogPtr> load_catalog(const std::string& config_option, const TaskRegistry& tasks) {
    return load_catalog(config_option, tasks, current_surroundings());
}

Result<CatalogPtr> load_catalog(const std::string& config_option, const TaskRegistry& tasks,
                                const Surroundings& around) {
    const auto file = find_configuration(config_option, around);
    if (!file) return file.error();
    if (file->empty()) return without_configuration(around);
    auto texts = read_texts(*file, around);
    if (!texts) return texts.error();
    forget_zones();
    // Once a load: what many jobs share is one child process, not as many.
    texts->read_secret = [known = std::map<std::string, Result<Secret>>()](const boost::json::object& source) mutable {
        const auto key = boost::json::serialize(source);
        auto found = known.find(key);
        if (found == known.end()) found = known.emplace(key, read_secret(source)).first;
        return found->second;
    };
    texts->read_script = read_script;
    texts->check_task = [&tasks](const TaskSpec& spec, const Plugins& plugins) -> Result<void> {
        const auto task = tasks.make(spec, plugins);
        if (!task) return task.error();
        return {};
    };
    auto catalog = build_catalog(*texts);
    if (!catalog) return catalog;
    if (auto good = check_identities(**catalog, around); !good) return good.error();
    return catalog;
}

WatchList watch_list(const Settings& settings) {
    WatchList list;
    for (const auto& file : {settings.file, settings.nodes_file, settings.data_file})
        if (!file.empty()) list.files.push_back(file);
    for (const auto& address : settings.http.listen)
        for (const auto& file : {address.tls.certificate, address.tls.key, address.tls.client_ca})
            if (!file.empty()) list.files.push_back(file);
    list.jobs_path = settings.jobs_path;
    watch_inventory_sources(settings, list);
    for (const auto& plugin : settings.plugins)
        for (const auto& path : plugin->paths) list.trees.push_back(path);
    return list;
}

WatchList watch_list(const Catalog& catalog) {
    auto list = watch_list(catalog.settings);
    list.files.insert(list.files.end(), catalog.scripts.begin(), catalog.scripts.end());
    return list;
}

} // namespace loom
