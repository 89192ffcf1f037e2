#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/files/ansible_files.hpp"
#include "app/files/places.hpp"
#include "app/files/text_file.hpp"
#include "core/base/limits.hpp"
#include "core/base/utf8.hpp"
#include "core/config/crontab.hpp"
#include "core/config/nodes_text.hpp"

#include <filesystem>
#include <istream>
#include <ostream>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

namespace fs = std::filesystem;

struct ImportOptions {
    std::string path;
    CrontabOptions crontab;
};

/// The file, or standard input for `-`.
Result<std::string> read_whole(CommandContext& context, const std::string& path) {
    if (path != "-") {
        auto file = read_text_file(path, limits::config_file_bytes);
        if (!file) return file.error();
        return std::move(file->text);
    }
    std::string text;
    for (char block[16384]; context.streams.in.read(block, sizeof block) || context.streams.in.gcount() > 0;) {
        text.append(block, static_cast<std::size_t>(context.streams.in.gcount()));
        if (text.size() > limits::config_file_bytes)
            return Error{Errc::config, fmt::format("standard input: larger than {} MiB", limits::config_file_bytes >> 20)};
    }
    return text;
}

/// Data on stdout: as YAML under a line that says where it is from, or as JSON.
void print_import(CommandContext& context, const boost::json::object& value, const std::string& head) {
    if (context.json) print_json_line(context, value);
    else context.streams.out << head << '\n' << to_yaml(value) << std::flush;
}

int import_ansible(CommandContext& context, const ImportOptions& options) {
    std::error_code ec;
    const auto path = fs::absolute(options.path, ec).lexically_normal().string();
    // Messages name files as the caller sees them: from the current folder.
    const auto here = (fs::current_path(ec) / "-").string();
    const auto texts = read_ansible_files(path, here, current_surroundings().home);
    if (!texts) return fail(context, texts.error());
    Faults faults;
    std::deque<SourceText> sources;
    const auto inventory = read_ansible(*texts, faults, sources);
    for (const auto& warning : inventory.warnings) say(context, warning.place + ": " + warning.message);
    if (!faults.empty()) return fail(context, to_error(faults));
    boost::json::object nodes;
    bool secret = false;
    for (const auto& node : inventory.nodes) {
        nodes[node.name] = node_entry(node);
        secret = secret || !node.password.empty() || !node.become.password.empty();
    }
    print_import(context, nodes, fmt::format("# From {} by loom import ansible.{}", valid_utf8(options.path),
                                             secret ? " It holds passwords: chmod 600." : ""));
    return 0;
}

int import_crontab(CommandContext& context, const ImportOptions& options) {
    const auto text = read_whole(context, options.path);
    if (!text) return fail(context, text.error());
    const auto name = options.path == "-" ? std::string("crontab") : valid_utf8(options.path);
    const SourceText source{name, name, *text};
    Faults faults;
    const auto jobs = read_crontab(source, options.crontab, faults);
    for (const auto& warning : jobs.warnings) say(context, to_string(warning.mark) + ": " + warning.message);
    if (!faults.empty()) return fail(context, to_error(faults));
    print_import(context, jobs.manifest, fmt::format("# From {} by loom import crontab.", name));
    return 0;
}

} // namespace

Action import_command(CLI::App& app) {
    const auto options = std::make_shared<ImportOptions>();
    auto* ansible = app.add_subcommand("ansible", "Print an Ansible inventory as a nodes file");
    ansible->add_option("PATH", options->path, "An INI or YAML inventory, or a folder of them; group_vars/ and host_vars/ count")
        ->required();
    auto* crontab = app.add_subcommand("crontab", "Print a crontab as a manifest of jobs");
    crontab->add_option("FILE", options->path, "As `crontab -l` prints it; - is standard input")->required();
    crontab->add_option("--targets", options->crontab.targets, "Where the jobs run, as in web[001-20],@db")->required()->type_name("NODESET");
    crontab->add_flag("--system", options->crontab.system, "A user stands before each command, as in /etc/crontab");
    app.require_subcommand(1);
    return [options, ansible](CommandContext& context, const std::vector<std::string>&) {
        return ansible->parsed() ? import_ansible(context, *options) : import_crontab(context, *options);
    };
}

} // namespace loom
