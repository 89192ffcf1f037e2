#include "core/schedule/agenda.hpp"

#include "core/base/prefetch.hpp"

#include <algorithm>
#include <bit>

namespace loom {
namespace {

/// Milliseconds to ring 0's slot number: 1024 to a slot.
std::int64_t slot_of(Instant at) { return at.time_since_epoch().count() >> 10; }

} // namespace

Agenda::Agenda() : slots_(rings * ring_slots) {}

void Agenda::add(Entry entry, Instant due) {
    if (entry >= places_.size()) places_.resize(std::max<std::size_t>(entry + 1, places_.size() * 2));
    remove(entry);
    place(entry, due);
    if (stale_ > live_ + 4096) lay_out(position_);
}

void Agenda::remove(Entry entry) {
    if (entry >= places_.size() || places_[entry].slot == nowhere) return;
    auto& home = places_[entry];
    auto& slot = slots_[home.slot];
    slot.earliest_known = false;
    --live_;
    ++stale_;
    ++home.stamp;
    if (--slot.live == 0) {
        stale_ -= slot.items.size();
        empty(home.slot);
    }
    home.slot = nowhere;
}

void Agenda::clear() {
    *this = Agenda();
}

/// Puts a live entry into the lowest ring that reaches its due time; what is overdue goes where the next look falls.
void Agenda::place(Entry entry, Instant due) {
    const auto number = std::max(slot_of(due), position_);
    std::size_t ring = 0;
    std::int64_t at = number;
    std::int64_t distance = number - position_;
    while (distance >= static_cast<std::int64_t>(ring_slots) && ring + 1 < rings) {
        ++ring;
        at = number >> (ring_bits * ring);
        distance = at - number_in(ring);
    }
    // Beyond the last ring: as far away as it goes, and from there again.
    if (distance >= static_cast<std::int64_t>(ring_slots)) at -= distance - static_cast<std::int64_t>(ring_slots) + 1;
    const auto index = ring * ring_slots + (static_cast<std::size_t>(at) & (ring_slots - 1));

    auto& slot = slots_[index];
    if (slot.live == 0) {
        mark(index, true);
        slot.earliest = due;
        slot.earliest_known = true;
    } else if (due < slot.earliest) {
        slot.earliest = due;
    }
    if (slot.items.empty()) {
        // The room of a slot that was emptied, so that it is not grown and given back for each.
        slot.items.swap(spare_);
        slot.items.clear();
    }
    slot.falling = slot.items.empty() || (slot.falling && due < slot.items.back().due);
    ++slot.live;
    ++live_;
    auto& home = places_[entry];
    home.slot = static_cast<std::uint32_t>(index);
    slot.items.push_back({due, entry, home.stamp});
}

void Agenda::mark(std::size_t slot, bool used) {
    const auto bit = std::uint64_t{1} << (slot % 64);
    if (used) used_[slot / 64] |= bit;
    else used_[slot / 64] &= ~bit;
}

/// The number of the ring's first slot, from that number on, that holds something live.
std::optional<std::int64_t> Agenda::first_used(std::size_t ring, std::int64_t from) const {
    constexpr std::size_t words = ring_slots / 64;
    const auto start = static_cast<std::size_t>(from) & (ring_slots - 1);
    for (std::size_t i = 0; i <= words; ++i) {
        const auto word = (start / 64 + i) % words;
        auto bits = used_[ring * words + word];
        if (i == 0) bits &= ~std::uint64_t{0} << (start % 64);
        if (bits == 0) continue;
        const auto index = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
        const auto number = from + static_cast<std::int64_t>((index - start) & (ring_slots - 1));
        if (number - number_in(ring) >= static_cast<std::int64_t>(ring_slots)) return std::nullopt; // once around
        return number;
    }
    return std::nullopt;
}

std::int64_t Agenda::number_in(std::size_t ring) const { return position_ >> (ring_bits * ring); }

Instant Agenda::earliest(const Slot& slot) const {
    if (slot.earliest_known) return slot.earliest;
    auto least = Instant::max();
    for (const auto& item : slot.items)
        if (is_live(item)) least = std::min(least, item.due);
    return least;
}

std::optional<Instant> Agenda::next_due() const {
    std::optional<Instant> least;
    for (std::size_t ring = 0; ring < rings; ++ring) {
        auto number = first_used(ring, number_in(ring));
        while (number) {
            const auto due = earliest(slots_[ring * ring_slots + (static_cast<std::size_t>(*number) & (ring_slots - 1))]);
            if (!least || due < *least) least = due;
            // A slot may hold only what lies farther than the ring reached; then a later slot may be due before.
            if (slot_of(due) >> (ring_bits * ring) <= *number) break;
            number = first_used(ring, *number + 1);
        }
    }
    return least;
}

/// Hands out all items of a slot, live or not, and leaves it as new.
std::vector<Agenda::Item> Agenda::empty(std::size_t slot) {
    auto items = std::move(slots_[slot].items);
    slots_[slot] = Slot{};
    mark(slot, false);
    return items;
}

/// Goes to a position that no used slot lies before, and spreads the upper slots that begin there over the ring below.
void Agenda::move_down(std::int64_t position) {
    position_ = position;
    for (std::size_t ring = rings - 1; ring > 0; --ring) {
        const auto shift = static_cast<int>(ring_bits * ring);
        if ((position & ((std::int64_t{1} << shift) - 1)) != 0) continue;
        const auto index = ring * ring_slots + (static_cast<std::size_t>(position >> shift) & (ring_slots - 1));
        if (slots_[index].live == 0) continue;
        live_ -= slots_[index].live;
        for (const auto& item : empty(index)) {
            if (is_live(item)) place(item.entry, item.due);
            else --stale_;
        }
    }
}

void Agenda::take_slot(std::size_t index, Instant now, std::vector<Due>& due) {
    auto& slot = slots_[index];
    if (!slot.falling) {
        // Those of one due time come out as they were added, so that equal days have equal orders.
        std::ranges::reverse(slot.items);
        if (!std::ranges::is_sorted(slot.items, std::ranges::greater{}, &Item::due))
            std::ranges::stable_sort(slot.items, std::ranges::greater{}, &Item::due);
        slot.falling = true;
    }
    while (!slot.items.empty()) {
        const auto item = slot.items.back();
        // At a million jobs each of these is a miss of the cache.
        if (slot.items.size() > prefetch_ahead) prefetch(places_[slot.items.end()[-1 - prefetch_ahead].entry]);
        if (is_live(item)) {
            if (item.due > now) break;
            due.push_back({item.entry, item.due});
            places_[item.entry].slot = nowhere;
            ++places_[item.entry].stamp;
            --slot.live;
            --live_;
        } else {
            --stale_;
        }
        slot.items.pop_back();
    }
    if (slot.items.empty()) {
        spare_ = empty(index);
    } else {
        slot.earliest = slot.items.back().due;
        slot.earliest_known = true;
    }
}

void Agenda::take_due(Instant now, std::vector<Due>& due) {
    due.clear();
    const auto target = slot_of(now);
    if (target < position_ || target - position_ >= std::int64_t{1} << (ring_bits * rings)) lay_out(target);
    for (;;) {
        // The first thing that lies ahead: a slot to take from, or one to spread over the ring below.
        auto ahead = first_used(0, position_);
        for (std::size_t ring = 1; ring < rings; ++ring)
            if (const auto number = first_used(ring, number_in(ring))) {
                const auto begin = *number << (ring_bits * ring);
                if (!ahead || begin < *ahead) ahead = begin;
            }
        if (!ahead || *ahead > target) break;
        move_down(*ahead);
        const auto index = static_cast<std::size_t>(*ahead) & (ring_slots - 1);
        if (slots_[index].live > 0) take_slot(index, now, due);
        if (*ahead == target) break;
    }
    move_down(std::max(position_, target));
}

/// Places every live entry anew around `position`, and forgets the stale items.
void Agenda::lay_out(std::int64_t position) {
    std::vector<Item> all;
    all.reserve(live_);
    for (std::size_t slot = 0; slot < slots_.size(); ++slot)
        for (const auto& item : empty(slot))
            if (is_live(item)) all.push_back(item);
    position_ = position;
    live_ = stale_ = 0;
    for (const auto& item : all) place(item.entry, item.due);
}

} // namespace loom
