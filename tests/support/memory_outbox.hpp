#pragma once
#include "core/base/limits.hpp"
#include "core/run/outbox.hpp"

#include <algorithm>
#include <deque>
#include <mutex>

namespace loom {

/// Outbox in memory, for tests of what stands on it. Changes are put in by `change`. Any thread.
class MemoryOutbox final : public Outbox {
public:
    void change(std::string run, bool noted = false) {
        const std::scoped_lock lock(mutex_);
        if (!wanted_) return;
        changes_.push_back({++last_, std::move(run), noted});
    }

    Result<void> want(bool changes) override {
        const std::scoped_lock lock(mutex_);
        wanted_ = changes;
        if (!changes) changes_.clear();
        return {};
    }
    Result<std::vector<RunChange>> changes(std::size_t most) override {
        const std::scoped_lock lock(mutex_);
        return std::vector<RunChange>(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(std::min(most, changes_.size())));
    }
    Result<void> decide(const std::vector<RunChange>& looked_at, const std::vector<OutboxEntry>& fresh) override {
        const std::scoped_lock lock(mutex_);
        for (const auto& one : looked_at) std::erase_if(changes_, [&](const auto& other) { return other.number == one.number; });
        for (auto entry : fresh) {
            entry.key = ++last_;
            entries_.push_back(std::move(entry));
        }
        auto waiting = std::ranges::count(entries_, false, &OutboxEntry::dead);
        for (auto& entry : entries_) {
            if (waiting <= static_cast<std::ptrdiff_t>(limits::outbox_entries)) break;
            if (entry.dead) continue;
            entry.dead = true;
            entry.error = "too many wait: the oldest are given up";
            --waiting;
        }
        bury();
        return {};
    }
    Result<std::vector<OutboxEntry>> due(Instant now, std::size_t most) override {
        const std::scoped_lock lock(mutex_);
        std::vector<OutboxEntry> found;
        for (const auto& entry : entries_)
            if (!entry.dead && entry.next <= now) found.push_back(entry);
        std::ranges::stable_sort(found, {}, &OutboxEntry::next);
        if (found.size() > most) found.resize(most);
        return found;
    }
    Result<std::optional<Instant>> next_due() override {
        const std::scoped_lock lock(mutex_);
        std::optional<Instant> next;
        for (const auto& entry : entries_)
            if (!entry.dead && (!next || entry.next < *next)) next = entry.next;
        return next;
    }
    Result<void> sent(std::int64_t key) override {
        const std::scoped_lock lock(mutex_);
        std::erase_if(entries_, [&](const auto& entry) { return entry.key == key; });
        return {};
    }
    Result<void> failed(std::int64_t key, std::optional<Instant> next, const std::string& error) override {
        const std::scoped_lock lock(mutex_);
        for (auto& entry : entries_) {
            if (entry.key != key) continue;
            ++entry.attempts;
            entry.error = error;
            entry.dead = !next;
            if (next) entry.next = *next;
        }
        bury();
        return {};
    }
    Result<std::vector<OutboxEntry>> entries(std::size_t most) override {
        const std::scoped_lock lock(mutex_);
        std::vector<OutboxEntry> all(entries_.rbegin(), entries_.rend());
        std::ranges::stable_sort(all, {}, &OutboxEntry::dead);
        if (all.size() > most) all.resize(most);
        return all;
    }

    Result<OutboxCounts> counts() override {
        const std::scoped_lock lock(mutex_);
        const auto dead = static_cast<std::uint64_t>(std::ranges::count(entries_, true, &OutboxEntry::dead));
        return OutboxCounts{entries_.size() - dead, dead};
    }

private:
    void bury() {
        auto beyond = std::ranges::count(entries_, true, &OutboxEntry::dead) - static_cast<std::ptrdiff_t>(limits::outbox_dead);
        std::erase_if(entries_, [&](const auto& entry) { return entry.dead && beyond-- > 0; });
    }

    std::mutex mutex_;
    bool wanted_ = false;
    std::int64_t last_ = 0;
    std::deque<RunChange> changes_;
    std::vector<OutboxEntry> entries_;
};

} // namespace loom
