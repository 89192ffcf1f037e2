#include "app/http/connections.hpp"

namespace loom {

/// Entries that are leaving are counted out at once: the room is given to who comes.
void Connections::count(const Entry& entry, int change) {
    auto& counts = entry.caller.empty() ? by_address_ : by_caller_;
    const auto& key = entry.caller.empty() ? entry.address : entry.caller;
    const auto at = counts.try_emplace(key, 0).first;
    at->second += static_cast<std::size_t>(change);
    if (at->second == 0) counts.erase(at);
    if (entry.caller.empty()) strangers_ += static_cast<std::size_t>(change);
}

bool Connections::make_room(const std::string* address) {
    Entry* oldest = nullptr;
    for (auto& [id, entry] : entries_) {
        const bool counts = entry.caller.empty() && !entry.leaving && entry.idle_since > 0;
        if (!counts || (address && entry.address != *address)) continue;
        if (!oldest || entry.idle_since < oldest->idle_since) oldest = &entry;
    }
    if (!oldest) return false;
    count(*oldest, -1);
    oldest->leaving = true;
    oldest->close();
    return true;
}

/// For one more that has not shown who it is.
bool Connections::has_room(const std::string& address) {
    const auto from_here = by_address_.find(address);
    if (from_here != by_address_.end() && from_here->second >= limits_.per_address && !make_room(&address)) return false;
    return strangers_ < limits_.unauthenticated || make_room(nullptr);
}

bool Connections::full(const std::string& caller) const {
    const auto have = by_caller_.find(caller);
    return have != by_caller_.end() && have->second >= limits_.per_token;
}

std::optional<Connections::Ticket> Connections::admit(const std::string& address, const std::string& caller,
                                                      std::function<void()> close) {
    const std::lock_guard lock(mutex_);
    if (caller.empty() ? !has_room(address) : full(caller)) return std::nullopt;
    if (entries_.size() >= limits_.connections && !make_room(nullptr)) return std::nullopt;
    Entry entry;
    entry.address = address;
    entry.caller = caller;
    entry.close = std::move(close);
    entry.idle_since = ++moments_;
    count(entry, 1);
    entries_.emplace(++last_id_, std::move(entry));
    return Ticket(*this, last_id_);
}

std::size_t Connections::live() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
}

bool Connections::identify(std::uint64_t id, const std::string& caller) {
    const std::lock_guard lock(mutex_);
    auto& entry = entries_.at(id);
    if (entry.leaving || entry.caller == caller) return true;
    if (full(caller)) return false;
    count(entry, -1);
    entry.caller = caller;
    count(entry, 1);
    return true;
}

void Connections::set_idle(std::uint64_t id, bool now) {
    const std::lock_guard lock(mutex_);
    entries_.at(id).idle_since = now ? ++moments_ : 0;
}

void Connections::leave(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(id);
    if (!at->second.leaving) count(at->second, -1);
    entries_.erase(at);
}

} // namespace loom
