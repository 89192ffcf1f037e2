#include "app/worker/greeting.hpp"

#include "app/cli/output/terminal_filter.hpp"
#include "app/worker/launch_order.hpp"
#include "app/worker/limits.hpp"
#include "app/worker/messages.hpp"
#include "core/async/deadline.hpp"
#include "core/run/json.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

std::vector<std::string> texts_of(const boost::json::object& message, std::string_view key) {
    std::vector<std::string> texts;
    const auto* value = message.if_contains(key);
    if (const auto* list = value ? value->if_array() : nullptr)
        for (const auto& item : *list)
            if (const auto* text = item.if_string()) texts.emplace_back(*text);
    return texts;
}

/// The last line that says something: of a traceback, what went wrong.
std::string last_line(std::string_view text) {
    const auto end = text.find_last_not_of(" \t\r\n");
    if (end == std::string_view::npos) return {};
    text = text.substr(0, end + 1);
    const auto newline = text.rfind('\n');
    return for_line(newline == std::string_view::npos ? text : text.substr(newline + 1));
}

class Greeting final : public WorkerListener {
public:
    explicit Greeting(const Executor& strand) : bell_(strand) {}

    Result<void> heard(boost::json::object message, Descriptor, std::size_t) override {
        const auto type = text_of(message, "type");
        if (type == "sandbox" && !started_) return take_sandbox(message);
        if (type == "refused" && !started_) return take_refusal(message);
        if (type == "hello" && started_ && !done_) return take_hello(message);
        if (type == "log") return {};
        return usage_error("expected its hello");
    }

    void printed(bool, std::string_view bytes) override {
        said_ += bytes;
        if (said_.size() > worker_limits::greeting_bytes) said_.erase(0, said_.size() - worker_limits::greeting_bytes);
    }

    void gone(const std::string& why) override {
        if (failure_.empty()) {
            const auto line = last_line(said_);
            failure_ = fmt::format("its worker did not come up: {}", line.empty() ? why : line);
        }
        finish();
    }

    awaitable<Result<WorkerFacts>> outcome() {
        while (!done_) co_await bell_.wait();
        if (!failure_.empty()) co_return Error{Errc::failed, failure_};
        co_return facts_;
    }

    /// The first reason stays.
    void fail(std::string why) {
        if (failure_.empty()) failure_ = std::move(why);
        finish();
    }

private:
    void finish() {
        done_ = true;
        bell_.ring_here();
    }

    Result<void> take_sandbox(const boost::json::object& message) {
        started_ = true;
        if (const auto* pid = message.if_contains("pid"); pid && pid->is_int64()) facts_.pid = static_cast<pid_t>(pid->get_int64());
        facts_.layers = texts_of(message, "layers");
        facts_.missing = texts_of(message, "missing");
        return {};
    }

    Result<void> take_refusal(const boost::json::object& message) {
        const auto why = text_of(message, "message");
        fail("its worker is not started: " + (why ? *why : std::string("no reason was given")));
        return {};
    }

    Result<void> take_hello(const boost::json::object& message) {
        const auto* protocol = message.if_contains("protocol");
        if (!protocol || !protocol->is_int64() || protocol->get_int64() != protocol_version)
            return usage_error(fmt::format("it does not speak version {} of the protocol", protocol_version));
        const auto name = text_of(message, "worker");
        if (!name) return name.error();
        facts_.speaks = for_line(name->substr(0, 200));
        finish();
        return {};
    }

    Bell bell_;
    WorkerFacts facts_;
    std::string said_, failure_;
    bool started_ = false, done_ = false;
};

} // namespace

awaitable<Result<WorkerFacts>> greet(Worker& worker, Plugin plugin, std::uint32_t place, StopToken stop) {
    Greeting greeting(worker.strand());
    worker.listen(&greeting);
    const auto order = to_json(launch_order(*std::as_const(plugin), place));
    worker.send(order.get_object());
    worker.send(hello_message(*std::as_const(plugin)));
    auto stopped = [&greeting](StopReason) { greeting.fail("stopped before its worker came up"); };
    const auto registration = stop.on_stop(worker.strand(), std::move(stopped));
    const Deadline late(worker.strand(), worker_limits::start_time, [&greeting] {
        greeting.fail(fmt::format("its worker did not come up within {} s", worker_limits::start_time.count()));
    });
    auto facts = co_await greeting.outcome();
    worker.listen(nullptr);
    co_return facts;
}

} // namespace loom
