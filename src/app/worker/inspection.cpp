#include "app/worker/inspection.hpp"

#include "app/cli/output/terminal_filter.hpp"
#include "app/worker/limits.hpp"
#include "app/worker/messages.hpp"
#include "core/async/deadline.hpp"

#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

class Inspection final : public WorkerListener {
public:
    Inspection(const Executor& strand, std::int64_t id) : id_(id), bell_(strand) {}

    Result<void> heard(boost::json::object message, Descriptor, std::size_t) override {
        const auto type = text_of(message, "type");
        if (type == "log" || type == "output") return {};
        const auto* id = message.if_contains("call");
        if (!id) id = message.if_contains("id");
        if (type != "result" || !id || !id->is_int64() || id->get_int64() != id_ || found_) return usage_error("expected what it found");
        const auto result = read_result(message);
        if (!result) return result.error();
        found_ = result->state == NodeState::failed ? Result<Found>(Error{Errc::config, for_line(result->message)}) : read_found(result->value);
        bell_.ring_here();
        return {};
    }

    void printed(bool, std::string_view) override {}

    void gone(const std::string& why) override {
        if (!found_) found_ = Result<Found>(Error{Errc::failed, why});
        bell_.ring_here();
    }

    awaitable<Result<Found>> outcome() {
        while (!found_) co_await bell_.wait();
        co_return *found_;
    }

private:
    static Result<Found> read_found(const boost::json::value& value) {
        Found found;
        const auto* object = value.if_object();
        if (!object) return found;
        auto signature = text_of(*object, "signature"), summary = text_of(*object, "summary");
        if (signature) found.signature = for_line(*signature);
        if (summary) found.summary = for_line(*summary);
        return found;
    }

    const std::int64_t id_;
    Bell bell_;
    std::optional<Result<Found>> found_;
};

} // namespace

awaitable<Result<Found>> inspect_task(Worker& worker, std::int64_t id, std::string task) {
    Inspection inspection(worker.strand(), id);
    worker.listen(&inspection);
    worker.send(inspect_message(id, task));
    const Deadline late(worker.strand(), worker_limits::inspect_time, [&worker] {
        worker.kill(fmt::format("its module was not imported within {} s", worker_limits::inspect_time.count()));
    });
    auto found = co_await inspection.outcome();
    worker.listen(nullptr);
    co_return found;
}

} // namespace loom
