#include "app/local_engine.hpp"

#include "app/files/job_log.hpp"
#include "app/files/places.hpp"
#include "app/files/text_file.hpp"
#include "app/messaging.hpp"
#include "app/process/local_shell.hpp"
#include "app/store/change_log.hpp"
#include "app/store/token_store.hpp"
#include "app/worker/worker_pool.hpp"
#include "core/base/limits.hpp"
#include "ssh/connector.hpp"
#include "ssh/local_files.hpp"

#include <fstream>
#include <pwd.h>
#include <unistd.h>

namespace loom {
namespace {

std::string own_user() {
    const auto* entry = ::getpwuid(::geteuid());
    return entry ? entry->pw_name : "root";
}

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

std::map<std::string, std::string> environment() {
    std::map<std::string, std::string> variables;
    for (char** at = environ; at && *at; ++at) {
        const std::string entry(*at);
        const auto equals = entry.find('=');
        if (equals != std::string::npos) variables.emplace(entry.substr(0, equals), entry.substr(equals + 1));
    }
    return variables;
}

std::string kernel_boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
}

/// Idle sessions may take half of the descriptors; the runs have the other half.
std::size_t kept_sessions() { return std::min(limits::kept_sessions, descriptor_budget() / 2); }

SshOptions ssh_options(Runtime& runtime, const Settings& settings, bool serving) {
    SshOptions options;
    options.strands = runtime.strands();
    options.blocking = runtime.blocking();
    options.known_hosts = settings.known_hosts;
    options.own_known_hosts = settings.state_dir + "/known_hosts";
    options.host_keys = settings.host_keys;
    options.home = current_surroundings().home;
    options.user = own_user();
    // A command's process ends with its run: keeping sessions would only delay it.
    if (serving) options.pool_idle = settings.keep_sessions;
    options.pool_sessions = kept_sessions();
    options.local_host = host_name();
    options.environment = environment();
    const auto paths = ssh_config_places(settings, options.home);
    options.user_config = paths.user;
    options.system_config = paths.system;
    options.user_config_required = paths.user_required;
    return options;
}

/// A text that a task puts on nodes travels within a script: more is a file to bring.
constexpr std::size_t task_text_bytes = 1u << 20;

Result<std::string> read_task_text(const std::string& path, const std::string& home) {
    auto file = read_text_file(expand_home(path, home), task_text_bytes);
    if (!file) return file.error();
    return std::move(file->text);
}

/// What the engine stands on, destroyed after it.
struct Ground {
    std::unique_ptr<RunStore> store;
    std::unique_ptr<TokenStore> tokens;
    std::unique_ptr<Connector> connector;
    std::unique_ptr<LocalShell> local;
    std::unique_ptr<WorkerPool> workers;
    std::unique_ptr<JobLog> job_log;
    std::unique_ptr<Messaging> messaging;
    const Engine* engine = nullptr; ///< that stands on it: whoever dials asks it for the catalog in force

    std::shared_ptr<const Node> find_node(const std::string& name) const {
        const auto catalog = engine->current_catalog();
        return {catalog, catalog->find_node(name)};
    }
};

} // namespace

WorkerPoolOptions worker_pool_options(Runtime& runtime, const Settings& settings) {
    WorkerPoolOptions options;
    options.strands = runtime.strands();
    options.blocking = runtime.blocking();
    options.state_dir = settings.state_dir;
    options.min_workers = static_cast<std::size_t>(settings.min_workers);
    options.max_workers = static_cast<std::size_t>(std::max(1, settings.max_workers));
    return options;
}

Result<std::unique_ptr<Engine>> open_local_engine(Runtime& runtime, CatalogPtr catalog, StoreMode mode,
                                                  std::function<Result<CatalogPtr>()> read_catalog) {
    const auto& settings = catalog->settings;
    auto store = open_sqlite_store(settings.state_dir, mode);
    if (!store) return store.error();
    const auto ground = std::make_shared<Ground>();
    ground->store = std::move(*store);
    ground->tokens = open_token_store(settings.state_dir, mode);
    auto ssh = ssh_options(runtime, settings, read_catalog != nullptr);
    ssh.find_node = [from = ground.get()](const std::string& name) { return from->find_node(name); };
    ground->connector = create_ssh_connector(std::move(ssh));
    ground->local = create_local_shell(runtime.io(), static_cast<std::size_t>(std::max(1, settings.max_workers)));
    ground->workers = create_worker_pool(worker_pool_options(runtime, settings));
    ground->job_log = create_job_log(runtime.blocking());
    ground->messaging = create_messaging(runtime.blocking());

    EngineParts parts;
    parts.strands = runtime.strands();
    parts.store_executor = runtime.store();
    parts.blocking_executor = runtime.blocking();
    parts.store = ground->store.get();
    parts.tokens = ground->tokens.get();
    if (read_catalog) parts.changes = open_change_log(settings.state_dir);
    parts.connector = ground->connector.get();
    parts.local = ground->local.get();
    parts.read_file = [home = current_surroundings().home](const std::string& path) { return read_task_text(path, home); };
    parts.plugins = ground->workers.get();
    parts.job_log = ground->job_log.get();
    parts.messaging = ground->messaging.get();
    parts.tasks = &runtime.tasks;
    parts.clock = &runtime.clock;
    parts.descriptors = descriptor_budget() - (read_catalog ? kept_sessions() : 0); // a command keeps none
    parts.boot_id = kernel_boot_id();
    parts.read_catalog = std::move(read_catalog);
    parts.owned = ground;
    auto engine = create_engine(std::move(parts), std::move(catalog));
    ground->engine = engine.get();
    return engine;
}

} // namespace loom
