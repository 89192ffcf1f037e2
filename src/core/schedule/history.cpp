#include "core/schedule/history.hpp"

#include <algorithm>

namespace loom {

History History::known(Facts facts, Instant now) {
    History history;
    history.facts_ = std::move(facts);
    if (history.facts_.last_due) history.begin_ = *history.facts_.last_due;
    history.set_back(now);
    return history;
}

void History::add(const Decision& decision, bool gap) {
    if (decision.kind == Decision::Kind::fire) ++facts_.started;
    if (!facts_.last_due || gap) {
        if (facts_.last_due) keep({begin_, *facts_.last_due});
        begin_ = decision.due;
    }
    facts_.last_due = decision.due;
}

bool History::has(Instant due) const {
    return (facts_.last_due && begin_ <= due && due <= *facts_.last_due) ||
           std::ranges::any_of(others_, [&](const auto& stretch) { return stretch.holds(due); });
}

Instant History::first_open(Instant at) const {
    if (facts_.last_due && begin_ <= at && at <= *facts_.last_due) at = *facts_.last_due + Milliseconds(1);
    for (std::size_t i = 0; i < others_.size(); ++i)
        for (const auto& stretch : others_)
            if (stretch.holds(at)) at = stretch.end + Milliseconds(1);
    return at;
}

void History::set_back(Instant now) {
    if (facts_.since > now) facts_.since = now;
    if (!facts_.last_due || begin_ <= now) return;
    keep({begin_, *facts_.last_due});
    // The newest stretch that began by now goes on.
    facts_.last_due.reset();
    auto newest = others_.end();
    for (auto one = others_.begin(); one != others_.end(); ++one)
        if (one->begin <= now && (newest == others_.end() || newest->begin < one->begin)) newest = one;
    if (newest == others_.end()) {
        facts_.since = std::max(facts_.since, now);
        return;
    }
    begin_ = newest->begin;
    facts_.last_due = newest->end;
    others_.erase(newest);
}

void History::keep(Stretch stretch) {
    others_.push_back(stretch);
    if (others_.size() <= limits::clock_stretches) return;
    std::ranges::sort(others_, {}, &Stretch::begin);
    auto nearest = others_.begin();
    for (auto one = others_.begin(); one + 1 != others_.end(); ++one)
        if (one[1].begin - one[0].end < nearest[1].begin - nearest[0].end) nearest = one;
    nearest->end = std::max(nearest[0].end, nearest[1].end);
    others_.erase(nearest + 1);
}

} // namespace loom
