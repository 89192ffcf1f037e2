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
    return plan;
}

} // namespace loom
