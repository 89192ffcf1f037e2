#include "app/cli/command_table.hpp"

namespace loom {

Action serve_command(CLI::App&) {
    return [](CommandContext& context, const std::vector<std::string>&) { return context.serve(context.config); };
}

} // namespace loom
