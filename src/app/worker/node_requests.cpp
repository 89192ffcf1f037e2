#include "app/worker/node_requests.hpp"

#include "app/worker/limits.hpp"
#include "core/async/offload.hpp"
#include "core/base/base64.hpp"
#include "core/base/quote.hpp"

#include <charconv>
#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>

namespace loom {
namespace {

namespace json = boost::json;

Done done_of(Outcome outcome, json::object reply) {
    Done done;
    done.lost = outcome.state == NodeState::lost;
    done.message = std::move(outcome.message);
    done.reply = std::move(reply);
    return done;
}

Done not_done(std::string message) {
    Done done;
    done.reply = {{"state", "failed"}, {"message", message}};
    done.message = std::move(message);
    return done;
}

json::object file_reply(const Outcome& outcome) { return {{"state", to_string(outcome.state)}, {"message", outcome.message}}; }

/// The deadline of the whole call ends every request; its own comes on top.
Timeouts bounded(const NodeHands& hands, Milliseconds own) {
    auto timeout = hands.context.timeout;
    timeout.command = own;
    return timeout;
}

awaitable<Done> run_command(const NodeHands& hands, WorkerRequest request, OutputBuffer::Heard heard, StopToken stop) {
    ExecRequest exec;
    exec.command = std::move(request.command);
    exec.input = std::move(request.input);
    exec.timeout = bounded(hands, request.timeout);
    exec.pty = request.pty;
    exec.output = std::make_shared<OutputBuffer>(std::move(heard));
    if (request.sudo_user) exec.become = joined(Become{*request.sudo_user, hands.become_password}, hands.context.node->become);
    auto outcome = co_await hands.context.remote->exec(std::move(exec), std::move(stop));
    auto reply = run_reply(outcome);
    co_return done_of(std::move(outcome), std::move(reply));
}

awaitable<Done> put_file(const NodeHands& hands, WorkerRequest request, std::string folder, StopToken stop) {
    const auto name = folder + "/file";
    const auto file = std::make_shared<Descriptor>(std::move(request.file));
    auto fill = [name, file, content = std::move(request.content)] {
        return content ? spool_bytes(name, *content) : spool_file(name, *file, worker_limits::spool_file_bytes);
    };
    const auto filled = co_await offload(hands.blocking, std::move(fill));
    if (!filled) co_return not_done(filled.error().message);
    PutRequest put;
    put.sources = {name};
    put.destination = std::move(request.path);
    put.mode = request.mode;
    put.timeout = bounded(hands, request.timeout);
    auto outcome = co_await hands.context.remote->put(std::move(put), std::move(stop));
    auto reply = file_reply(outcome);
    co_return done_of(std::move(outcome), std::move(reply));
}

awaitable<Done> get_file(const NodeHands& hands, WorkerRequest request, std::string folder, StopToken stop) {
    GetRequest get;
    get.sources = {std::move(request.path)};
    get.folder = folder;
    get.below = "fetched";
    get.bytes_most = request.file ? worker_limits::spool_file_bytes : worker_limits::inline_bytes;
    get.timeout = bounded(hands, request.timeout);
    auto outcome = co_await hands.context.remote->get(std::move(get), std::move(stop));
    auto reply = file_reply(outcome);
    if (!succeeded(outcome.state)) co_return done_of(std::move(outcome), std::move(reply));
    const auto into = std::make_shared<Descriptor>(std::move(request.file));
    auto take = [folder, into] { return take_fetched(folder + "/fetched", *into); };
    auto fetched = co_await offload(hands.blocking, std::move(take));
    if (!fetched) co_return not_done(fetched.error().message);
    reply["state"] = "ok";
    reply["size"] = fetched->size;
    if (!*into) reply["content"] = base64_encode(fetched->bytes);
    co_return done_of(std::move(outcome), std::move(reply));
}

awaitable<Done> look_at(const NodeHands& hands, WorkerRequest request, StopToken stop) {
    auto command = stat_command(request.path);
    if (!command) co_return not_done(command.error().message);
    ExecRequest exec;
    exec.command = std::move(*command);
    exec.timeout = bounded(hands, request.timeout);
    auto outcome = co_await hands.context.remote->exec(std::move(exec), std::move(stop));
    auto reply = file_reply(outcome);
    if (outcome.state != NodeState::ok) {
        if (outcome.message.empty()) reply["message"] = outcome.err.text.substr(0, worker_limits::message_bytes);
        co_return done_of(std::move(outcome), std::move(reply));
    }
    auto seen = read_stat(outcome.out.text);
    if (!seen) co_return not_done("the node's stat says something else than was asked of it");
    for (auto& member : *seen) reply[member.key()] = std::move(member.value());
    co_return done_of(std::move(outcome), std::move(reply));
}

/// Put and get have a folder of the spool, which goes when they are done.
awaitable<Done> move_file(const NodeHands& hands, WorkerRequest request, StopToken stop) {
    auto make = [spool = hands.spool] { return spool->make_folder(); };
    const auto folder = co_await offload(hands.blocking, std::move(make));
    if (!folder) co_return not_done(folder.error().message);
    const bool put = request.kind == WorkerRequest::Kind::put;
    Done done;
    if (put) done = co_await put_file(hands, std::move(request), *folder, std::move(stop));
    else done = co_await get_file(hands, std::move(request), *folder, std::move(stop));
    std::function<void()> remove = [where = *folder] { Spool::remove(where); };
    co_await offload(hands.blocking, std::move(remove));
    co_return done;
}

} // namespace

Result<std::string> stat_command(const std::string& path) {
    // GNU and busybox have -c, BSD has -f.
    constexpr std::string_view look = "if [ -e \"$1\" ]; then stat -L -c '%f %s %Y' -- \"$1\" 2>/dev/null || stat -L -f '%Xp %z %m' \"$1\"; "
                                      "elif [ -h \"$1\" ]; then echo link; else echo none; fi";
    const std::vector<std::string> words{"exec", "/bin/sh", "-c", std::string(look), "sh", path.starts_with('-') ? "./" + path : path};
    return shell_join(words);
}

std::optional<json::object> read_stat(std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    if (text == "link" || text == "none") return json::object{{"kind", text}};
    unsigned mode = 0;
    std::uint64_t size = 0;
    std::int64_t mtime = 0;
    const auto* end = text.data() + text.size();
    const auto* at = text.data();
    const auto read = [&](auto& into, int base) {
        while (at != end && *at == ' ') ++at;
        const auto result = std::from_chars(at, end, into, base);
        at = result.ptr;
        return result.ec == std::errc();
    };
    if (!read(mode, 16) || !read(size, 10) || !read(mtime, 10) || at != end) return std::nullopt;
    const auto* kind = S_ISREG(mode) ? "file" : S_ISDIR(mode) ? "folder" : "other";
    return json::object{{"kind", kind}, {"size", size}, {"mode", mode & 07777}, {"mtime", mtime}};
}

awaitable<Done> perform(const NodeHands& hands, WorkerRequest request, OutputBuffer::Heard heard, StopToken stop) {
    switch (request.kind) {
    case WorkerRequest::Kind::run: co_return co_await run_command(hands, std::move(request), std::move(heard), std::move(stop));
    case WorkerRequest::Kind::stat: co_return co_await look_at(hands, std::move(request), std::move(stop));
    case WorkerRequest::Kind::put:
    case WorkerRequest::Kind::get: break;
    }
    co_return co_await move_file(hands, std::move(request), std::move(stop));
}

} // namespace loom
