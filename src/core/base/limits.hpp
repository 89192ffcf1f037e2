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
inline constexpr unsigned simulated_days = 3660; ///< at once, ten years: each hour of them is kept for the heat map
inline constexpr std::size_t missed_rows = 100; ///< of one job after a long sleep; the earlier ones are summed up
inline constexpr std::size_t catch_up_runs = missed_rows - 1; ///< at once: one row is left to say what became of the others
inline constexpr std::size_t missed_counted = 1000; ///< of those: a hundred thousand jobs are counted up in seconds
inline constexpr std::size_t calendar_rules = 10'000; ///< of one calendar: each look at it goes through them
inline constexpr long schedule_runs = 1'000'000'000;  ///< `count`, as good as none
inline constexpr std::size_t instants_foreseen = 100'000; ///< that `count` is held against: a tenth of a second
inline constexpr std::size_t clock_stretches = 16; ///< of one job's instants, after so many jumps of the clock ahead and back
inline constexpr std::size_t pause_reason_bytes = 1000;
inline constexpr std::size_t pauses_kept = 10; ///< of one job, once they are over: until a daemon has summed them up

inline constexpr std::size_t runs_waiting = 100; ///< of one job, by `overlap: buffer_all`: more only shows that it never keeps up
inline constexpr std::size_t upstream_jobs = 100; ///< in one `after`: each is named in the rows of its runs
inline constexpr std::size_t backfill_runs = 100; ///< at once, unless a person says a greater number
inline constexpr std::size_t backfill_instants = 10'000; ///< that one request looks at: a reply of a megabyte
inline constexpr std::size_t usual_runs = 20;     ///< whose median is what a job usually takes

// Output of one node and one stream that is kept; the rest is counted, not stored.
inline constexpr std::size_t output_bytes = 1u << 20;
/// Outputs above this get a file of their own, the others lie in the database.
inline constexpr std::size_t output_inline_bytes = 64u << 10;

/// The texts of a gathered run together: what a person may read at once. Each node's own is always given.
inline constexpr std::size_t gathered_bytes = 64u << 20;

/// The ledger's past: so many nodes go in one transaction, after which other writers have so long a turn.
inline constexpr std::size_t prune_nodes = 4096;
inline constexpr std::chrono::milliseconds prune_rest{20};
inline constexpr std::chrono::hours prune_every{1};
inline constexpr std::chrono::seconds write_turn_time{30}; ///< others' commits take milliseconds: by then the holder hangs, or is stopped
inline constexpr std::size_t ledger_faults = 100; ///< that `loom db check` names; the rest is counted

/// One line of the daemon's log: journald takes no longer datagram than the socket's buffer.
inline constexpr std::size_t log_line_bytes = 16u << 10;
inline constexpr std::size_t log_queue_lines = 8192; ///< that wait for a slow reader; then the oldest go

/// Files of job logs that are remembered: as unwritable, so that each is told once, or as looked after lately.
inline constexpr std::size_t job_logs_known = 4096;
inline constexpr std::chrono::hours job_log_look_again{1}; ///< for files older than a log keeps

/// What waits to be written to the job logs; more is dropped and counted.
inline constexpr std::size_t job_log_queue_bytes = 16u << 20;

/// A command's stdin: it waits in memory, once for each node at work, and travels to a daemon within one HTTP body.
inline constexpr std::size_t input_bytes = 512u << 10;

// Secrets: a password or passphrase, or what a command prints as one.
inline constexpr std::size_t secret_bytes = 64u << 10;
inline constexpr std::chrono::seconds secret_command_time{10};

// Inventory sources: a program that asks a cloud takes its time, and prints some kilobytes a node.
inline constexpr std::chrono::seconds inventory_command_time{60};
inline constexpr std::size_t inventory_files = 100'000; ///< of one source: a folder of host_vars has one for each node

// Fan-out.
inline constexpr std::size_t parallel_default = 64;
inline constexpr std::size_t parallel_max = 10'000;
inline constexpr std::size_t starts_per_second_max = 1'000'000; ///< as good as none
inline constexpr std::size_t waves = 100;                       ///< of one job
inline constexpr std::size_t handshakes_per_address = 8; ///< stays under sshd's MaxStartups 10:30:100
inline constexpr std::size_t descriptors_reserved = 512; ///< kept for the store, clients and the process itself

// SSH.
inline constexpr std::chrono::seconds connect_timeout{10}; ///< where neither the job nor ssh_config says one
inline constexpr std::size_t opening_bytes = 64u << 10; ///< what sudo and the login shell may say before a command begins
inline constexpr unsigned ssh_window_bytes = 256u << 10; ///< libssh2's own 2 MiB would be held by each stalled session
inline constexpr std::size_t ssh_send_buffer_bytes = 1u << 20;
inline constexpr std::size_t ssh_unread_bytes = 64u << 10; ///< that an idle session may have said before it is read
inline constexpr int ssh_silent_rounds = 3; ///< of keepalive, after which a peer counts as dead
inline constexpr std::chrono::seconds ssh_keepalive{30}; ///< for kept sessions and tunnels, where nothing else is set
inline constexpr std::size_t kept_sessions = 10'000; ///< about 100 KiB each
inline constexpr std::size_t tunnels_per_bastion_session = 32; ///< one strand serves them all
inline constexpr std::size_t bastion_sessions = 8;  ///< for each bastion
inline constexpr std::chrono::seconds bastion_idle{30};
inline constexpr std::chrono::seconds bastion_refusal{30}; ///< a login that was refused is not tried again so soon
inline constexpr std::size_t spare_session_chunks = 512; ///< of 128 KiB, kept from ended sessions for new ones
inline constexpr std::size_t ssh_jumps = 8; ///< hosts between Loom and a node: more is a mistake, or a circle
// ssh_config: OpenSSH's own depth of includes, and files in all, since two includes of itself double at each level.
inline constexpr std::size_t ssh_config_depth = 16;
inline constexpr std::size_t ssh_config_files = 4096;
inline constexpr std::size_t known_hosts_files = 256; ///< kept parsed
inline constexpr std::chrono::seconds session_rest{1}; ///< after which an idle session's empty pages are given back
inline constexpr std::chrono::milliseconds files_recent{100}; ///< an answer from memory may be so old
inline constexpr std::size_t ssh_identity_files = 100; ///< OpenSSH's SSH_MAX_IDENTITY_FILES
inline constexpr std::size_t login_keys = 20; ///< offered on one connection; sshd's MaxAuthTries is 6 by default
/// Keys offered that nobody named where a password is configured too: it must still have its turn within the 6 tries.
inline constexpr std::size_t login_keys_before_password = 3;
inline constexpr unsigned key_rounds = 2000; ///< of bcrypt: tens of seconds; ssh-keygen makes 16 or 24
inline constexpr std::size_t passphrases_kept = 8; ///< tried on one key's file and remembered, right or wrong
inline constexpr std::size_t agent_reply_bytes = 256u << 10; ///< OpenSSH's own bound
inline constexpr std::size_t agent_connections = 4; ///< to one ssh-agent, which signs one thing at a time anyway

// Files. A put reads, and a get writes, a window of a file at a time: a large file takes no more memory than a small one.
inline constexpr std::size_t transfer_window_bytes = 1u << 20; ///< sent and not yet acknowledged: 10 MB/s at 100 ms
inline constexpr std::size_t transfer_read_bytes = 256u << 10; ///< libssh2 asks for four of these ahead
inline constexpr std::size_t tree_entries = 100'000;
inline constexpr std::size_t tree_depth = 64;
inline constexpr std::size_t transfer_failures = 100; ///< one node's files that may fail before the rest is given up
inline constexpr std::size_t get_bytes = std::size_t{1} << 40;    ///< from one node at once
inline constexpr std::size_t get_unsized_bytes = 64u << 20; ///< of a file that says it is empty, as those of /proc do
inline constexpr std::size_t hashes_kept = 32'768; ///< of local files, about 250 bytes each
inline constexpr std::size_t hash_command_bytes = 64u << 10; ///< one shell line, below what any kernel takes

// Webhooks. A delivery's id is known again for the week that GitHub lets one be sent once more.
inline constexpr std::chrono::hours delivery_kept{7 * 24};
inline constexpr std::size_t delivery_id_bytes = 256;
inline constexpr std::size_t hook_value_bytes = 4096;  ///< of one parameter: it goes into a command line
inline constexpr std::size_t hook_payload_depth = 64;
inline constexpr std::size_t pattern_memory_bytes = 1u << 20; ///< of one compiled regular expression

/// Jobs that metrics tell apart: each has some series of its own, for as long as the process runs.
inline constexpr std::size_t measured_jobs = 500;

// Notifications.
inline constexpr std::size_t outbox_entries = 10'000; ///< that wait to be told
inline constexpr std::size_t outbox_dead = 1000;      ///< that were given up, kept to be looked at
inline constexpr std::size_t notify_past_runs = 1000; ///< of a job, looked at for how long it has been failing
inline constexpr std::size_t notify_at_once = 8;
inline constexpr std::chrono::seconds notify_time{30}; ///< for one try, from the look-up of the name to the answer
inline constexpr std::chrono::seconds notify_first_retry{10};
inline constexpr std::chrono::hours notify_most_retry{1};
inline constexpr std::chrono::hours notify_give_up{24};
inline constexpr std::size_t notify_reply_bytes = 64u << 10; ///< of an answer, of which only the status counts

// Events for one listener; a slower one gets a `gap` and reads the store.
inline constexpr std::size_t event_queue = 4096;

// HTTP.
inline constexpr std::size_t http_header_bytes = 16u << 10;
inline constexpr std::size_t http_headers = 64;
inline constexpr std::size_t http_target_bytes = 8u << 10;
inline constexpr std::size_t http_body_bytes = 1u << 20;
inline constexpr std::size_t http_connections = 8192; ///< in all
inline constexpr std::size_t http_unauthenticated = 512; ///< that have not shown who they are
inline constexpr std::size_t http_per_address = 64;      ///< of those, from one address
inline constexpr std::size_t http_per_token = 2048;
inline constexpr std::size_t http_body_rate = 1u << 10; ///< bytes a second, in and out: a slower client is dropped
inline constexpr std::chrono::seconds http_body_grace{5}; ///< before that counts
inline constexpr std::size_t http_piece_bytes = 64u << 10; ///< of a reply: each is taken within the idle time, or nothing more is sent
inline constexpr std::chrono::seconds http_linger_time{1}; ///< a client that is refused may say so long what nobody reads
inline constexpr std::size_t http_linger_bytes = 4u << 20;
inline constexpr std::chrono::seconds http_header_time{10};
inline constexpr std::chrono::seconds http_body_time{30};
inline constexpr std::chrono::seconds http_idle_time{60};
inline constexpr std::chrono::seconds http_heartbeat{15}; ///< between comments on a quiet event stream
// The client of a daemon: a reload of a large configuration is the slowest reply, gathered outputs the largest.
inline constexpr std::chrono::seconds http_reply_time{120};
inline constexpr std::chrono::minutes reconnect_time{10}; ///< that a client tries to come back to a run over the network
inline constexpr std::chrono::seconds reconnect_pause{1};
inline constexpr std::size_t http_reply_bytes = 1u << 30;
/// Events that wait for one slow reader before the bus itself begins to drop them, and one frame on the client's side.
inline constexpr std::size_t http_events_waiting = 256;
inline constexpr std::size_t http_event_bytes = 4u << 20;

/// What completion keeps of one list: a hundred thousand names; a greater one is asked for anew.
inline constexpr std::size_t completion_bytes = 4u << 20;

inline constexpr std::chrono::minutes run_wait_time{5}; ///< that a look at a run may wait for its end
inline constexpr std::chrono::hours requests_kept{24}; ///< the keys of requests that started a run (`Idempotency-Key`)

/// One page of a list of runs.
inline constexpr std::size_t page_items = 1000;

} // namespace loom::limits
