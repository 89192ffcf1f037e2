#pragma once
#include <chrono>
#include <cstddef>

/// Every bound in one place, with its reason.
namespace loom::limits {

// Configuration: far above what a fleet of 10,000 nodes needs, low enough that a hostile file ends quickly.
inline constexpr std::size_t config_file_bytes = 64u << 20;
inline constexpr std::size_t yaml_depth = 64;
inline constexpr std::size_t yaml_nodes = 1'000'000; ///< reached through aliases: a billion-laughs file stops here
inline constexpr std::size_t yaml_values = 8'000'000; ///< in one text: bounds the memory that 64 MiB of `[]` would take
inline constexpr std::size_t job_name_bytes = 200;   ///< a job's name becomes part of paths and URLs
inline constexpr std::size_t nodeset_nodes = 1'000'000;
inline constexpr std::size_t nodeset_expression_bytes = 1u << 20;
inline constexpr int cron_years = 41; ///< a date that cannot come within these is an error: covers 29 Feb on any weekday
inline constexpr std::size_t missed_rows = 100; ///< of one job after a long sleep; the earlier ones are summed up

// Output of one node and one stream that is kept; the rest is counted, not stored.
inline constexpr std::size_t output_bytes = 1u << 20;
/// Outputs above this get a file of their own, the others share segment files.
inline constexpr std::size_t output_inline_bytes = 64u << 10;

/// What waits to be written to the job logs; more is dropped and counted.
inline constexpr std::size_t job_log_queue_bytes = 16u << 20;

// Secrets: a password or passphrase, or what a command prints as one.
inline constexpr std::size_t secret_bytes = 64u << 10;
inline constexpr std::chrono::seconds secret_command_time{10};

// Fan-out.
inline constexpr std::size_t parallel_default = 64;
inline constexpr std::size_t parallel_max = 10'000;
inline constexpr std::size_t handshakes_per_address = 8; ///< stays under sshd's MaxStartups 10:30:100
inline constexpr std::size_t descriptors_reserved = 512; ///< kept for the store, clients and the process itself

// SSH.
inline constexpr unsigned ssh_window_bytes = 256u << 10; ///< libssh2's own 2 MiB would be held by each stalled session
inline constexpr std::size_t ssh_send_buffer_bytes = 1u << 20;
inline constexpr std::size_t ssh_unread_bytes = 64u << 10; ///< that an idle session may have said before it is read
inline constexpr int ssh_silent_rounds = 3; ///< of keepalive, after which a peer counts as dead
inline constexpr std::chrono::seconds ssh_keepalive{30}; ///< for kept sessions and tunnels, where nothing else is set
inline constexpr std::size_t kept_sessions = 10'000; ///< about 100 KiB each
inline constexpr std::size_t tunnels_per_bastion_session = 32; ///< one strand serves them all
inline constexpr std::size_t bastion_sessions = 8;  ///< for each bastion
inline constexpr std::chrono::seconds bastion_idle{30};

// Events for one listener; a slower one gets a `gap` and reads the store.
inline constexpr std::size_t event_queue = 4096;

// HTTP.
inline constexpr std::size_t http_header_bytes = 16u << 10;
inline constexpr std::size_t http_headers = 64;
inline constexpr std::size_t http_target_bytes = 8u << 10;
inline constexpr std::size_t http_body_bytes = 1u << 20;
inline constexpr std::size_t http_connections = 512;
inline constexpr std::chrono::seconds http_header_time{10};
inline constexpr std::chrono::seconds http_body_time{30};
inline constexpr std::chrono::seconds http_idle_time{60};
inline constexpr std::chrono::seconds http_heartbeat{15}; ///< between comments on a quiet event stream
// The client of a daemon: a reload of a large configuration is the slowest reply, gathered outputs the largest.
inline constexpr std::chrono::seconds http_reply_time{120};
inline constexpr std::size_t http_reply_bytes = 1u << 30;
/// Events that wait for one slow reader before the bus itself begins to drop them, and one frame on the client's side.
inline constexpr std::size_t http_events_waiting = 256;
inline constexpr std::size_t http_event_bytes = 4u << 20;

/// One page of a list of runs.
inline constexpr std::size_t page_items = 1000;

} // namespace loom::limits
