#include "core/schedule/agenda.hpp"
#include "support/catch.hpp"

#include <cstdlib>
#include <map>
#include <random>

namespace loom {
namespace {

using namespace std::chrono;

const Instant start = sys_days(2026y / 1 / 1);

std::vector<Agenda::Entry> take(Agenda& agenda, Instant now) {
    std::vector<Agenda::Due> due;
    agenda.take_due(now, due);
    std::vector<Agenda::Entry> entries;
    for (const auto& d : due) {
        CHECK(d.at <= now);
        entries.push_back(d.entry);
    }
    return entries;
}

using Entries = std::vector<Agenda::Entry>;

} // namespace

TEST_CASE("an empty agenda has nothing due") {
    Agenda agenda;
    CHECK(!agenda.next_due());
    CHECK(take(agenda, start).empty());
    agenda.remove(7);
    CHECK(agenda.size() == 0);
}

TEST_CASE("entries come out at their time, in order, once") {
    Agenda agenda;
    agenda.add(3, start + 2min);
    agenda.add(1, start + 1min);
    agenda.add(2, start + 1min + 1ms);
    CHECK(agenda.next_due() == start + 1min);
    CHECK(take(agenda, start + 1min - 1ms).empty());
    CHECK(take(agenda, start + 1min) == Entries{1});
    CHECK(agenda.next_due() == start + 1min + 1ms);
    CHECK(take(agenda, start + 1h) == Entries{2, 3});
    CHECK(take(agenda, start + 1h).empty());
    CHECK(!agenda.next_due());
}

TEST_CASE("entries of one time come out as they were added") {
    Agenda agenda;
    for (const Agenda::Entry e : {5u, 2u, 9u, 4u}) agenda.add(e, start);
    CHECK(take(agenda, start) == Entries{5, 2, 9, 4});
}

TEST_CASE("adding again replaces, removing forgets") {
    Agenda agenda;
    agenda.add(1, start + 1min);
    agenda.add(1, start + 5min);
    CHECK(agenda.size() == 1);
    CHECK(agenda.next_due() == start + 5min);
    agenda.add(1, start + 1min);
    agenda.add(2, start + 1min + 10ms);
    CHECK(agenda.next_due() == start + 1min);
    agenda.remove(1);
    agenda.remove(1);
    CHECK(agenda.size() == 1);
    CHECK(agenda.next_due() == start + 1min + 10ms);
    CHECK(take(agenda, start + 1h) == Entries{2});
    agenda.add(2, start + 2h);
    agenda.clear();
    CHECK(agenda.size() == 0);
    CHECK(take(agenda, start + 3h).empty());
}

TEST_CASE("a sleep of years takes what is due at once, and in order") {
    Agenda agenda;
    agenda.add(1, start + 1s);
    agenda.add(2, start + days(40));
    agenda.add(3, start + days(3000));
    agenda.add(4, start + days(15'000));
    CHECK(take(agenda, start + days(3000)) == Entries{1, 2, 3});
    CHECK(agenda.next_due() == start + days(15'000));
}

TEST_CASE("what lies beyond all rings still comes at its time") {
    Agenda agenda;
    const Instant far = sys_days(2900y / 1 / 1);
    agenda.add(1, far);
    CHECK(agenda.next_due() == far);
    CHECK(take(agenda, far - 1ms).empty());
    CHECK(take(agenda, far) == Entries{1});

    // Waiting at the ring's end, it does not hide what is due after that end but before it.
    Agenda walked;
    take(walked, start);
    walked.add(1, start + days(5000));
    take(walked, start + days(150));
    walked.add(2, start + days(250));
    CHECK(walked.next_due() == start + days(250));
    for (int day = 150; day < 5000; day += 40) CHECK(take(walked, start + days(day)) == (day == 270 ? Entries{2} : Entries{}));
    CHECK(take(walked, start + days(5000)) == Entries{1});
}

TEST_CASE("a clock that is set back loses nothing and fires nothing early") {
    Agenda agenda;
    agenda.add(1, start + 1h);
    agenda.add(2, start + 24h);
    CHECK(take(agenda, start + 2h) == Entries{1});
    agenda.add(1, start - 10h);
    agenda.add(3, start - 5h);
    CHECK(take(agenda, start - 20h).empty());
    CHECK(agenda.next_due() == start - 10h);
    CHECK(take(agenda, start - 10h) == Entries{1});
    CHECK(take(agenda, start + 24h) == Entries{3, 2});
}

TEST_CASE("an overdue entry is due at once") {
    Agenda agenda;
    take(agenda, start);
    agenda.add(1, start - days(400));
    CHECK(agenda.next_due() == start - days(400));
    CHECK(take(agenda, start) == Entries{1});
}

TEST_CASE("random work agrees with an ordered map") {
    std::mt19937_64 random(9);
    for (int round = 0; round < (std::getenv("LOOM_TEST_LONG") ? 200 : 6); ++round) {
        Agenda agenda;
        std::map<Agenda::Entry, Instant> model;
        auto now = start;
        const auto soon = [&] {
            const milliseconds reach[] = {2s, 10min, 40min, days(3), days(60), days(9000)};
            return milliseconds(static_cast<long>(random() % static_cast<unsigned long>(reach[random() % 6].count())));
        };
        std::vector<Agenda::Due> due;
        for (int step = 0; step < 3000; ++step) {
            const auto entry = static_cast<Agenda::Entry>(random() % 200);
            switch (random() % 8) {
            case 0:
                agenda.remove(entry);
                model.erase(entry);
                break;
            case 1: {
                if (random() % 4 == 0) now += soon();
                else if (random() % 20 == 0) now -= soon();
                else now += milliseconds(random() % 3000);
                agenda.take_due(now, due);
                auto before = Instant::min();
                bool good = true;
                for (const auto& d : due) {
                    const auto it = model.find(d.entry);
                    good = good && it != model.end() && it->second == d.at && d.at <= now && d.at >= before;
                    before = d.at;
                    if (it != model.end()) model.erase(it);
                }
                REQUIRE(good);
                break;
            }
            default: {
                const auto at = now + soon() - 1s;
                agenda.add(entry, at);
                model[entry] = at;
            }
            }
            std::optional<Instant> least;
            for (const auto& [e, at] : model)
                if (!least || at < *least) least = at;
            const bool same = agenda.next_due() == least && agenda.size() == model.size();
            if (!same) REQUIRE(same);
        }
    }
}

} // namespace loom
