#include "app/cli/command_table.hpp"
#include "app/cli/completion/scripts.hpp"

#include <ostream>

namespace loom {

Action completion_command(CLI::App& app) {
    const auto script = std::make_shared<std::string_view>();
    const auto add = [&](const char* shell, const char* how, std::string_view text) {
        auto* below = app.add_subcommand(shell, how);
        below->callback([script, text] { *script = text; });
    };
    add("bash", "For ~/.bashrc: eval \"$(loom completion bash)\"", completion_script_bash);
    add("zsh", "For ~/.zshrc, after compinit: eval \"$(loom completion zsh)\"", completion_script_zsh);
    add("fish", "For ~/.config/fish/config.fish: loom completion fish | source", completion_script_fish);
    app.require_subcommand(1);
    return [script](CommandContext& context, const std::vector<std::string>&) {
        context.streams.out << *script << std::flush;
        return 0;
    };
}

} // namespace loom
