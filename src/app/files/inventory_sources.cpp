#include "app/files/inventory_sources.hpp"

#include "app/files/ansible_files.hpp"
#include "app/files/kept_nodes.hpp"
#include "app/files/text_file.hpp"
#include "app/process/command_output.hpp"
#include "core/base/limits.hpp"
#include "core/config/reading.hpp"
#include "ssh/ssh_config_files.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <deque>
#include <filesystem>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

/// A program's JSON spells what lies beyond U+FFFF as two escapes, which YAML does not have: such a text is written anew.
std::string without_surrogates(std::string text) {
    if (text.find("\\ud") == std::string::npos && text.find("\\uD") == std::string::npos) return text;
    boost::system::error_code ec;
    const auto value = boost::json::parse(text, ec);
    return ec ? text : boost::json::serialize(value);
}

/// What an ssh_config and its includes say in `Host` lines, each once; what cannot be a node's name is passed over.
Result<std::vector<std::string>> ssh_config_names(const std::string& path, const std::string& home) {
    // To who connects, a file that cannot be read refuses every host; as a source it has failed.
    if (const auto text = read_text_file(path, limits::config_file_bytes); !text) return text.error();
    SshConfigPaths paths;
    paths.home = home;
    (path.starts_with("/etc/ssh/") ? paths.system : paths.user) = path; // where relative includes start
    paths.user_required = true;
    auto names = SshConfigFiles(std::move(paths)).current()->plain_host_names();
    std::erase_if(names, [](const auto& name) { return !plain_name(name); });
    std::ranges::sort(names, natural_less);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

/// One source, read or remembered.
class SourceReader {
public:
    SourceReader(const Settings& settings, const Surroundings& around, const InventorySource& source)
        : settings_(settings), around_(around), source_(source), kept_(settings.state_dir, source) {
        const auto& place = source.type == InventorySource::Type::command ? source.command.front() : source.path;
        result_.name = shown_path(place, settings.file);
    }

    SourceNodes read() {
        if (source_.cache.count() > 0) {
            if (auto nodes = kept_.younger_than(source_.cache)) {
                result_.nodes = std::move(*nodes);
                return std::move(result_);
            }
        }
        ask();
        const bool failed = std::ranges::any_of(result_.problems, [](const auto& problem) {
            return problem.kind == Problem::Kind::quarantined;
        });
        if (failed) remember();
        else if (auto kept = kept_.keep(result_.nodes); !kept) add(Problem::Kind::warning, kept.error().message);
        return std::move(result_);
    }

private:
    void add(Problem::Kind kind, std::string message) {
        result_.problems.push_back({kind, "", source_.place, "inventory: " + std::move(message)});
    }
    void fail(const Error& error) { add(Problem::Kind::quarantined, error.message); }

    void ask() {
        if (source_.type == InventorySource::Type::ssh_config) {
            auto names = ssh_config_names(source_.path, around_.home);
            if (!names) return fail(names.error());
            for (auto& name : *names) {
                auto& node = result_.nodes.emplace_back();
                node.name = std::move(name);
                node.address = node.name;
            }
            return;
        }
        auto texts = source_.type == InventorySource::Type::ansible
                         ? read_ansible_files(source_.path, settings_.file, around_.home)
                         : run();
        if (!texts) return fail(texts.error());
        Faults faults;
        std::deque<SourceText> sources;
        auto inventory = read_ansible(*texts, faults, sources);
        result_.nodes = std::move(inventory.nodes);
        for (auto& warning : inventory.warnings) result_.problems.push_back(std::move(warning));
        constexpr std::size_t told = 20;
        for (std::size_t i = 0; i < std::min(faults.size(), told); ++i)
            result_.problems.push_back({Problem::Kind::quarantined, "", to_string(faults[i].mark), std::move(faults[i].message)});
    }

    Result<AnsibleTexts> run() {
        auto output = command_output(source_.command, {"the inventory command", limits::inventory_command_time,
                                                       limits::config_file_bytes, true});
        if (!output) return output.error();
        if (output->find_first_not_of(" \t\r\n") == std::string::npos)
            return Error{Errc::config, fmt::format("the inventory command {} printed nothing", source_.command.front())};
        AnsibleTexts texts;
        texts.settings_path = settings_.file;
        texts.home = around_.home;
        // Relative paths that it prints start where the configuration is.
        const auto folder = std::filesystem::path(settings_.file).parent_path();
        const auto program = std::filesystem::path(source_.command.front()).filename().string();
        texts.inventories.push_back({(folder / (program + " output.json")).string(), without_surrogates(std::move(*output)), false});
        return texts;
    }

    void remember() {
        auto last = kept_.last();
        result_.nodes.clear();
        if (!last) {
            add(Problem::Kind::quarantined, fmt::format("{} gives no nodes, and never did", result_.name));
            return;
        }
        result_.nodes = std::move(last->nodes);
        add(Problem::Kind::quarantined,
            fmt::format("{}: the {} nodes of its last good reading stay ({})", result_.name, result_.nodes.size(), last->at));
    }

    const Settings& settings_;
    const Surroundings& around_;
    const InventorySource& source_;
    KeptNodes kept_;
    SourceNodes result_;
};

} // namespace

std::vector<SourceNodes> read_inventory_sources(const Settings& settings, const Surroundings& around) {
    std::vector<SourceNodes> parts;
    for (const auto& source : settings.inventory) parts.push_back(SourceReader(settings, around, source).read());
    return parts;
}

void watch_inventory_sources(const Settings& settings, WatchList& list) {
    for (const auto& source : settings.inventory) {
        if (source.type == InventorySource::Type::command) {
            if (source.command.front().starts_with('/')) list.files.push_back(source.command.front());
            continue;
        }
        list.files.push_back(source.path);
        if (source.type != InventorySource::Type::ansible) continue;
        // Whether the path is a file or a folder may change: both are watched, and what is not there is no harm. Not
        // all that is below a folder: the state folder may be there, which each reading changes.
        list.folders.push_back(source.path);
        for (const auto& top : {source.path, std::filesystem::path(source.path).parent_path().string()})
            for (const auto* name : {"/group_vars", "/host_vars"}) list.trees.push_back(top + name);
    }
}

} // namespace loom
