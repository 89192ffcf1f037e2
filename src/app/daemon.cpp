#include "app/daemon.hpp"

#include "app/files/reader.hpp"
#include "app/files/watcher.hpp"
#include "app/http/server.hpp"
#include "app/local_engine.hpp"
#include "app/log.hpp"
#include "app/outlets.hpp"
#include "app/restart.hpp"
#include "app/store/locks.hpp"
#include "app/upkeep.hpp"
#include "core/async/block_on.hpp"
#include "core/async/offload.hpp"
#include "core/async/scope.hpp"
#include "core/base/counted.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

int fail(const Error& error) {
    std::fprintf(stderr, "loom: %s\n", error.message.c_str());
    return static_cast<int>(error.code);
}

/// Lives from the first signal handler to the last joined coroutine.
class Daemon {
public:
    Daemon(Runtime& runtime, Engine& engine, HttpServer& server, Outlets& outlets, std::string config)
        : runtime_(runtime), engine_(engine), server_(server), outlets_(outlets), config_(std::move(config)),
          state_dir_(engine.current_catalog()->settings.state_dir), strand_(make_strand(runtime.io())),
          watcher_(runtime.blocking(), watch_list(*engine.current_catalog())), bell_(strand_),
          children_(strand_) {}

    /// On the daemon's strand.
    awaitable<void> run();
    const Executor& strand() const { return strand_; }

private:
    void end(int number);
    awaitable<void> signals();
    awaitable<void> reload(std::string why);

    Runtime& runtime_;
    Engine& engine_;
    HttpServer& server_;
    Outlets& outlets_;
    std::string config_;
    std::string state_dir_; ///< a reload changes no part of it
    Executor strand_;
    Watcher watcher_;
    Bell bell_;
    Scope children_;
    StopToken stop_;  ///< begin nothing new
    StopToken hurry_; ///< end what runs now
    StopToken ended_; ///< nothing runs any more
};

awaitable<void> Daemon::reload(std::string why) {
    Caller caller(std::move(why));
    const auto taken = co_await engine_.reload(std::move(caller));
    if (taken) watcher_.watch(watch_list(*engine_.current_catalog()));
}

/// The first of the two that end the daemon lets runs end by themselves for a while, the next one does not.
void Daemon::end(int number) {
    if (stop_.requested()) {
        logs::daemon.info({}, "signal {}: what runs is ended now", number);
        hurry_.request(StopReason::shutdown);
        return;
    }
    const auto drain = engine_.current_catalog()->settings.drain;
    if (drain.count() > 0)
        logs::daemon.info({}, "signal {}: nothing new begins, what runs has {} to end; another signal ends it at once", number, short_duration(drain));
    else logs::daemon.info({}, "signal {}: ending what runs", number);
    failpoint("stop.asked");
    stop_.request(StopReason::shutdown);
}

awaitable<void> Daemon::signals() {
    asio::signal_set signals(strand_, SIGTERM, SIGINT, SIGHUP);
    auto leave = [&signals](StopReason) { signals.cancel(); };
    const auto registration = ended_.on_stop(strand_, std::move(leave));
    while (!ended_.requested()) {
        auto [ec, number] = co_await signals.async_wait(tup);
        if (ec) break;
        if (number != SIGHUP) end(number);
        else if (!stop_.requested()) co_await reload("signal HUP");
    }
}

awaitable<void> Daemon::run() {
    engine_.when_reloaded([this] {
        outlets_.look();
        return server_.read_certificates();
    });
    auto changed = [this] {
        children_.spawn([this]() -> awaitable<void> { co_await reload("changed files"); });
    };
    co_await watcher_.arm();
    children_.spawn([this, changed]() -> awaitable<void> { co_await watcher_.run(changed, stop_); });
    children_.spawn([this]() -> awaitable<void> { co_await signals(); });
    children_.spawn([this]() -> awaitable<void> { co_await keep_within_limits(runtime_.blocking(), state_dir_, engine_, stop_); });
    children_.spawn([this]() -> awaitable<void> { co_await outlets_.run(ended_); });
    co_await engine_.serve(stop_);
    failpoint("stop.served");
    const auto drain = engine_.current_catalog()->settings.drain;
    co_await engine_.settle(drain, hurry_);
    co_await engine_.end(StopReason::shutdown);
    failpoint("stop.drained");
    co_await server_.close();
    ended_.request(StopReason::shutdown);
    co_await children_.join();
}

} // namespace

int serve(Runtime& runtime, const std::string& config) {
    auto read = [&runtime, config] { return load_catalog(config, runtime.tasks); };
    auto catalog = read();
    if (!catalog) return fail(catalog.error());
    const auto& settings = (*catalog)->settings;
    if (settings.file.empty()) return fail({Errc::config, "serve needs a configuration: -c FILE, or ~/.loom/loom.yaml"});
    auto read_again = [read, started = settings]() -> Result<CatalogPtr> {
        auto fresh = read();
        return fresh ? Result<CatalogPtr>(with_restart_warnings(started, std::move(*fresh))) : fresh;
    };
    auto engine = open_local_engine(runtime, *catalog, StoreMode::read_write, std::move(read_again));
    if (!engine) return fail(engine.error());
    const auto lock = FileLock::try_take(settings.state_dir + "/daemon.lock");
    if (!lock) return fail({Errc::conflict, "another daemon serves with the state in " + settings.state_dir + " already"});
    failpoint("daemon.locked");
    const DaemonLog log(settings.log);
    for (const auto& problem : (*catalog)->problems) logs::config.warn({.job = problem.job}, "{}: {}", problem.place, problem.message);
    const auto outlets = Outlets::open(runtime, **engine, settings.state_dir);
    if (!outlets) return fail(outlets.error());
    const auto settled = block_on(runtime.io(), (*engine)->reconcile());
    if (!settled) return fail(settled.error());
    failpoint("daemon.reconciled");

    const auto path = socket_path(settings);
    error_code ignored; // a folder that cannot be made shows itself when the socket cannot
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    auto server = HttpServer::create({runtime.strands(), runtime.blocking(), **engine, path, settings.socket_group, settings.http,
                                      [&engine](std::string token) { return (*engine)->find_token(std::move(token)); }, (*outlets)->routes(),
                                      [&engine] { return (*engine)->unready(); }});
    if (!server) return fail(server.error());
    const auto places = fmt::format("{}{}{}", path, settings.http.listen.empty() ? "" : ", ", fmt::join((*server)->addresses(), ", "));
    logs::daemon.info({}, "serving {} on {}: {}, {}", settings.file, places, counted((*catalog)->nodes.size(), "node"),
                 counted((*catalog)->jobs.size(), "job"));
    Daemon daemon(runtime, **engine, **server, **outlets, config);
    block_on(daemon.strand(), daemon.run());
    logs::daemon.info({}, "ended");
    return 0;
}

} // namespace loom
