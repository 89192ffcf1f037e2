#include "app/worker/messages.hpp"

#include "app/worker/limits.hpp"
#include "app/worker/text.hpp"
#include "core/base/base64.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <cmath>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

namespace json = boost::json;

Error wrong_member(std::string_view key, std::string_view expected) { return usage_error(fmt::format("\"{}\": expected {}", key, expected)); }

Result<bool> flag_member(const json::object& message, std::string_view key) {
    const auto* value = message.if_contains(key);
    if (!value || value->is_null()) return false;
    if (!value->is_bool()) return wrong_member(key, "true or false");
    return value->get_bool();
}

Result<std::optional<std::int64_t>> number_member(const json::object& message, std::string_view key) {
    const auto* value = message.if_contains(key);
    if (!value || value->is_null()) return std::optional<std::int64_t>();
    error_code ec;
    const auto number = value->to_number<std::int64_t>(ec);
    if (ec) return wrong_member(key, "a whole number");
    return std::optional<std::int64_t>(number);
}

Result<Milliseconds> seconds_member(const json::object& message, std::string_view key) {
    const auto* value = message.if_contains(key);
    if (!value || value->is_null()) return Milliseconds(0);
    error_code ec;
    const auto seconds = value->to_number<double>(ec);
    if (ec || !std::isfinite(seconds) || seconds < 0 || seconds > 1e9) return wrong_member(key, "seconds");
    return std::max(Milliseconds(1), Milliseconds(static_cast<std::int64_t>(seconds * 1000)));
}

Result<std::optional<std::string>> sudo_of(const json::object& message) {
    const auto* value = message.if_contains("sudo");
    if (!value || value->is_null()) return std::optional<std::string>();
    const auto* object = value->if_object();
    if (!object) return wrong_member("sudo", "{\"user\": …}");
    auto user = text_of(*object, "user");
    if (!user) return user.error();
    if (user->starts_with('-') || user->find('\0') != std::string::npos) return wrong_member("sudo", "a user's name");
    return std::optional<std::string>(std::move(*user));
}

Result<void> read_command(const json::object& message, WorkerRequest& request) {
    auto command = text_of(message, "command");
    auto input = text_of(message, "stdin");
    auto sudo = sudo_of(message);
    const auto stream = flag_member(message, "stream"), pty = flag_member(message, "pty");
    if (!command) return command.error();
    if (!input) return input.error();
    if (!sudo) return sudo.error();
    if (!stream) return stream.error();
    if (!pty) return pty.error();
    if (command->empty() || command->find('\0') != std::string::npos) return wrong_member("command", "shell text without a NUL");
    request.command = std::move(*command);
    request.input = std::move(*input);
    request.sudo_user = std::move(*sudo);
    request.stream = *stream;
    request.pty = *pty;
    return {};
}

Result<void> read_path(const json::object& message, WorkerRequest& request) {
    auto path = text_of(message, "path");
    if (!path) return path.error();
    if (path->empty() || path->size() > 4096 || path->find('\0') != std::string::npos) return wrong_member("path", "a path");
    request.path = std::move(*path);
    return {};
}

Result<void> read_put(const json::object& message, WorkerRequest& request) {
    const auto mode = number_member(message, "mode");
    if (!mode) return mode.error();
    if (*mode && (**mode < 0 || **mode > 07777)) return wrong_member("mode", "permissions");
    if (*mode) request.mode = static_cast<unsigned>(**mode);
    const auto* content = message.if_contains("content");
    if (content && content->is_string()) {
        request.content = base64_decode(content->get_string());
        if (!request.content || request.content->size() > worker_limits::inline_bytes) return wrong_member("content", "base64 of 1 MiB at most");
    }
    if (request.content.has_value() == static_cast<bool>(request.file)) return usage_error("expected \"content\" or a descriptor");
    return {};
}

constexpr std::pair<std::string_view, WorkerRequest::Kind> kinds[] = {{"run", WorkerRequest::Kind::run},
                                                                      {"put", WorkerRequest::Kind::put},
                                                                      {"get", WorkerRequest::Kind::get},
                                                                      {"stat", WorkerRequest::Kind::stat}};

json::object node_json(const Node& node) {
    return {{"name", node.name},
            {"host", node.address},
            {"port", node.port == 0 ? 22 : static_cast<int>(node.port)},
            {"user", node.user},
            {"labels", json::value_from(node.labels)},
            {"groups", json::value_from(node.groups)},
            {"vars", node.vars}};
}

json::object run_json(const TaskRun& run) {
    json::array targets;
    if (run.targets && run.targets->size() <= worker_limits::targets)
        for (const auto* node : *run.targets) targets.emplace_back(node->name);
    json::object object{{"id", run.id}, {"job", run.job}, {"targets", std::move(targets)}};
    object["due"] = run.due.empty() ? json::value() : json::value(run.due);
    return object;
}

} // namespace

Result<std::string> text_of(const json::object& message, std::string_view key) {
    const auto* value = message.if_contains(key);
    if (!value || value->is_null()) return std::string();
    if (!value->is_string()) return wrong_member(key, "text");
    return std::string(value->get_string());
}

json::object hello_message(const PluginSettings& plugin) {
    return {{"type", "hello"},
            {"protocol", protocol_version},
            {"loom", LOOM_VERSION},
            {"plugin", plugin.name},
            {"paths", json::value_from(plugin.paths)},
            {"env", json::value_from(plugin.env)}};
}

json::object call_message(std::int64_t id, const PluginCall& call, const TaskContext& context) {
    const auto& task = call.task;
    json::object message{{"type", "call"}, {"id", id}, {"task", task.name}, {"args", task.args}, {"kwargs", task.kwargs}, {"check", task.check},
                         {"node", node_json(*context.node)}, {"run", run_json(context.of)}, {"env", json::value_from(task.env)}, {"cwd", task.cwd}};
    message["become"] = json::value();
    if (task.become) {
        const auto user = joined(*task.become, context.node->become).user;
        message["become"] = json::object{{"user", user.empty() ? "root" : user}};
    }
    const auto command = std::chrono::duration<double>(context.timeout.command).count();
    message["timeout"] = json::object{{"command", command > 0 ? json::value(command) : json::value()}};
    return message;
}

json::object inspect_message(std::int64_t id, const std::string& task) { return {{"type", "inspect"}, {"id", id}, {"task", task}}; }

json::object cancel_message(std::int64_t id, const std::string& reason) { return {{"type", "cancel"}, {"call", id}, {"reason", reason}}; }

Result<WorkerRequest> read_request(const json::object& message, Descriptor file, std::int64_t call) {
    const auto of = number_member(message, "call"), id = number_member(message, "id");
    if (!of || !id || !*of || !*id) return usage_error("a request without the numbers of its call and of itself");
    if (**of != call) return usage_error(fmt::format("a request for call {}, while call {} is served", **of, call));
    const auto name = text_of(message, "do");
    if (!name) return name.error();
    WorkerRequest request;
    request.id = **id;
    request.file = std::move(file);
    const auto kind = std::ranges::find(kinds, *name, &std::pair<std::string_view, WorkerRequest::Kind>::first);
    if (kind == std::end(kinds)) return usage_error("\"do\": expected run, put, get or stat");
    request.kind = kind->second;
    const auto timeout = seconds_member(message, "timeout");
    if (!timeout) return timeout.error();
    request.timeout = *timeout;
    const auto read = request.kind == WorkerRequest::Kind::run ? read_command(message, request) : read_path(message, request);
    if (!read) return read.error();
    if (request.kind == WorkerRequest::Kind::put)
        if (auto put = read_put(message, request); !put) return put.error();
    return request;
}

Result<WorkerResult> read_result(const json::object& message) {
    WorkerResult result;
    const auto state = text_of(message, "state");
    if (!state) return state.error();
    if (*state == "ok") result.state = NodeState::ok;
    else if (*state == "changed") result.state = NodeState::changed;
    else if (*state == "skipped") result.state = NodeState::skipped;
    else if (*state != "failed") return wrong_member("state", "ok, changed, skipped or failed");
    auto words = text_of(message, "message");
    if (!words) return words.error();
    result.message = words->substr(0, worker_limits::message_bytes);
    if (const auto* value = message.if_contains("value")) result.value = *value;
    const auto status = number_member(message, "exit_status");
    if (!status) return status.error();
    if (*status) result.exit_status = static_cast<int>(**status);
    const auto last = flag_member(message, "last");
    if (!last) return last.error();
    result.last = *last;
    return result;
}

json::object run_reply(const Outcome& outcome) {
    json::object reply{{"state", to_string(outcome.state)}, {"exit_signal", outcome.exit_signal}, {"message", replaced_utf8(outcome.message)}};
    reply["exit_status"] = outcome.exit_status ? json::value(*outcome.exit_status) : json::value();
    auto out = replaced_utf8(outcome.out.text), err = replaced_utf8(outcome.err.text);
    auto dropped = outcome.out.dropped_bytes + outcome.err.dropped_bytes;
    for (;;) {
        // Control characters take six bytes each: what was kept may be more than a frame holds.
        if (json::serialize(json::value(out)).size() + json::serialize(json::value(err)).size() + 64 * 1024 < worker_limits::frame_bytes) break;
        auto& longer = out.size() > err.size() ? out : err;
        dropped += longer.size() - longer.size() / 2;
        longer.resize(longer.size() / 2);
        longer = replaced_utf8(longer);
    }
    reply["out"] = std::move(out);
    reply["err"] = std::move(err);
    reply["dropped"] = dropped;
    return reply;
}

} // namespace loom
