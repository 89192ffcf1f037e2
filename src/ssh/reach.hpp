#pragma once
#include "ssh/bastions.hpp"
#include "ssh/pool.hpp"

namespace loom {

/// What a connector and its Remotes share: a Remote may outlive the connector.
struct Reach {
    explicit Reach(SshOptions options);

    std::shared_ptr<Landscape> landscape;
    Bastions bastions;
    Pool pool;
};

/// The way to one node: directly, or through its jump hosts. Any strand.
class Way {
public:
    Way(std::shared_ptr<Reach> reach, Timeouts timeout, StopToken stop)
        : reach_(std::move(reach)), timeout_(timeout), stop_(std::move(stop)) {}

    /// A session: kept from an earlier task, or new. Null: see `unreached`. `entered` is called on the caller's strand.
    awaitable<std::unique_ptr<LiveSession>> session(Node node, std::function<void(Phase)> entered);

    /// The key that the node shows; nothing: see `unreached`.
    awaitable<std::optional<HostKey>> host_key(std::shared_ptr<const LoginPlan> plan);

    const Unreached& unreached() const { return unreached_; }
    /// Dial::tried of a new session.
    const std::string& tried() const { return tried_; }

private:
    using Use = std::function<awaitable<void>(Dial&)>;
    awaitable<bool> is_alive(LiveSession& live);
    awaitable<bool> dial(std::shared_ptr<const LoginPlan> plan, LiveSession& live, std::function<void(Phase)> entered, Use use);

    std::shared_ptr<Reach> reach_;
    Timeouts timeout_;
    StopToken stop_;
    Unreached unreached_;
    std::string tried_;
};

} // namespace loom
