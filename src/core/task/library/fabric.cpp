#include "core/task/builtin/file_task.hpp"
#include "core/task/builtin/shell_task.hpp"
#include "core/task/library/library.hpp"

namespace loom {
namespace {

using Kind = ParameterKind;

/// A command may do anything, so there is no looking what it would do.
LibraryTask shell_row(std::string_view name, std::string_view summary, std::string_view example, auto make) {
    LibraryTask row{{name, summary, {{"command", Kind::text, "The shell line, sent as it is", "", true}}, example}};
    row.info.checks = false;
    row.make = make;
    return row;
}

constexpr std::string_view by_sftp = "By SFTP, as the login user: no become, env and cwd.";

LibraryTask put_row(std::string_view name, std::string_view source, std::string_view destination, std::vector<Parameter> more, std::string_view example) {
    LibraryTask row{{name, "Brings files and folders to the node; what is there already, by size and SHA-256, is left alone.",
                     {{source, Kind::locals, "What to bring; a folder that ends in / means what it holds", "", true},
                      {destination, Kind::path, "Where it goes; a folder when it ends in / or there are several sources", "", true}},
                     example}};
    row.info.parameters.insert(row.info.parameters.end(), more.begin(), more.end());
    row.info.notes = by_sftp;
    row.make = make_put_task;
    return row;
}

LibraryTask get_row(std::string_view name, std::string_view source, std::string_view destination, std::string_view example) {
    LibraryTask row{{name, "Fetches files and folders from the node to Loom's own host.",
                     {{source, Kind::paths, "What to fetch; a folder that ends in / means what it holds", "", true},
                      {destination, Kind::local, "The folder that receives NODE/NAME of each node; it is made", "", true}},
                     example}};
    row.info.notes = by_sftp;
    row.make = make_get_task;
    return row;
}

} // namespace

std::vector<LibraryTask> fabric_tasks() {
    const Parameter mode{"mode", Kind::mode, "Permissions of the files; without it each keeps its own"};
    auto sudo = shell_row("fabric.api.sudo", "Runs a shell line on the node as another user, through sudo.", "args: [systemctl restart nginx]",
                          [](const TaskInfo&, const TaskSpec& spec) { return make_shell_task(ShellPlace::sudo, spec); });
    sudo.info.parameters.push_back({"user", Kind::name, "Whom to become; else as the node's become says, else root"});
    return {
        shell_row("fabric.api.run", "Runs a shell line on the node; `command:` is short for it.", "args: [\"uptime\"]",
                  [](const TaskInfo&, const TaskSpec& spec) { return make_shell_task(ShellPlace::remote, spec); }),
        std::move(sudo),
        shell_row("fabric.api.local", "Runs a shell line on Loom's own host, once for each target.", "args: [\"make -C /srv/site\"]",
                  [](const TaskInfo&, const TaskSpec& spec) { return make_shell_task(ShellPlace::local, spec); }),
        put_row("fabric.api.put", "local_path", "remote_path",
                {{"use_sudo", Kind::flag, "Refused: SFTP works as the login user", "false"},
                 {"mirror_local_mode", Kind::flag, "Without effect: files keep their permissions anyway", "false"}, mode},
                "args: [/srv/config/nginx.conf, /etc/nginx/nginx.conf]"),
        get_row("fabric.api.get", "remote_path", "local_path", "args: [/var/log/nginx/, /var/backups/logs]"),
        put_row("loom.files.put", "source", "path", {mode}, "args: [/srv/config/nginx.conf, /etc/nginx/nginx.conf, 0644]"),
        get_row("loom.files.get", "path", "folder", "args: [/var/log/nginx/, /var/backups/logs]"),
    };
}

} // namespace loom
