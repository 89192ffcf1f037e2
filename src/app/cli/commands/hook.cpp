#include "app/cli/answer.hpp"
#include "app/cli/command_table.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "app/files/places.hpp"
#include "app/files/text_file.hpp"
#include "app/hooks/judge.hpp"
#include "app/hooks/verify.hpp"
#include "core/base/base64.hpp"
#include "core/base/bytes.hpp"
#include "core/base/digest.hpp"
#include "core/base/limits.hpp"
#include "core/base/quote.hpp"

#include <iterator>
#include <ostream>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace loom {
namespace {

namespace json = boost::json;

Result<int> list_hooks(CommandContext& context, Service& service) {
    const auto list = context.wait(service.hooks());
    if (!list) return list.error();
    if (context.json) {
        print_json(context, *list);
        return 0;
    }
    Table table({{"HOOK", 0, 10}, {"JOB", 0, 10}, {"VERIFY", 1, 8}, {"PATH", 2, 12}, {"PARAMETERS", 4, 10}, {"FILTER", 3, 12}, {"NOTE", 2, 12}});
    for (const auto& hook : list->items)
        table.add({hook.name, hook.job, hook.verify, hook.path, hook.parameters, hook.filter, {hook.message, Colour::red}});
    print(context, table);
    return 0;
}

struct TestOptions {
    std::string name, payload;
    std::vector<std::string> headers;
    bool sign = false;
};

Result<std::string> payload_of(CommandContext& context, const TestOptions& options) {
    std::string body;
    if (options.payload == "-") {
        body.assign(std::istreambuf_iterator<char>(context.streams.in), std::istreambuf_iterator<char>());
    } else if (!options.payload.empty()) {
        auto file = read_text_file(options.payload, limits::http_body_bytes);
        if (!file) return usage_error("--payload: " + file.error().message);
        body = std::move(file->text);
    }
    if (body.size() > limits::input_bytes)
        return usage_error(fmt::format("--payload: at most {} are tried here", size_words(limits::input_bytes)));
    return body;
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

std::string outcome_of(const HookTestView& tried) {
    if (tried.starts) return "starts the job";
    return (tried.left_out ? "left out: " : "refused: ") + tried.message;
}

void print_test(CommandContext& context, const HookTestView& tried, const std::string& curl) {
    auto& out = context.streams.out;
    const auto paint = out_paint(context);
    out << fmt::format("hook:     {} ({}) → job {}\n", for_line(tried.hook), tried.verify, for_line(tried.job));
    out << "delivery: " << paint(tried.starts ? Colour::green : Colour::yellow, for_line(outcome_of(tried))) << '\n';
    if (tried.starts) {
        for (const auto& [name, value] : tried.params)
            out << fmt::format("params:   {} = {}\n", for_line(name), for_line(json::serialize(value)));
        out << "task:     " << for_line(tried.work.at("task").as_string()) << '\n';
        out << "args:     " << for_line(json::serialize(tried.work.at("args"))) << '\n';
        out << "kwargs:   " << for_line(json::serialize(tried.work.at("kwargs"))) << '\n';
        for (const auto& [name, value] : tried.work.at("env").as_object())
            out << "env:      " << for_line(std::string(name) + "=" + json::value_to<std::string>(value)) << '\n';
    }
    if (!curl.empty()) out << for_line(curl) << '\n';
    out << std::flush;
}

/// Signed with the secret, which the daemon's own machine has.
Result<std::string> signed_curl(CommandContext& context, const OpenService& open, const TestOptions& options, const std::string& body) {
    if (!options.sign) return std::string();
    if (open.remote) return usage_error("--sign: only the daemon's own machine has the secret");
    const auto catalog = context.load_catalog(context.config);
    if (!catalog) return catalog.error();
    const auto* hook = (*catalog)->find_hook(options.name);
    if (!hook) return not_found(fmt::format("there is no hook \"{}\" in {}", options.name, (*catalog)->settings.file));
    const auto delivery = tried_delivery(options.headers, body);
    if (!delivery) return delivery.error();
    return curl_of((*catalog)->settings, *hook, *delivery, options, context.clock.now());
}

Result<int> test_hook(CommandContext& context, const OpenService& open, const TestOptions& options) {
    const auto body = payload_of(context, options);
    if (!body) return body.error();
    TestHook request;
    request.name = options.name;
    request.headers = options.headers;
    request.body_base64 = base64_encode(*body);
    const auto tried = context.wait(open.service->test_hook(request));
    if (!tried) return tried.error();
    const auto curl = signed_curl(context, open, options, *body);
    if (!curl) return curl.error();
    if (context.json) {
        auto json = tried->work;
        json["hook"] = tried->hook;
        json["job"] = tried->job;
        json["starts"] = tried->starts;
        json["message"] = tried->message;
        json["params"] = tried->params;
        json["curl"] = *curl;
        print_json_line(context, json);
    } else {
        print_test(context, *tried, *curl);
        if (!tried->starts && options.payload.empty()) say(context, "This was a delivery without a body; give one by --payload FILE, its headers by --header.");
    }
    return tried->starts ? 0 : 1;
}

} // namespace

Action hook_command(CLI::App& app) {
    const auto options = std::make_shared<TestOptions>();
    app.add_subcommand("list", "The hooks of the configuration, and what they start");
    auto* test = app.add_subcommand("test", "What a delivery would do: filter, parameters, arguments. Starts nothing; exits with 1 where it would start nothing");
    test->add_option("HOOK", options->name, "The hook's name")->required();
    test->add_option("--payload", options->payload, "The body that a sender would send; - reads standard input")->type_name("FILE");
    test->add_option("--header", options->headers, "A header that a sender would send, as often as wanted")->type_name("NAME:VALUE");
    test->add_flag("--sign", options->sign, "Print the curl command that sends it to the daemon, signed");
    return [options, test](CommandContext& context, const std::vector<std::string>&) {
        return with_service(context, Need::read, [&](OpenService& open) {
            return test->parsed() ? test_hook(context, open, *options) : list_hooks(context, *open.service);
        });
    };
}

} // namespace loom
