#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/files/places.hpp"
#include "app/files/text_file.hpp"
#include "app/hooks/judge.hpp"
#include "app/hooks/verify.hpp"
#include "core/base/digest.hpp"
#include "core/base/limits.hpp"
#include "core/base/quote.hpp"
#include "core/config/hook_fields.hpp"
#include "core/task/placeholders.hpp"

#include <iterator>
#include <ostream>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

namespace json = boost::json;

std::string filter_words(const Hook& hook) {
    std::string words;
    for (const auto& condition : hook.filter) {
        if (!words.empty()) words += ", ";
        words += condition.field.name + (condition.matches ? " ~ " + condition.matches->text() : fmt::format(" = {}", fmt::join(condition.is, "|")));
    }
    return words;
}

std::string parameter_words(const Hook& hook) {
    std::string words;
    for (const auto& parameter : hook.parameters) words += (words.empty() ? "" : ", ") + parameter.name;
    return words;
}

Result<int> list_hooks(CommandContext& context) {
    const auto catalog = context.load_catalog(context.config);
    if (!catalog) return catalog.error();
    json::array items;
    Table table({{"HOOK", 0, 10}, {"JOB", 0, 10}, {"VERIFY", 1, 8}, {"PATH", 2, 12}, {"PARAMETERS", 4, 10}, {"FILTER", 3, 12}, {"NOTE", 2, 12}});
    for (const auto& hook : (*catalog)->hooks) {
        const auto note = mismatch(**catalog, hook).value_or("");
        items.push_back({{"name", hook.name}, {"job", hook.job}, {"verify", std::string(to_string(hook.scheme))}, {"path", "/hooks/" + hook.name},
                         {"parameters", parameter_words(hook)}, {"filter", filter_words(hook)}, {"message", note}, {"source", hook.place}});
        table.add({hook.name, hook.job, std::string(to_string(hook.scheme)), "/hooks/" + hook.name, parameter_words(hook), filter_words(hook),
                   {note, Colour::red}});
    }
    if (context.json) print_json_line(context, {{"items", std::move(items)}});
    else print(context, table);
    return 0;
}

struct TestOptions {
    std::string name, payload;
    std::vector<std::string> headers;
    bool sign = false;
};

Result<HookDelivery> delivery_of(CommandContext& context, const TestOptions& options) {
    HookDelivery delivery;
    for (const auto& header : options.headers) {
        const auto colon = header.find(':');
        if (colon == std::string::npos || colon == 0) return usage_error("--header: expected NAME: VALUE, not \"" + header + "\"");
        const auto value = header.find_first_not_of(" \t", colon + 1);
        delivery.headers.emplace_back(header.substr(0, colon), value == std::string::npos ? "" : header.substr(value));
    }
    if (options.payload == "-") {
        delivery.body.assign(std::istreambuf_iterator<char>(context.streams.in), std::istreambuf_iterator<char>());
    } else if (!options.payload.empty()) {
        auto file = read_text_file(options.payload, limits::http_body_bytes);
        if (!file) return usage_error("--payload: " + file.error().message);
        delivery.body = std::move(file->text);
    }
    if (delivery.body.size() > limits::http_body_bytes) return usage_error("--payload: a delivery has at most 1 MiB");
    return delivery;
}

std::string quoted(const std::string& text) {
    const auto word = shell_quote(text);
    return word ? *word : "''";
}

/// The command that sends this delivery to the daemon of the configuration. A scheme that sends the secret itself has it read by the shell.
std::string curl_of(const Settings& settings, const Hook& hook, const HookDelivery& delivery, const TestOptions& options, Instant now) {
    auto line = fmt::format("curl --unix-socket {}", quoted(socket_path(settings)));
    for (const auto& [name, value] : delivery.headers) line += fmt::format(" -H {}", quoted(name + ": " + value));
    const auto id = delivery.header(delivery_header(hook));
    for (const auto& [name, value] : signed_headers(hook, delivery.body, id ? *id : uuid_v7(now.time_since_epoch().count()), now))
        if (!delivery.header(name)) line += fmt::format(" -H {}", quoted(name + ": " + value));
    if (hook.scheme == HookScheme::gitlab) line += fmt::format(" -H \"X-Gitlab-Token: {}\"", hook.secret_hint);
    if (hook.scheme == HookScheme::bearer) line += fmt::format(" -H \"Authorization: Bearer {}\"", hook.secret_hint);
    if (!delivery.header("Content-Type")) line += " -H 'Content-Type: application/json'";
    return line + fmt::format(" --data-binary {} http://loom/hooks/{}", quoted(options.payload.empty() ? "" : "@" + options.payload), hook.name);
}

std::string outcome_of(const HookVerdict& verdict) {
    if (verdict.kind == HookVerdict::Kind::start) return "starts the job";
    return (verdict.kind == HookVerdict::Kind::left_out ? "left out: " : "refused: ") + verdict.why;
}

void print_test(CommandContext& context, const Hook& hook, const HookVerdict& verdict, const TaskSpec& task, const std::string& curl) {
    auto& out = context.streams.out;
    const bool starts = verdict.kind == HookVerdict::Kind::start;
    const auto paint = out_paint(context);
    out << fmt::format("hook:     {} ({}) → job {}\n", hook.name, to_string(hook.scheme), for_line(hook.job));
    out << "delivery: " << paint(starts ? Colour::green : Colour::yellow, for_line(outcome_of(verdict))) << '\n';
    if (starts) {
        for (const auto& [name, value] : verdict.start.params)
            out << fmt::format("params:   {} = {}\n", std::string_view(name), for_line(json::serialize(value)));
        out << "task:     " << for_line(task.name) << '\n';
        out << "args:     " << for_line(json::serialize(task.args)) << '\n';
        out << "kwargs:   " << for_line(json::serialize(task.kwargs)) << '\n';
        for (const auto& [name, value] : task.env) out << "env:      " << for_line(name + "=" + value) << '\n';
    }
    if (!curl.empty()) out << for_line(curl) << '\n';
    out << std::flush;
}

Result<int> test_hook(CommandContext& context, const TestOptions& options) {
    const auto catalog = context.load_catalog(context.config);
    if (!catalog) return catalog.error();
    const auto* hook = (*catalog)->find_hook(options.name);
    if (!hook) {
        std::vector<std::string> names;
        for (const auto& one : (*catalog)->hooks) names.push_back(one.name);
        return not_found(fmt::format("there is no hook \"{}\"{}", options.name, did_you_mean(options.name, names)));
    }
    if (const auto why = mismatch(**catalog, *hook)) return Error{Errc::config, fmt::format("{}: hooks: {}: {}", hook->place, hook->name, *why)};
    const auto delivery = delivery_of(context, options);
    if (!delivery) return delivery.error();
    const auto now = context.clock.now();
    auto named = *delivery; // the id that --sign will give it, and a sender does
    if (const auto name = delivery_header(*hook); !name.empty() && !named.header(name)) named.headers.emplace_back(name, "test");
    const auto verdict = judge_verified(*hook, named);
    const bool starts = verdict.kind == HookVerdict::Kind::start;
    TaskSpec task;
    if (starts) {
        auto filled = show_params(*(*catalog)->find_job(hook->job)->task, verdict.start.params);
        if (!filled) return filled.error();
        task = std::move(*filled);
    }
    const auto curl = options.sign ? curl_of((*catalog)->settings, *hook, *delivery, options, now) : std::string();
    if (context.json) {
        json::object env;
        for (const auto& [name, value] : task.env) env[name] = value;
        print_json_line(context, {{"hook", hook->name}, {"job", hook->job}, {"starts", starts}, {"message", verdict.why},
                                  {"params", verdict.start.params}, {"task", task.name}, {"args", task.args}, {"kwargs", task.kwargs},
                                  {"env", std::move(env)}, {"curl", curl}});
    } else {
        print_test(context, *hook, verdict, task, curl);
    }
    return starts ? 0 : 1;
}

} // namespace

Action hook_command(CLI::App& app) {
    const auto options = std::make_shared<TestOptions>();
    app.add_subcommand("list", "The hooks of the configuration, and what they start");
    auto* test = app.add_subcommand("test", "What a delivery would do: filter, parameters, arguments. Starts nothing; exits with 1 where it would start nothing");
    test->add_option("NAME", options->name, "The hook's name")->required();
    test->add_option("--payload", options->payload, "The body that a sender would send; - reads standard input")->type_name("FILE");
    test->add_option("--header", options->headers, "A header that a sender would send, as often as wanted")->type_name("NAME:VALUE");
    test->add_flag("--sign", options->sign, "Print the curl command that sends it to the daemon, signed");
    return [options, test](CommandContext& context, const std::vector<std::string>&) {
        const auto done = test->parsed() ? test_hook(context, *options) : list_hooks(context);
        return done ? *done : fail(context, done.error());
    };
}

} // namespace loom
