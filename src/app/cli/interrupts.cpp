#include "app/cli/context.hpp"

#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <mutex>

namespace loom {
namespace {

/// A signal set that waits again after each signal; replacing the callback ends the former wait.
class Interrupts : public std::enable_shared_from_this<Interrupts> {
public:
    explicit Interrupts(const Executor& executor) : executor_(executor) {}

    void set(std::function<void()> callback) {
        const std::lock_guard lock(mutex_);
        signals_.reset();
        callback_ = std::move(callback);
        if (!callback_) return;
        signals_ = std::make_unique<asio::signal_set>(executor_, SIGINT, SIGTERM);
        wait();
    }

private:
    /// The mutex is held.
    void wait() {
        signals_->async_wait([self = shared_from_this()](error_code ec, int) {
            if (ec) return;
            std::function<void()> callback;
            {
                const std::lock_guard lock(self->mutex_);
                callback = self->callback_;
                if (self->signals_) self->wait();
            }
            if (callback) callback();
        });
    }

    Executor executor_;
    std::mutex mutex_;
    std::function<void()> callback_;
    std::unique_ptr<asio::signal_set> signals_;
};

} // namespace

std::function<void(std::function<void()>)> signal_interrupts(const Executor& executor) {
    const auto interrupts = std::make_shared<Interrupts>(executor);
    return [interrupts](std::function<void()> callback) { interrupts->set(std::move(callback)); };
}

} // namespace loom
