#include "measure/rig.hpp"

#include "app/files/reader.hpp"
#include "app/local_engine.hpp"
#include "core/async/block_on.hpp"

#include <cstdio>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <spdlog/fmt/fmt.h>
#include <stdexcept>
#include <sys/stat.h>

namespace loom::bench {
namespace {

void write_key(const std::string& path) {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), &std::fclose);
    if (!key || !file || ::chmod(path.c_str(), 0600) != 0 ||
        PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        give_up("cannot write a key");
}

/// The nodes are known, as a fleet's are: the host key is compared, not recorded.
void write_files(const Folder& folder, const FleetOptions& options) {
    const auto& path = folder.path();
    write_key(path + "/key");
    folder.write("loom.yaml", fmt::format("nodesfile: {0}/nodes.yaml\njobspath: {0}/bench.yaml\nstate_dir: {0}/state\n"
                                          "ssh: {{config: {0}/ssh_config, known_hosts: {0}/known_hosts, host_keys: strict}}\n",
                                          path));
    folder.write("ssh_config", options.ssh_config);
    std::string nodes, known;
    for (std::size_t i = 0; i < options.count; ++i) {
        const auto address = node_address(i);
        nodes += fmt::format("n{:05}: {{ip: {}, port: {}, user: bench, identity: {}/key}}\n", i + 1, address, options.port, path);
        known += fmt::format("[{}]:{} {}\n", address, options.port, options.host_key);
    }
    folder.write("nodes.yaml", nodes);
    folder.write("known_hosts", known);
    folder.write("bench.yaml", fmt::format("jobs:\n  bench:\n    command: \"{}\"\n    targets: \"n[00001-{:05}]\"\n"
                                           "    limits: {{parallel: {}}}\n{}",
                                           options.command, options.count, options.at_once, options.job));
}

} // namespace

std::string node_address(std::size_t index) {
    const auto number = index + 1;
    return fmt::format("127.{}.{}.{}", 8 + (number >> 16), number >> 8 & 255, number & 255);
}

std::size_t not_ok(const RunView& run) {
    std::size_t others = 0;
    for (const auto& [state, count] : run.counts) others += state == "ok" ? 0 : count;
    return others;
}

void give_up(const std::string& why) { throw std::runtime_error(why); }

CatalogPtr load_sound(const std::string& file, const TaskRegistry& tasks) {
    auto catalog = load_catalog(file, tasks);
    if (!catalog) give_up(catalog.error().message);
    for (const auto& problem : (*catalog)->problems)
        if (problem.kind == Problem::Kind::quarantined) give_up(problem.place + ": " + problem.message);
    return std::move(*catalog);
}

Rig::Rig(const FleetOptions& options) : runtime_(std::make_unique<Runtime>()) {
    write_files(folder_, options);
    const auto file = folder_.path() + "/loom.yaml";
    std::function<Result<CatalogPtr>()> reload; // what a daemon has, and a command has not
    if (options.keep) reload = [this, file] { return load_catalog(file, runtime_->tasks); };
    auto engine = open_local_engine(*runtime_, load_sound(file, runtime_->tasks), StoreMode::read_write, reload);
    if (!engine) give_up(engine.error().message);
    engine_ = std::move(*engine);
}

Rig::~Rig() { block_on(runtime_->io(), engine_->end(StopReason::cancelled)); }

RunView Rig::fire(const Seen& seen) {
    StartJob request;
    request.job = "bench";
    auto run = [&]() -> awaitable<Result<RunView>> {
        const auto started = co_await engine_->start_job(Caller("bench"), request);
        if (!started) co_return started.error();
        const RunRef ref{started->id};
        auto stream = co_await engine_->watch(ref);
        if (!stream) co_return stream.error();
        for (;;) {
            const auto event = co_await (*stream)->next();
            if (!event) break;
            if (seen) seen(*event);
        }
        co_return co_await engine_->run(ref);
    };
    auto ended = block_on(runtime_->io(), run());
    if (!ended) give_up(ended.error().message);
    return *ended;
}

std::vector<NodeResultView> Rig::results(const std::string& run) {
    const RunRef ref{run};
    auto list = block_on(runtime_->io(), engine_->results(ref));
    if (!list) give_up(list.error().message);
    return std::move(list->items);
}

} // namespace loom::bench
