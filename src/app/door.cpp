#include "app/door.hpp"

#include "app/files/reader.hpp"
#include "app/files/text_file.hpp"
#include "app/http/client.hpp"
#include "app/http/peer.hpp"
#include "app/http/socket_file.hpp"
#include "app/http/tls.hpp"
#include "app/local_engine.hpp"
#include "app/store/file.hpp"
#include "app/store/sqlite_outbox.hpp"
#include "app/worker/plugin_check.hpp"
#include "core/async/block_on.hpp"
#include "core/base/counted.hpp"
#include "core/base/duration.hpp"
#include "core/base/limits.hpp"
#include "core/config/catalog_builder.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <openssl/ssl.h>
#include <spdlog/fmt/fmt.h>
#include <sys/resource.h>
#include <unistd.h>

namespace loom {
namespace {

std::optional<std::string> daemon_socket(const Settings& settings) {
    for (const auto& path : socket_paths(settings, current_surroundings()))
        if (answers(path)) return path;
    return std::nullopt;
}

/// As much of the settings as says where a daemon listens: by default, where loom.yaml itself cannot be read.
Result<Settings> settings_of(const std::string& config) {
    const auto around = current_surroundings();
    auto file = find_configuration(config, around);
    if (!file) return file.error();
    Settings settings;
    settings.file = std::move(*file);
    settings.state_dir = default_state_dir(settings.file, around);
    const auto text = read_text_file(settings.file, limits::config_file_bytes);
    if (!text) return settings;
    auto read = read_settings({settings.file, text->text}, around.home, settings.state_dir);
    return read ? std::move(*read) : settings;
}

Result<OpenService> open_here(Runtime& runtime, CatalogPtr catalog, Need need) {
    const auto mode = need == Need::write ? StoreMode::read_write : StoreMode::read_only;
    auto engine = open_local_engine(runtime, std::move(catalog), mode);
    if (!engine) return engine.error();
    if (need == Need::write) {
        // What a crash left behind is settled before anything new begins.
        const auto settled = block_on(runtime.io(), (*engine)->reconcile());
        if (!settled) return settled.error();
    }
    OpenService open;
    auto* running = engine->get();
    open.ending = std::shared_ptr<void>(
        nullptr, [&runtime, running](void*) { block_on(runtime.io(), running->end(StopReason::cancelled)); });
    open.service = std::move(*engine);
    return open;
}

Checkup check_library() {
    const auto version = "libssh2 " + ssh_library_version();
    if (ssh_library_is_current()) return {"ssh", true, version};
    return {"ssh", false, version + " is older than 1.11.1: no RSA keys, no servers with only etm or gcm; run scripts/setup"};
}

Checkup check_descriptors() {
    const auto budget = descriptor_budget();
    return {"descriptors", budget >= 256, fmt::format("{} connections at once", budget)};
}

/// The folder, or the nearest one above it that is there, can be written.
Checkup check_history(const std::string& state_dir) {
    namespace fs = std::filesystem;
    std::error_code ec;
    auto nearest = fs::path(state_dir);
    while (!fs::exists(fs::symlink_status(nearest, ec)) && nearest != nearest.parent_path()) nearest = nearest.parent_path();
    if (!fs::is_directory(nearest, ec)) return {"history", false, nearest.string() + " is not a folder"};
    if (::access(nearest.c_str(), W_OK | X_OK) != 0) return {"history", false, nearest.string() + " cannot be written"};
    const auto store = open_sqlite_store(state_dir, StoreMode::read_only);
    const auto looked = store ? (*store)->orphans() : store.error(); // any question opens the ledger
    if (looked && fs::is_directory(state_dir, ec))
        if (const auto written = try_writing(state_dir); !written) return {"history", false, written.error().message};
    return {"history", looked.has_value(), looked ? state_dir : looked.error().message};
}

Checkup check_daemon(Runtime& runtime, const Settings& settings) {
    if (const auto socket = daemon_socket(settings)) {
        const auto catalog = block_on(runtime.io(), create_http_service(socket_server(*socket))->catalog());
        if (!catalog) return {"daemon", false, catalog.error().message};
        auto text = "answers on " + *socket;
        if (!catalog->draining.empty()) text += "; draining, by " + catalog->draining + ": nothing new starts before `loom drain --undo`";
        return {"daemon", true, text};
    }
    if (!settings.socket_group.empty())
        if (const auto group = find_group(settings.socket_group); !group) return {"daemon", false, group.error().message};
    return {"daemon", true, "not running"};
}

/// When the certificate that the context shows ends.
Instant end_of_certificate(const TlsContext& context) {
    std::tm end{};
    const auto* shown = ::SSL_CTX_get0_certificate(context->native_handle());
    if (!shown || ::ASN1_TIME_to_tm(::X509_get0_notAfter(shown), &end) != 1) return {};
    return Instant(std::chrono::seconds(::timegm(&end)));
}

/// Whether the address's certificate and key can be used, as they are in their files now, and how long.
Checkup check_listen(const ListenAddress& address, Instant now) {
    const auto where = to_string(address);
    if (address.tls.certificate.empty())
        return {"listen", true, "http://" + where + (address.behind_proxy ? ", behind a proxy" : ", this host alone, without TLS")};
    const auto context = server_tls(address.tls);
    if (!context) return {"listen", false, fmt::format("https://{}: {}", where, context.error().message)};
    const auto end = end_of_certificate(*context);
    const auto left = short_duration(end > now ? end - now : now - end);
    return {"listen", end > now, fmt::format("https://{}, its certificate {} {} ({})", where, end > now ? "ends" : "ended", to_rfc3339(end),
                                             end > now ? "in " + left : left + " ago")};
}

Checkup check_hooks(const Catalog& catalog) {
    auto text = counted(catalog.hooks.size(), "hook");
    if (catalog.settings.http.listen.empty()) text += ", on the socket alone: there is no `listen`";
    return {"hooks", true, text};
}

Checkup check_notify(const Catalog& catalog) {
    const auto entries = read_outbox(catalog.settings.state_dir, limits::outbox_entries + limits::outbox_dead);
    if (!entries) return {"notify", false, entries.error().message};
    const auto dead = static_cast<std::size_t>(std::ranges::count(*entries, true, &OutboxEntry::dead));
    return {"notify", true, fmt::format("{}; {} waiting, {} given up", counted(catalog.notify.size(), "rule"), entries->size() - dead, dead)};
}

} // namespace

bool answers(const std::string& socket_path) {
    const auto address = socket_address(socket_path);
    if (!address) return false;
    asio::io_context context;
    UnixSocket socket(context);
    error_code ec;
    socket.connect(*address, ec);
    return !ec;
}

Result<OpenService> open_door(Runtime& runtime, const std::string& config, Need need) {
    const auto settings = settings_of(config);
    if (!settings) return settings.error();
    // A daemon has read everything else, whose programs and secrets cost time, and runs on while the files are broken.
    if (const auto path = daemon_socket(*settings)) {
        OpenService open;
        open.service = create_http_service(socket_server(*path));
        open.daemon = true;
        return open;
    }
    auto catalog = load_catalog(config, runtime.tasks);
    if (!catalog) return catalog.error();
    if (need == Need::daemon) {
        const auto& file = settings->file;
        return Error{Errc::unavailable, fmt::format("no daemon is running for {}; start one with `loom serve`",
                                                    file.empty() ? "this user (there is no configuration)" : file)};
    }
    return open_here(runtime, std::move(*catalog), need);
}

OpenService open_remote(ServerAddress server) {
    OpenService open;
    open.daemon = true;
    open.remote = server.remote();
    open.service = create_http_service(std::move(server));
    return open;
}

std::vector<Checkup> examine(Runtime& runtime, const std::string& config) {
    std::vector<Checkup> found = {check_library(), check_descriptors()};
    const auto catalog = load_catalog(config, runtime.tasks);
    if (!catalog) {
        found.push_back({"configuration", false, catalog.error().message});
        return found;
    }
    const auto& settings = (*catalog)->settings;
    std::size_t bad = 0;
    for (const auto& problem : (*catalog)->problems) bad += problem.kind == Problem::Kind::quarantined;
    found.push_back({"configuration", bad == 0,
                     settings.file.empty() ? "none: exec takes any host names"
                                           : fmt::format("{}: {}, {}, {} quarantined", settings.file, counted((*catalog)->nodes.size(), "node"),
                                                         counted((*catalog)->jobs.size(), "job"), bad)});
    found.push_back(check_history(settings.state_dir));
    found.push_back(check_daemon(runtime, settings));
    for (const auto& address : settings.http.listen) found.push_back(check_listen(address, runtime.clock.now()));
    if (!(*catalog)->hooks.empty()) found.push_back(check_hooks(**catalog));
    if (!(*catalog)->notify.empty()) found.push_back(check_notify(**catalog));
    for (auto& checkup : examine_plugins(runtime, **catalog)) found.push_back(std::move(checkup));
    return found;
}

} // namespace loom
