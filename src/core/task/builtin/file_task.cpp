#include "core/task/builtin/file_task.hpp"

#include "core/task/placeholders.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

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

Result<Arguments> read_files(const TaskInfo& info, const TaskSpec& spec) {
    if (auto good = check_extras(spec); !good) return good.error();
    auto all = read_arguments(info, spec);
    if (!all) return all.error();
    if (all->size() != 1) return wrong(spec, "goes by one map of arguments, not by several");
    return std::move(all->front());
}

class PutTask final : public Task {
public:
    explicit PutTask(PutRequest request) : request_(std::move(request)) {}

    bool can_check() const override { return true; }

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

    bool can_check() const override { return true; }

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

Result<std::unique_ptr<Task>> make_put_task(const TaskInfo& info, const TaskSpec& spec) {
    const auto arguments = read_files(info, spec);
    if (!arguments) return arguments.error();
    if (arguments->flag("use_sudo"))
        return wrong(spec, "use_sudo is not supported: SFTP works as the login user; put the file where that user "
                           "may write, then move it with fabric.api.sudo");
    PutRequest request;
    request.sources = arguments->texts(info.parameters[0].name);
    request.destination = arguments->text(info.parameters[1].name);
    if (arguments->has("mode")) request.mode = arguments->mode("mode");
    request.check = spec.check;
    return std::unique_ptr<Task>(std::make_unique<PutTask>(std::move(request)));
}

Result<std::unique_ptr<Task>> make_get_task(const TaskInfo& info, const TaskSpec& spec) {
    const auto arguments = read_files(info, spec);
    if (!arguments) return arguments.error();
    GetRequest request;
    request.sources = arguments->texts(info.parameters[0].name);
    request.folder = arguments->text(info.parameters[1].name);
    request.check = spec.check;
    return std::unique_ptr<Task>(std::make_unique<GetTask>(std::move(request)));
}

std::string describe_file_task(const TaskSpec& spec) {
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
    if (spec.name == "fabric.api.put") return fmt::format("put {} → {}", text("local_path", 0), text("remote_path", 1));
    if (spec.name == "fabric.api.get") return fmt::format("get {} → {}", text("remote_path", 0), text("local_path", 1));
    return {};
}

} // namespace loom
