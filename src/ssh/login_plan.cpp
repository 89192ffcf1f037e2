#include "ssh/login_plan.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {

Result<LoginPlan> plan_login(const Node& node, const SshOptions& options) {
    LoginPlan plan;
    plan.name = node.name;
    plan.host = node.address.empty() ? node.name : node.address;
    if (node.port != 0) plan.port = node.port;
    plan.user = node.user.empty() ? options.user : node.user;
    plan.password = node.password;
    plan.host_keys = options.host_keys;
    plan.identities_named = !node.identity.empty();
    if (plan.identities_named) plan.identity_files = {node.identity};
    else
        for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"})
            plan.identity_files.push_back(fmt::format("{}/.ssh/{}", options.home, name));
    if (!node.jump.empty() && node.jump != "none") {
        std::string_view rest = node.jump;
        while (!rest.empty()) {
            const auto one = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(rest.size(), one.size() + 1));
            LoginPlan jump = plan;
            jump.jumps.clear();
            jump.host = one;
            jump.port = 22;
            if (const auto at = jump.host.rfind('@'); at != jump.host.npos) {
                jump.user = jump.host.substr(0, at);
                jump.host = jump.host.substr(at + 1);
            }
            if (const auto colon = jump.host.rfind(':'); colon != jump.host.npos) {
                jump.port = static_cast<unsigned short>(std::stoi(jump.host.substr(colon + 1)));
                jump.host.resize(colon);
            }
            jump.name = jump.host;
            plan.jumps.push_back(std::move(jump));
        }
    }
    return plan;
}

} // namespace loom
