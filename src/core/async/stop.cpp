#include "core/async/stop.hpp"

#include <algorithm>
#include <atomic>
#include <list>
#include <mutex>
#include <vector>

namespace loom {

struct StopToken::Entry {
    Executor executor;
    std::function<void(StopReason)> callback;
    std::atomic<bool> alive{true};
    bool listed = false; ///< guarded by the state's mutex, as is `place`
    std::list<std::shared_ptr<Entry>>::iterator place;
};

struct StopToken::State {
    std::mutex mutex;
    std::atomic<StopReason> reason{StopReason::none};
    std::string words;
    std::list<std::shared_ptr<Entry>> entries; ///< a run has one or more for each node in flight
    std::vector<std::weak_ptr<State>> children;

    bool stop(StopReason why, const std::string& said) {
        std::list<std::shared_ptr<Entry>> told;
        std::vector<std::weak_ptr<State>> below;
        {
            const std::lock_guard lock(mutex);
            if (reason != StopReason::none) return false;
            words = said;
            reason = why;
            told.swap(entries);
            for (const auto& entry : told) entry->listed = false;
            below.swap(children);
        }
        for (auto& entry : told) post(std::move(entry), why);
        for (const auto& child : below)
            if (const auto state = child.lock()) state->stop(why, said);
        return true;
    }

    static void post(std::shared_ptr<Entry> entry, StopReason why) {
        const auto executor = entry->executor;
        asio::post(executor, [entry = std::move(entry), why] {
            if (entry->alive) entry->callback(why);
        });
    }
};

StopToken::StopToken() : state_(std::make_shared<State>()) {}

bool StopToken::request(StopReason reason, std::string words) const { return state_->stop(reason, words); }

std::string StopToken::words() const {
    const std::lock_guard lock(state_->mutex);
    return state_->words;
}

StopReason StopToken::reason() const { return state_->reason; }

StopToken StopToken::child() const {
    StopToken made;
    auto why = StopReason::none;
    {
        const std::lock_guard lock(state_->mutex);
        why = state_->reason;
        if (why == StopReason::none) {
            std::erase_if(state_->children, [](const auto& child) { return child.expired(); });
            state_->children.push_back(made.state_);
        }
    }
    if (why != StopReason::none) made.request(why, words());
    return made;
}

StopToken::Registration StopToken::on_stop(const Executor& executor, std::function<void(StopReason)> callback) const {
    Registration registration;
    registration.state_ = state_;
    registration.entry_ = std::make_shared<Entry>();
    registration.entry_->executor = executor;
    registration.entry_->callback = std::move(callback);
    auto why = StopReason::none;
    {
        const std::lock_guard lock(state_->mutex);
        why = state_->reason;
        if (why == StopReason::none) {
            auto& entry = *registration.entry_;
            entry.place = state_->entries.insert(state_->entries.end(), registration.entry_);
            entry.listed = true;
        }
    }
    if (why != StopReason::none) State::post(registration.entry_, why);
    return registration;
}

StopToken::Registration::~Registration() {
    if (!entry_) return;
    entry_->alive = false;
    const std::lock_guard lock(state_->mutex);
    if (entry_->listed) state_->entries.erase(entry_->place);
}

StopToken::Registration& StopToken::Registration::operator=(Registration&& other) noexcept {
    std::swap(state_, other.state_);
    std::swap(entry_, other.entry_);
    return *this;
}

} // namespace loom
