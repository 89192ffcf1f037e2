#pragma once
#include "ssh/auth.hpp"
#include "ssh/connector.hpp"
#include "ssh/gates.hpp"
#include "ssh/known_hosts_files.hpp"
#include "ssh/local_hashes.hpp"
#include "ssh/login_plan.hpp"
#include "ssh/resolver.hpp"
#include "ssh/ssh_config_files.hpp"

#include <functional>
#include <optional>

namespace loom {

/// What the files say that a login needs: the host's keys, and what to log in with.
struct LoginFiles {
    Result<HostRecord> record = Error{};
    Credentials credentials;
};

/// What all connections of one connector share. Any thread.
struct Landscape {
    explicit Landscape(SshOptions given);

    LoginFiles read(const LoginPlan& plan, FileLook& look);

    const SshOptions options;
    Resolver resolver;
    KnownHostsFiles known_hosts;
    SshConfigFiles ssh_config;
    IdentityFiles identities;
    Agents agents;
    const std::shared_ptr<LocalHashes> hashes;
    Gates gates; ///< unauthenticated handshakes for each address
};

/// One attempt to reach a node: its phases in order, each under its own deadline, and what went wrong where.
/// Lives on one strand, within the coroutine that runs it.
class Dial {
public:
    /// `outer` is the jump host's session, null for a direct connection; then `executor` is its strand.
    Dial(std::shared_ptr<Landscape> landscape, const Executor& executor, std::shared_ptr<const LoginPlan> plan, Timeouts timeout, StopToken stop,
         std::function<void(Phase)> entered, std::shared_ptr<Session> outer);

    /// What Landscape::read gave for the plan, where the caller has it already.
    void use(LoginFiles files) { files_ = std::move(files); }
    /// Called once the connection stands, or will not.
    void on_connected(std::function<void()> then) { connected_ = std::move(then); }

    /// An authenticated session, or null: see `unreached`.
    awaitable<std::shared_ptr<Session>> run();
    /// As far as the host key, which nobody has judged yet; no credential is looked at or sent.
    awaitable<std::optional<HostKey>> show_host_key();
    Unreached unreached() const { return unreached_; }
    /// What was tried to log in, a line each; empty where it did not come to that.
    const std::string& tried() const { return tried_; }

private:
    /// From the name to the end of the handshake.
    awaitable<bool> reach();
    // Each phase answers whether the next one may begin.
    awaitable<bool> read_files();
    awaitable<bool> resolve();
    awaitable<bool> connect();
    awaitable<bool> connect_directly();
    awaitable<bool> connect_through();
    awaitable<bool> handshake();
    awaitable<bool> check_host_key();
    awaitable<bool> authenticate();

    void enter(Phase phase);
    bool fail(Cause cause, std::string message, bool retry = false);
    bool connect_failed(error_code ec);
    HostNames names() const;
    std::string target() const;

    std::shared_ptr<Landscape> landscape_;
    Executor executor_;
    std::shared_ptr<const LoginPlan> plan_;
    Timeouts timeout_;
    StopToken stop_;
    std::function<void(Phase)> entered_;
    std::function<void()> connected_;
    std::shared_ptr<Session> outer_;
    Milliseconds connect_timeout_;
    std::shared_ptr<Session> session_;
    std::optional<LoginFiles> files_;
    HostRecord record_;
    Credentials credentials_;
    Resolver::Addresses addresses_;
    std::shared_ptr<Slots> gates_;
    Slots::Hold gate_; ///< held until the login is over
    Unreached unreached_;
    std::string tried_;
};

} // namespace loom
