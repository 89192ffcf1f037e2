#include "app/cli/command_table.hpp"
#include "app/cli/exec_options.hpp"

#include <filesystem>

namespace loom {
namespace {

struct FileOptions {
    ExecOptions exec;
    std::vector<std::string> paths;
    std::string mode, folder = ".";
};

/// A daemon has another working folder. A `/` at the end says something, so it stays.
std::string from_here(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

boost::json::array texts(const std::vector<std::string>& all) { return boost::json::array(all.begin(), all.end()); }

int start(CommandContext& context, const FileOptions& options, const char* task, boost::json::object kwargs) {
    auto request = read_exec_options(options.exec);
    if (!request) return fail(context, request.error());
    request->task = task;
    request->kwargs = std::move(kwargs);
    return start_run<&Service::start_exec, &Service::plan_exec>(context, options.exec.flags, std::move(*request));
}

int put(CommandContext& context, const FileOptions& options) {
    auto sources = options.paths;
    const auto destination = sources.back();
    sources.pop_back();
    for (auto& source : sources) {
        source = from_here(source);
        std::error_code ec;
        if (!std::filesystem::exists(source, ec) && !ec) return fail(context, not_found("there is no " + source));
    }
    boost::json::object kwargs;
    kwargs["local_path"] = texts(sources);
    kwargs["remote_path"] = destination;
    if (!options.mode.empty()) kwargs["mode"] = options.mode;
    return start(context, options, "fabric.api.put", std::move(kwargs));
}

int get(CommandContext& context, const FileOptions& options) {
    boost::json::object kwargs;
    kwargs["remote_path"] = texts(options.paths);
    kwargs["local_path"] = from_here(options.folder);
    return start(context, options, "fabric.api.get", std::move(kwargs));
}

} // namespace

Action put_command(CLI::App& app) {
    const auto options = std::make_shared<FileOptions>();
    add_exec_options(app, options->exec);
    app.add_option("PATHS", options->paths, "SOURCE… DEST: what to bring, and where on the nodes it goes")
        ->required()
        ->expected(2, -1);
    app.add_option("--mode", options->mode, "Permissions of the files, as in 0644; without it they keep their own")->type_name("MODE");
    app.footer("DEST is a folder when it ends in / or there are several sources. SOURCE/ means what the folder holds.\n"
               "What is there already, by size and SHA-256, is left alone:\n"
               "  loom put @web nginx.conf /etc/nginx/nginx.conf\n  loom put @web site/ /srv/www");
    return [options](CommandContext& context, const std::vector<std::string>&) { return put(context, *options); };
}

Action get_command(CLI::App& app) {
    const auto options = std::make_shared<FileOptions>();
    add_exec_options(app, options->exec);
    app.add_option("REMOTE", options->paths, "Files and folders of the nodes")->required();
    app.add_option("--to", options->folder, "The local folder that receives NODE/NAME for each of them")->type_name("FOLDER");
    app.footer("Links within a folder are left out; nothing is written outside of --to:\n"
               "  loom get @web /var/log/nginx/error.log --to logs      # logs/web1/error.log, …");
    return [options](CommandContext& context, const std::vector<std::string>&) { return get(context, *options); };
}

} // namespace loom
