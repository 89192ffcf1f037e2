#pragma once
#include "app/worker/frames.hpp"
#include "core/task/task.hpp"

#include <boost/json/object.hpp>

namespace loom {

// What is said on a worker's channel (docs/plugin-protocol.md), as values. Pure.

inline constexpr int protocol_version = 1;

boost::json::object hello_message(const PluginSettings& plugin);
boost::json::object call_message(std::int64_t id, const PluginCall& call, const TaskContext& context);
boost::json::object inspect_message(std::int64_t id, const std::string& task);
boost::json::object cancel_message(std::int64_t id, const std::string& reason);

/// What a worker asks of its call's node.
struct WorkerRequest {
    enum class Kind : std::uint8_t { run, put, get, stat };
    Kind kind = Kind::run;
    std::int64_t id = 0;
    std::string command, input; ///< of `run`
    bool stream = false, pty = false;
    std::optional<std::string> sudo_user; ///< empty: root
    Milliseconds timeout{0};              ///< none
    std::string path;                     ///< of the others
    std::optional<unsigned> mode;
    std::optional<std::string> content; ///< decoded
    Descriptor file;                    ///< to read from, or to write to
};

/// Errc::usage: it is not as the protocol has it, or is of another call.
Result<WorkerRequest> read_request(const boost::json::object& message, Descriptor file, std::int64_t call);

/// How a call went.
struct WorkerResult {
    NodeState state = NodeState::failed; ///< ok, changed or failed
    std::string message;
    boost::json::value value;
    std::optional<int> exit_status;
    bool last = false; ///< the worker wishes to be given no more
};
Result<WorkerResult> read_result(const boost::json::object& message);

/// The `reply` of a command. Of its output as much as fits into a frame.
boost::json::object run_reply(const Outcome& outcome);

/// A text member; empty where there is none. Errc::usage where it is no text.
Result<std::string> text_of(const boost::json::object& message, std::string_view key);

} // namespace loom
