#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

/// The bounds of what stands in this folder.
namespace loom::worker_limits {

inline constexpr std::size_t frame_bytes = 2u << 20; ///< 1 MiB of a file as base64, or what is kept of a command's output
inline constexpr std::size_t inline_bytes = 1u << 20; ///< of a file within a frame; more travels as a descriptor
inline constexpr int json_depth = 128; ///< twice what a manifest may hold

/// What a worker may say in one call without being asked, of which 1 MiB a stream is kept: more is a flood.
inline constexpr std::size_t unasked_bytes = 64u << 20;
inline constexpr std::size_t resting_bytes = 64u << 10; ///< that one without a call may still print: what a pipe holds
inline constexpr std::size_t requests_waiting = 64; ///< of one call: one for each thread that a task may sensibly have
inline constexpr std::size_t requests_bytes = 16u << 20; ///< of those together
inline constexpr std::size_t streamed_bytes = 8u << 20; ///< that wait for a worker that does not read; then no more output is streamed to it
inline constexpr std::size_t unsent_bytes = 32u << 20;  ///< that wait for it at all: some files in a frame each
inline constexpr std::size_t greeting_bytes = 4096; ///< of what a worker that does not come up prints, for the message
inline constexpr std::size_t message_bytes = 4096;  ///< of a result's message, and of a line for the log
inline constexpr std::size_t log_lines = 1000;      ///< of one call
inline constexpr std::size_t targets = 4096;        ///< of a run that a call names

inline constexpr std::chrono::seconds start_time{60};  ///< from the start of the process to its hello: imports on a busy machine
inline constexpr std::chrono::seconds inspect_time{60}; ///< a module may take its time to be imported
inline constexpr std::chrono::seconds leave_time{1};   ///< for a process whose channel has ended to tell its status
inline constexpr std::chrono::seconds kill_time{5};    ///< for a killed process to be gone, its children with it
inline constexpr std::chrono::seconds idle_time{60};   ///< after which a worker that has nothing to do goes
inline constexpr std::size_t calls = 200;              ///< that one process serves: leaks of tasks end with it
inline constexpr std::size_t measure_every = 10;       ///< calls

inline constexpr int crashes = 3; ///< in a row, after which a task is not tried for a while
inline constexpr std::chrono::minutes quarantine{10};
inline constexpr std::size_t crashes_known = 1000; ///< tasks

inline constexpr std::size_t spool_file_bytes = 1u << 30; ///< of one file that a task brings or fetches

} // namespace loom::worker_limits
