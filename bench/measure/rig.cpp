#include "measure/rig.hpp"

#include "app/files/reader.hpp"
#include "app/local_engine.hpp"
#include "core/async/block_on.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

namespace loom::bench {
namespace {

namespace fs = std::filesystem;

std::string make_folder() {
    auto pattern = (fs::temp_directory_path() / "loom-bench-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) give_up("cannot make a folder for the ledger");
    return pattern;
}

void write_key(const std::string& path) {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "w"), &std::fclose);
    if (!key || !file || ::chmod(path.c_str(), 0600) != 0 ||
        PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
        give_up("cannot write a key");
}

/// The nodes are known, as a fleet's are: the host key is compared, not recorded.
void write_files(const std::string& folder, const FleetOptions& options) {
    write_key(folder + "/key");
    std::ofstream(folder + "/loom.yaml") << fmt::format(
        "nodesfile: {0}/nodes.yaml\njobspath: {0}/jobs\nstate_dir: {0}/state\n"
        "ssh: {{config: {0}/ssh_config, known_hosts: {0}/known_hosts, host_keys: strict}}\n",
        folder);
    std::ofstream(folder + "/ssh_config") << options.ssh_config;
    std::ofstream nodes(folder + "/nodes.yaml"), known(folder + "/known_hosts");
    for (std::size_t i = 0; i < options.count; ++i) {
        const auto address = node_address(i);
        nodes << fmt::format("n{:05}: {{ip: {}, port: {}, user: bench, identity: {}/key}}\n", i + 1, address, options.port, folder);
        known << fmt::format("[{}]:{} {}\n", address, options.port, options.host_key);
    }
    fs::create_directory(folder + "/jobs");
    std::ofstream(folder + "/jobs/bench.yaml") << fmt::format(
        "jobs:\n  bench:\n    command: \"{}\"\n    targets: \"n[00001-{:05}]\"\n    limits: {{parallel: {}}}\n{}", options.command, options.count,
        options.at_once, options.job);
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

void give_up(const std::string& why) {
    std::fprintf(stderr, "measure: %s\n", why.c_str());
    std::exit(1);
}

Rig::Rig(const FleetOptions& options) : folder_(make_folder()), runtime_(std::make_unique<Runtime>()) {
    descriptor_budget();
    write_files(folder_, options);
    auto read = [this] { return load_catalog(folder_ + "/loom.yaml", runtime_->tasks); };
    auto catalog = read();
    if (!catalog) give_up(catalog.error().message);
    for (const auto& problem : (*catalog)->problems)
        if (problem.kind == Problem::Kind::quarantined) give_up(problem.place + ": " + problem.message);
    std::function<Result<CatalogPtr>()> reload;
    if (options.keep) reload = read; // what a daemon has, and a command has not
    auto engine = open_local_engine(*runtime_, *catalog, StoreMode::read_write, reload);
    if (!engine) give_up(engine.error().message);
    engine_ = std::move(*engine);
    if (options.warm_up && not_ok(fire()) > 0) give_up("nodes failed before the measurement began");
}

Rig::~Rig() {
    block_on(make_strand(runtime_->io()), engine_->drain(StopReason::cancelled));
    engine_.reset();
    runtime_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

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
    auto ended = block_on(make_strand(runtime_->io()), run());
    if (!ended) give_up(ended.error().message);
    return *ended;
}

std::vector<NodeResultView> Rig::results(const std::string& run) {
    const RunRef ref{run};
    auto list = block_on(make_strand(runtime_->io()), engine_->results(ref));
    if (!list) give_up(list.error().message);
    return std::move(list->items);
}

} // namespace loom::bench
