#include "app/worker/conversation.hpp"

#include "app/cli/output/terminal_filter.hpp"
#include "app/worker/limits.hpp"
#include "app/worker/text.hpp"
#include "core/base/log.hpp"
#include "core/run/node_task.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

NodeState stopped_state(StopReason reason) {
    if (reason == StopReason::cancelled) return NodeState::cancelled;
    return reason == StopReason::timed_out ? NodeState::timed_out : NodeState::interrupted;
}

/// Sends a command's output on as it comes, as frames of text. Each piece arrives on the command's strand and is sent on the worker's.
class StreamedOutput {
public:
    StreamedOutput(Worker& worker, std::int64_t request) : state_(std::make_shared<State>(worker, request)) {}
    ~StreamedOutput() { state_->open = false; }

    OutputBuffer::Heard sink() {
        return [state = state_](bool err, std::string_view bytes) {
            const auto strand = state->worker.strand();
            asio::post(strand, [state, err, piece = std::string(bytes)] {
                if (state->open) state->send(err, piece);
            });
        };
    }

private:
    struct State {
        State(Worker& to, std::int64_t of) : worker(to), request(of) {}
        /// A worker that does not read gets the whole at the end.
        void send(bool err, const std::string& piece) {
            auto text = texts[err].take(piece);
            if (text.empty() || worker.unsent() > worker_limits::streamed_bytes) return;
            worker.send({{"type", "output"}, {"id", request}, {"stream", err ? "err" : "out"}, {"text", std::move(text)}});
        }
        Worker& worker;
        std::int64_t request;
        Utf8Stream texts[2];
        bool open = true; ///< on the worker's strand
    };
    std::shared_ptr<State> state_;
};

} // namespace

Conversation::Conversation(Worker& worker, std::int64_t id, const PluginCall& call, NodeHands& hands)
    : worker_(worker), id_(id), call_(call), hands_(hands), bell_(worker.strand()),
      output_(hands.context.output ? hands.context.output : std::make_shared<OutputBuffer>()) {
    outcome_.phase = Phase::command;
}

awaitable<Outcome> Conversation::run() {
    const auto strand = worker_.strand();
    const auto stop = hands_.context.stop;
    worker_.listen(this);
    worker_.send(call_message(id_, call_, hands_.context));
    auto stopped = [this, stop](StopReason reason) { end(stopped_state(reason), reason, stop_message(stop)); };
    const auto registration = stop.on_stop(strand, std::move(stopped));
    const Deadline command(strand, hands_.context.timeout.command,
                           [this] { end(NodeState::timed_out, StopReason::timed_out, "the command's deadline passed"); });
    while (!result_ && !gone_) {
        if (requests_.empty()) {
            co_await bell_.wait();
            continue;
        }
        auto next = std::move(requests_.front());
        requests_.pop_front();
        waiting_bytes_ -= next.bytes;
        co_await answer(std::move(next.request));
    }
    term_.reset();
    kill_.reset();
    worker_.hear_printed();
    worker_.listen(nullptr);
    if (again_) co_await again_->close();
    co_return conclude();
}

void Conversation::end(NodeState state, StopReason reason, std::string why) {
    if (stopped_ || result_ || gone_) return;
    stopped_ = state;
    why_ = std::move(why);
    inner_.request(reason, why_);
    worker_.send(cancel_message(id_, why_));
    const auto grace = std::max(hands_.context.timeout.grace, Milliseconds(1));
    term_.emplace(worker_.strand(), std::min(std::max(grace / 5, Milliseconds(1)), Milliseconds(1000)), [this] { worker_.terminate(); });
    kill_.emplace(worker_.strand(), grace, [this] { worker_.kill("its worker did not end when it was asked to"); });
}

awaitable<void> Conversation::answer(WorkerRequest request) {
    boost::json::object reply{{"type", "reply"}, {"id", request.id}};
    if (stopped_) {
        reply["state"] = to_string(*stopped_);
        reply["message"] = why_;
        worker_.send(reply);
        co_return;
    }
    if (worker_.unsent() > worker_limits::unsent_bytes) {
        worker_.kill("it does not read the replies to what it asks");
        co_return;
    }
    if (!lost_.empty()) {
        const bool back = co_await connect_again();
        if (!back) {
            reply["state"] = to_string(stopped_.value_or(NodeState::lost));
            reply["message"] = lost_;
            worker_.send(reply);
            co_return;
        }
    }
    StreamedOutput stream(worker_, request.id);
    OutputBuffer::Heard heard;
    if (request.stream) heard = stream.sink();
    auto done = co_await perform(hands_, std::move(request), std::move(heard), inner_);
    if (done.lost) lost_ = done.message.empty() ? "the connection was lost" : done.message;
    if (result_) co_return; // nobody waits for it
    for (auto& member : done.reply) reply[member.key()] = std::move(member.value());
    worker_.send(reply);
}

/// What follows a lost connection has a new one: a task may wait for its node to boot.
awaitable<bool> Conversation::connect_again() {
    auto node = *hands_.context.node;
    const auto timeout = hands_.context.timeout;
    std::function<void(Phase)> nobody;
    auto connected = co_await hands_.context.connector->connect(std::move(node), timeout, inner_, std::move(nobody));
    if (!connected.remote) {
        lost_ = std::move(connected.unreached.message);
        co_return false;
    }
    again_ = std::move(connected.remote);
    hands_.context.remote = again_.get();
    lost_.clear();
    co_return true;
}

Result<void> Conversation::heard(boost::json::object message, Descriptor file, std::size_t bytes) {
    if (result_) return usage_error("a message behind the result");
    const auto type = text_of(message, "type");
    if (!type) return type.error();
    if (*type == "remote") {
        waiting_bytes_ += bytes;
        if (requests_.size() >= worker_limits::requests_waiting || waiting_bytes_ > worker_limits::requests_bytes)
            return usage_error("too many requests at once");
        auto request = read_request(message, std::move(file), id_);
        if (!request) return request.error();
        requests_.push_back({std::move(*request), bytes});
    } else if (*type == "result") {
        const auto* of = message.if_contains("call");
        if (!of || !of->is_int64() || of->get_int64() != id_) return usage_error("a result of another call");
        auto result = read_result(message);
        if (!result) return result.error();
        result_ = std::move(*result);
        // What it still asks for, in a thread say, would hold the node and the worker for as long as it likes.
        inner_.request(StopReason::cancelled, "the task has ended");
    } else {
        return take_text(message, *type);
    }
    bell_.ring_here();
    return {};
}

Result<void> Conversation::take_text(const boost::json::object& message, std::string_view type) {
    const auto text = text_of(message, "text");
    if (!text) return text.error();
    if (type == "output") {
        const auto stream = text_of(message, "stream");
        if (!stream) return stream.error();
        if (*stream != "out" && *stream != "err") return usage_error("\"stream\": expected out or err");
        output_->add(*stream == "err", *text);
    } else if (type == "log") {
        log(message, *text);
    } else if (type == "progress") {
        logs::run.debug({hands_.context.of.id, hands_.context.of.job, hands_.context.node->name}, "{}", for_line(*text));
    } else {
        return usage_error(fmt::format("a message of an unknown type, \"{}\"", for_line(type)));
    }
    return {};
}

void Conversation::log(const boost::json::object& message, const std::string& text) {
    if (++lines_ > worker_limits::log_lines) return;
    const auto level = text_of(message, "level");
    const LogFields about{hands_.context.of.id, hands_.context.of.job, hands_.context.node->name};
    const auto line = for_line(text.substr(0, worker_limits::message_bytes));
    if (level == "error") logs::run.error(about, "{}: {}", call_.task.name, line);
    else if (level == "warning") logs::run.warn(about, "{}: {}", call_.task.name, line);
    else if (level == "debug") logs::run.debug(about, "{}: {}", call_.task.name, line);
    else logs::run.info(about, "{}: {}", call_.task.name, line);
}

void Conversation::printed(bool err, std::string_view bytes) { output_->add(err, bytes); }

void Conversation::gone(const std::string& why) {
    gone_ = why;
    inner_.request(StopReason::cancelled, why);
    bell_.ring_here();
}

Outcome Conversation::conclude() {
    if (result_) {
        outcome_.state = result_->state;
        outcome_.message = result_->message;
        outcome_.exit_status = result_->exit_status;
        if (!result_->value.is_null()) {
            // On a line of its own, whatever was printed before.
            const bool cut = output_->look([](std::string_view out, std::string_view) { return !out.empty() && !out.ends_with('\n'); });
            output_->add(false, fmt::format("{}{}\n", cut ? "\n" : "", boost::json::serialize(result_->value)));
        }
        if (!lost_.empty() && result_->state == NodeState::failed) {
            outcome_.state = NodeState::lost;
            outcome_.message = lost_;
        }
    } else if (gone_) {
        outcome_.message = *gone_;
    }
    if (stopped_) {
        outcome_.state = *stopped_;
        outcome_.message = why_;
    }
    output_->finish(outcome_);
    return std::move(outcome_);
}

} // namespace loom
