#include "ssh/dial.hpp"

#include "core/async/deadline.hpp"
#include "core/async/offload.hpp"
#include "core/base/limits.hpp"
#include "ssh/exec.hpp"
#include "ssh/trust.hpp"
#include "ssh/tunnel.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

SshConfigPaths ssh_config_paths(const SshOptions& options) {
    SshConfigPaths paths;
    paths.user = options.user_config;
    paths.system = options.system_config;
    paths.user_required = options.user_config_required;
    paths.home = options.home;
    return paths;
}

bool has_key(const Identity& identity) { return identity.key != nullptr; }

} // namespace

Landscape::Landscape(SshOptions given)
    : options(std::move(given)), resolver(options.blocking), known_hosts(options.own_known_hosts),
      ssh_config(ssh_config_paths(options)), hashes(std::make_shared<LocalHashes>(options.blocking)),
      gates(limits::handshakes_per_address) {}

LoginFiles Landscape::read(const LoginPlan& plan, FileLook& look) {
    LoginFiles files;
    files.record = known_hosts.find(host_names(plan), plan.known_hosts, look);
    auto& credentials = files.credentials;
    credentials.user = plan.user;
    credentials.password = plan.password;
    credentials.identities_named = plan.identities_named;
    credentials.identities_only = plan.identities_only;
    credentials.agent = agents.at(plan.agent_socket);
    for (const auto& file : plan.certificate_files) {
        auto certificate = identities.read_certificate(file, look);
        if (certificate) credentials.certificates.push_back(std::move(*certificate));
        else credentials.left_out.push_back(certificate.error().message);
    }
    // A default key that is not there or cannot be used does not stop the others.
    for (const auto& file : plan.identity_files) {
        auto identity = identities.read(file, plan.passphrase, look);
        if (identity) credentials.identities.push_back(std::move(*identity));
        else if (identity.error().code != Errc::not_found || plan.identities_named)
            credentials.left_out.push_back(identity.error().message);
    }
    return files;
}

Dial::Dial(std::shared_ptr<Landscape> landscape, const Executor& executor, std::shared_ptr<const LoginPlan> plan, Timeouts timeout, StopToken stop,
           std::function<void(Phase)> entered, std::shared_ptr<Session> outer)
    : landscape_(std::move(landscape)), executor_(executor), plan_(std::move(plan)), timeout_(timeout),
      stop_(std::move(stop)), entered_(std::move(entered)), outer_(std::move(outer)),
      connect_timeout_(connect_timeout(*plan_, timeout_)),
      session_(std::make_shared<Session>(executor)) {}

awaitable<std::shared_ptr<Session>> Dial::run() {
    auto kill = [this](StopReason) { session_->kill(); };
    const auto registration = stop_.on_stop(executor_, std::move(kill));
    bool going = !stop_.requested();
    if (going) going = co_await read_files();
    if (going) going = co_await reach();
    if (going) going = co_await check_host_key();
    if (going) going = co_await authenticate();
    gate_ = {};
    if (going && !stop_.requested()) co_return session_;
    session_->kill();
    if (stop_.requested()) {
        unreached_.state = stopped_state(stop_.reason());
        unreached_.cause = Cause::none;
        unreached_.message.clear();
        unreached_.retry = false;
    }
    co_return nullptr;
}

awaitable<bool> Dial::reach() {
    bool going = co_await resolve();
    if (going) {
        gates_ = landscape_->gates.at(target());
        gate_ = co_await gates_->acquire(stop_); // ended by the others' deadlines, or the stop
        going = static_cast<bool>(gate_);
    }
    if (going) going = co_await connect();
    if (connected_) connected_();
    if (going) going = co_await handshake();
    co_return going;
}

awaitable<std::optional<HostKey>> Dial::show_host_key() {
    auto kill = [this](StopReason) { session_->kill(); };
    const auto registration = stop_.on_stop(executor_, std::move(kill));
    std::optional<HostKey> key;
    auto find = [landscape = landscape_, hosts = names(), files = plan_->known_hosts] {
        return landscape->known_hosts.find(hosts, files);
    };
    auto record = co_await offload(landscape_->options.blocking, std::move(find));
    unreached_.phase = Phase::host_key;
    bool going = record.has_value();
    if (going) {
        record_ = std::move(*record);
        going = co_await reach();
    } else {
        fail(Cause::host_key, record.error().message);
    }
    if (going) key = session_->host_key();
    gate_ = {};
    session_->kill();
    co_return key;
}

awaitable<bool> Dial::read_files() {
    if (!files_) {
        // By value: the pool may still be at it when this frame is gone.
        auto read = [landscape = landscape_, plan = plan_] {
            auto disk = FileLook::disk();
            return landscape->read(*plan, disk);
        };
        files_ = co_await offload(landscape_->options.blocking, std::move(read));
    }
    auto found = std::move(*files_);
    credentials_ = std::move(found.credentials);
    unreached_.phase = Phase::host_key;
    if (!found.record) co_return fail(Cause::host_key, found.record.error().message);
    record_ = std::move(*found.record);
    unreached_.phase = Phase::auth;
    const bool by_key = credentials_.agent || std::ranges::any_of(credentials_.identities, has_key);
    if (by_key || !credentials_.password.empty()) co_return true;
    auto reason = fmt::format("there is neither a key nor a password to log in to {} with", plan_->name);
    for (const auto& left_out : credentials_.left_out) reason += "; " + left_out;
    for (const auto& identity : credentials_.identities) reason += "; " + identity.fault.message;
    co_return fail(Cause::auth, std::move(reason));
}

awaitable<bool> Dial::resolve() {
    if (outer_) co_return true; // the jump host looks the name up
    enter(Phase::resolve);
    auto addresses = co_await landscape_->resolver.resolve(plan_->host, timeout_.resolve, stop_);
    if (!addresses) co_return fail(Cause::name, addresses.error().message, true);
    addresses_ = std::move(*addresses);
    co_return true;
}

awaitable<bool> Dial::connect() {
    enter(Phase::connect);
    if (outer_) co_return co_await connect_through();
    co_return co_await connect_directly();
}

awaitable<bool> Dial::connect_directly() {
    const Deadline deadline(executor_, connect_timeout_, [this] { session_->kill(); });
    error_code ec;
    for (const auto& address : addresses_) {
        const asio::ip::tcp::endpoint target(address, plan_->port);
        ec = co_await session_->connect(target);
        if (!ec) co_return true;
        if (session_->killed()) break;
    }
    if (deadline.fired())
        co_return fail(Cause::connect_timeout,
                       fmt::format("no connection to {} within {}", session_->peer(), short_duration(connect_timeout_)), true);
    co_return connect_failed(ec);
}

awaitable<bool> Dial::connect_through() {
    auto tunnel = co_await open_tunnel(outer_, plan_->host, plan_->port, connect_timeout_, stop_);
    if (tunnel.transport) {
        const auto ec = session_->use(std::move(tunnel.transport), target());
        co_return ec ? connect_failed(ec) : true;
    }
    if (tunnel.timed_out)
        co_return fail(Cause::connect_timeout,
                       fmt::format("no connection to {} within {}", target(), short_duration(connect_timeout_)), true);
    if (!outer_->alive())
        co_return fail(Cause::no_route, fmt::format("the connection to jump host {} ended", outer_->peer()), true);
    // sshd says "connect failed" whatever the reason was; only a prohibition is its own.
    const bool refused = tunnel.message.find("prohibited") == tunnel.message.npos;
    co_return fail(refused ? Cause::refused : Cause::no_route, fmt::format("{}: {}", target(), tunnel.message), refused);
}

bool Dial::connect_failed(error_code ec) {
    const auto& peer = session_->peer();
    if (ec == asio::error::connection_refused) return fail(Cause::refused, "connection refused by " + peer, true);
    if (ec == asio::error::connection_reset || ec == asio::error::connection_aborted)
        return fail(Cause::refused, "connection reset by " + peer, true);
    if (ec == asio::error::timed_out) return fail(Cause::connect_timeout, "no connection to " + peer, true);
    // Short of descriptors or memory on this side: nothing is known about the node.
    if (ec == asio::error::no_descriptors || ec == asio::error::no_memory || ec == asio::error::no_buffer_space)
        return fail(Cause::none, fmt::format("cannot open a connection to {}: {}", peer, ec.message()), true);
    return fail(Cause::no_route, fmt::format("cannot reach {}: {}", peer, ec.message()));
}

awaitable<bool> Dial::handshake() {
    enter(Phase::handshake);
    const auto& peer = session_->peer();
    const Deadline deadline(executor_, timeout_.handshake, [this] { session_->kill(); });
    const long code = co_await session_->handshake(record_.key_types());
    if (code == 0) co_return true;
    if (deadline.fired())
        co_return fail(Cause::handshake,
                       fmt::format("no SSH handshake with {} within {}", peer, short_duration(timeout_.handshake)));
    // sshd drops connections at random when many are unauthenticated (MaxStartups): worth another try.
    if (session_->ended_by_peer())
        co_return fail(Cause::handshake, fmt::format("{} closed the connection during the handshake", peer), true);
    co_return fail(Cause::handshake, fmt::format("SSH handshake with {} failed: {}", peer, session_->last_error()));
}

awaitable<bool> Dial::check_host_key() {
    enter(Phase::host_key);
    const auto key = session_->host_key();
    auto check = judge(record_, key);
    if (check.verdict == HostVerdict::unknown && plan_->host_keys == HostKeys::accept_new) {
        auto accept = [landscape = landscape_, hosts = names(), key, files = plan_->known_hosts] {
            return landscape->known_hosts.accept(hosts, key, files);
        };
        const auto accepted = co_await offload(landscape_->options.blocking, std::move(accept));
        if (!accepted) co_return fail(Cause::host_key, accepted.error().message);
        check = *accepted;
    }
    switch (check.verdict) {
    case HostVerdict::known: co_return true;
    case HostVerdict::changed:
        co_return fail(Cause::host_key, fmt::format("host key of {} changed ({}); nothing was sent", plan_->name, check.place));
    case HostVerdict::revoked:
        co_return fail(Cause::host_key, fmt::format("host key of {} is revoked ({}); nothing was sent", plan_->name, check.place));
    case HostVerdict::authority: co_return fail(Cause::host_key, only_an_authority(plan_->name, check.place));
    case HostVerdict::unknown: break;
    }
    co_return fail(Cause::host_key, fmt::format("host key of {} is not in known_hosts, and unknown keys are not accepted "
                                                "(host_keys: strict); nothing was sent",
                                                plan_->name));
}

awaitable<bool> Dial::authenticate() {
    enter(Phase::auth);
    const auto& peer = session_->peer();
    const auto stop = stop_.child();
    auto expire = [this, stop] {
        session_->kill();
        stop.request(StopReason::timed_out);
    };
    const Deadline deadline(executor_, timeout_.auth, std::move(expire));
    const auto result = co_await log_in(session_, std::move(credentials_), stop);
    tried_ = result.tried;
    if (result.kind == LoginResult::Kind::done) co_return true;
    if (deadline.fired())
        co_return fail(Cause::auth, fmt::format("no login to {} within {}", peer, short_duration(timeout_.auth)));
    if (result.kind == LoginResult::Kind::dropped)
        co_return fail(Cause::handshake, fmt::format("{} closed the connection before authentication", peer), true);
    co_return fail(Cause::auth, fmt::format("{}: {}", peer, result.message));
}

void Dial::enter(Phase phase) {
    unreached_.phase = phase;
    if (entered_) entered_(phase);
}

bool Dial::fail(Cause cause, std::string message, bool retry) {
    unreached_.cause = cause;
    unreached_.message = std::move(message);
    unreached_.retry = retry;
    return false;
}

/// `10.0.0.7:22`, or `db3:22 through 10.0.0.1:22`.
std::string Dial::target() const {
    if (outer_) return fmt::format("{}:{} through {}", plan_->host, plan_->port, outer_->peer());
    return endpoint_text(asio::ip::tcp::endpoint(addresses_.front(), plan_->port));
}

HostNames Dial::names() const { return host_names(*plan_); }

} // namespace loom
