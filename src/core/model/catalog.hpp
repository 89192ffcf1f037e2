#pragma once
#include "core/model/hook.hpp"
#include "core/model/inventory_source.hpp"
#include "core/model/job.hpp"
#include "core/model/listen.hpp"
#include "core/model/log_settings.hpp"
#include "core/model/node.hpp"
#include "core/model/nodeset.hpp"
#include "core/model/notify.hpp"
#include "core/model/plugin.hpp"

#include <memory>
#include <string>
#include <vector>

namespace loom {

enum class HostKeys : std::uint8_t { accept_new, strict };

/// loom.yaml, read and with its paths made absolute.
struct Settings {
    std::string file; ///< loom.yaml's real path; empty without a configuration
    std::string nodes_file;
    std::vector<InventorySource> inventory;
    std::string jobs_path;
    std::string data_file;
    int min_workers = 0, max_workers = 10;
    Plugins plugins; ///< in the order in which they are asked for a task
    std::string state_dir;
    std::string socket_group;
    HttpSettings http;
    std::size_t starts_per_second = 0; ///< of all runs together; 0: no limit
    HostKeys host_keys = HostKeys::accept_new;
    Milliseconds keep_sessions = std::chrono::minutes(2); ///< how long the daemon keeps an idle SSH session
    std::optional<std::vector<std::string>> known_hosts; ///< read, never written; none: as ssh_config says
    std::string ssh_config; ///< read in place of the user's and the system's; `none`: no file; empty: not said
    Retention retention;
    LogSettings log;
    Milliseconds drain = std::chrono::seconds(30); ///< what runs may take to end once the daemon is told to
    std::map<std::string, std::string> groups; ///< name → NodeSet expression
    std::map<std::string, CalendarPtr> calendars;
};

/// Something wrong with the configuration that did not stop the rest, with its place: `jobs/web.yaml:12:5`.
struct Problem {
    enum class Kind : std::uint8_t { warning, quarantined, unavailable };
    Kind kind = Kind::warning;
    std::string job; ///< empty: not about one job
    std::string place;
    std::string message;
};

/// Everything that was configured, immutable and shared: a run keeps the catalog it began with.
struct Catalog {
    std::string digest; ///< of the texts it was read from
    Settings settings;
    ZonePtr zone = utc_zone(); ///< of whatever names none: the host's
    std::vector<Node> nodes; ///< in natural order of their names
    std::vector<Job> jobs;   ///< sorted by name; live ones only
    std::vector<Hook> hooks; ///< sorted by name
    std::vector<NotifyRule> notify; ///< sorted by name
    std::vector<Problem> problems;
    std::vector<std::string> scripts; ///< the files that jobs' scripts are in, or would be
    /// Job → the jobs that follow it, by `after`.
    std::map<std::string, std::vector<std::string>, std::less<>> followers;

    const Node* find_node(std::string_view name) const;
    const Job* find_job(std::string_view name) const;
    const Hook* find_hook(std::string_view name) const;
    std::vector<std::string> node_names() const;
    std::vector<std::string> job_names() const;
    /// Those of loom.yaml and of the nodes, sorted.
    std::vector<std::string> group_names() const;
    std::vector<std::string> followers_of(std::string_view job) const;
    /// Expands a target expression against this catalog's nodes, groups and labels; every name must be a node.
    /// `failed` answers `@failed:RUN`, which no catalog can.
    Result<std::vector<std::string>> expand(std::string_view expression, const GroupLookup& failed = {}) const;
};

using CatalogPtr = std::shared_ptr<const Catalog>;

} // namespace loom
