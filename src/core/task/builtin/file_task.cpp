#include "core/task/builtin/file_task.hpp"

#include "core/base/near.hpp"
#include "core/base/template_text.hpp"
#include "core/task/placeholders.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

using Texts = std::vector<std::string>;

Error wrong(const TaskSpec& spec, std::string_view what) { return {Errc::config, fmt::format("{}: {}", spec.name, what)}; }

/// SFTP works as the login user, and runs nothing.
Result<void> check_extras(const TaskSpec& spec) {
    const std::pair<const char*, bool> extras[] = {
        {"become", spec.become.has_value()}, {"stdin", spec.input && !spec.input->empty()}, {"pty", spec.pty},
        {"on_link_loss", spec.end_with_link}, {"env", !spec.env.empty()},                   {"cwd", !spec.cwd.empty()},
    };
    for (const auto& [name, given] : extras)
        if (given) return wrong(spec, fmt::format("\"{}\" is for commands, not for files", name));
    return {};
}

/// The arguments by their names, wherever they stood.
Result<boost::json::object> named(const TaskSpec& spec, const Texts& order, const Texts& known) {
    if (auto good = check_extras(spec); !good) return good.error();
    boost::json::object all = spec.kwargs;
    if (spec.args.size() > order.size())
        return wrong(spec, fmt::format("takes {} arguments at most: {}", order.size(), fmt::join(order, ", ")));
    for (std::size_t i = 0; i < spec.args.size(); ++i)
        if (!all.emplace(order[i], spec.args[i]).second) return wrong(spec, "got " + order[i] + " twice");
    for (const auto& entry : all) {
        const std::string name(entry.key());
        if (name == "use_sudo" && entry.value().is_bool() && !entry.value().get_bool()) continue;
        if (name == "use_sudo")
            return wrong(spec, "use_sudo is not supported: SFTP works as the login user; put the file where that user "
                               "may write, then move it with fabric.api.sudo");
        if (std::ranges::find(known, name) == known.end())
            return wrong(spec, fmt::format("has no argument \"{}\"{}", name, did_you_mean(name, known)));
    }
    return all;
}

/// A path, or a list of them where `many`.
Result<Texts> paths(const TaskSpec& spec, const boost::json::object& all, const std::string& name, bool many) {
    Texts texts;
    const auto* value = all.if_contains(name);
    if (!value || value->is_null()) return texts;
    const auto add = [&](const boost::json::value& item) {
        const auto* text = item.if_string();
        if (!text || text->empty() || text->find('\0') != text->npos) return false;
        texts.emplace_back(*text);
        return true;
    };
    bool good = true;
    if (const auto* list = many ? value->if_array() : nullptr) good = std::ranges::all_of(*list, add) && !list->empty();
    else good = add(*value);
    if (!good) return wrong(spec, fmt::format("{} must be {}", name, many ? "a path or a list of paths" : "a path"));
    return texts;
}

/// The daemon has no folder of its own that a relative path could mean.
Result<void> check_local(const TaskSpec& spec, const Texts& local) {
    for (const auto& path : local) {
        const auto parts = parse_template(path);
        const bool later = parts && !parts->empty() && parts->front().placeholder;
        if (!path.starts_with('/') && !path.starts_with("~/") && !later)
            return wrong(spec, fmt::format("local_path \"{}\" must begin with / or ~/", path));
    }
    return {};
}

Result<void> check_remote(const TaskSpec& spec, const Texts& remote) {
    for (const auto& path : remote)
        if (path.starts_with('~') && path != "~" && !path.starts_with("~/"))
            return wrong(spec, fmt::format("remote_path \"{}\": only the login user's own ~/ is known", path));
    return {};
}

/// `0644` as text or, since YAML reads it so, as the number 644: its digits are octal.
Result<std::optional<unsigned>> mode_of(const TaskSpec& spec, const boost::json::object& all) {
    const auto* value = all.if_contains("mode");
    if (!value || value->is_null()) return std::optional<unsigned>();
    std::string digits;
    if (value->is_string()) digits = value->get_string().c_str();
    else if (value->is_int64()) digits = std::to_string(value->get_int64());
    else if (value->is_uint64()) digits = std::to_string(value->get_uint64());
    if (has_placeholder(digits)) return std::optional<unsigned>();
    if (digits.starts_with("0o")) digits.erase(0, 2);
    const bool octal = !digits.empty() && digits.size() <= 5 &&
                       std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '7'; });
    const auto mode = octal ? static_cast<unsigned>(std::stoul(digits, nullptr, 8)) : 010000u;
    if (mode > 07777) return wrong(spec, "mode must be octal, such as 0644");
    return std::optional<unsigned>(mode);
}

class PutTask final : public Task {
public:
    explicit PutTask(PutRequest request) : request_(std::move(request)) {}

    awaitable<Outcome> run(TaskContext context) override {
        request_.timeout = context.timeout;
        co_return co_await context.remote->put(std::move(request_), context.stop);
    }

private:
    PutRequest request_;
};

class GetTask final : public Task {
public:
    explicit GetTask(GetRequest request) : request_(std::move(request)) {}

    awaitable<Outcome> run(TaskContext context) override {
        request_.timeout = context.timeout;
        PlaceholderScope scope;
        scope.node = context.node;
        request_.below = expand_path("{{ node.name }}", scope).value();
        co_return co_await context.remote->get(std::move(request_), context.stop);
    }

private:
    GetRequest request_;
};

} // namespace

Result<std::unique_ptr<Task>> make_put_task(const TaskSpec& spec) {
    auto all = named(spec, {"local_path", "remote_path"}, {"local_path", "remote_path", "mode", "mirror_local_mode"});
    if (!all) return all.error();
    auto local = paths(spec, *all, "local_path", true);
    if (!local) return local.error();
    auto remote = paths(spec, *all, "remote_path", false);
    if (!remote) return remote.error();
    auto mode = mode_of(spec, *all);
    if (!mode) return mode.error();
    if (local->empty()) return wrong(spec, "needs local_path");
    if (remote->empty()) return wrong(spec, "needs remote_path");
    if (auto good = check_local(spec, *local); !good) return good.error();
    if (auto good = check_remote(spec, *remote); !good) return good.error();
    PutRequest request;
    request.sources = std::move(*local);
    request.destination = std::move(remote->front());
    request.mode = *mode;
    return std::unique_ptr<Task>(std::make_unique<PutTask>(std::move(request)));
}

Result<std::unique_ptr<Task>> make_get_task(const TaskSpec& spec) {
    auto all = named(spec, {"remote_path", "local_path"}, {"remote_path", "local_path"});
    if (!all) return all.error();
    auto remote = paths(spec, *all, "remote_path", true);
    if (!remote) return remote.error();
    auto local = paths(spec, *all, "local_path", false);
    if (!local) return local.error();
    if (remote->empty()) return wrong(spec, "needs remote_path");
    if (local->empty()) return wrong(spec, "needs local_path, the folder that receives {{ node.name }}/…");
    if (auto good = check_local(spec, *local); !good) return good.error();
    if (auto good = check_remote(spec, *remote); !good) return good.error();
    GetRequest request;
    request.sources = std::move(*remote);
    request.folder = std::move(local->front());
    return std::unique_ptr<Task>(std::make_unique<GetTask>(std::move(request)));
}

std::string describe_file_task(const TaskSpec& spec) {
    const bool put = spec.name == "fabric.api.put";
    if (!put && spec.name != "fabric.api.get") return {};
    const auto text = [&](const char* name, std::size_t place) -> std::string {
        const boost::json::value* value = spec.kwargs.if_contains(name);
        if (!value && place < spec.args.size()) value = &spec.args[place];
        if (!value) return {};
        if (const auto* one = value->if_string()) return std::string(*one);
        std::string all;
        if (const auto* list = value->if_array())
            for (const auto& item : *list)
                if (const auto* one = item.if_string()) all += (all.empty() ? "" : " ") + std::string(*one);
        return all;
    };
    if (put) return fmt::format("put {} → {}", text("local_path", 0), text("remote_path", 1));
    return fmt::format("get {} → {}", text("remote_path", 0), text("local_path", 1));
}

} // namespace loom
