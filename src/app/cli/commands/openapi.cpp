#include "app/http/openapi.hpp"

#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"

namespace loom {

Action openapi_command(CLI::App&) {
    return [](CommandContext& context, const std::vector<std::string>&) {
        print_json_line(context, openapi_document());
        return 0;
    };
}

} // namespace loom
