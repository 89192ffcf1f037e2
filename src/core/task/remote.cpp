#include "core/task/remote.hpp"

namespace loom {

// A connector without files of its own has nothing to show.

awaitable<Result<std::vector<NodeSetting>>> Connector::describe(Node) { co_return std::vector<NodeSetting>{}; }

awaitable<Result<HostKeyReport>> Connector::trust(Node node, Timeouts, TrustWish) {
    co_return Error{Errc::unavailable, node.name + " is reached without host keys"};
}

} // namespace loom
