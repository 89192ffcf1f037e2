#include "core/schedule/returning.hpp"

#include "support/catch.hpp"

#include <map>

using namespace loom;
using namespace std::chrono;

namespace {

const Instant due = parse_instant("2026-11-28 09:00").value();

Job hourly() {
    Job job;
    job.name = "hourly";
    job.policy->catch_up_window = minutes(30);
    job.policy->catch_up_nodes = true;
    return job;
}

} // namespace

TEST_CASE("a node that is back is made up for inside the window") {
    CHECK(may_make_up(hourly(), due, due + minutes(30), {}));
    CHECK_FALSE(may_make_up(hourly(), due, due + minutes(30) + Milliseconds(1), {}));
}

TEST_CASE("nothing is made up for a node while its job is paused") {
    Facts facts;
    Pause pause;
    pause.since = due + minutes(5);
    pause.until = due + minutes(10);
    facts.pauses = std::make_shared<const std::vector<Pause>>(std::vector{pause});
    CHECK_FALSE(may_make_up(hourly(), due, due + minutes(6), facts));
    CHECK(may_make_up(hourly(), due, due + minutes(11), facts));
}

TEST_CASE("an absent node is looked for after one minute, and then less often, down to each ten minutes") {
    std::vector<Milliseconds> waits;
    for (int looks = 0; looks < 7; ++looks) waits.push_back(look_again_after(looks));
    CHECK(waits == std::vector<Milliseconds>{minutes(1), minutes(2), minutes(4), minutes(8), minutes(10), minutes(10), minutes(10)});
    CHECK(look_again_after(1'000'000) == minutes(10));
}

TEST_CASE("who has waited longest is looked for first") {
    const std::vector<AwayNode> waiting{{"a", due + minutes(3)}, {"b", due + minutes(1)}, {"c", due + minutes(2)}, {"d", due + minutes(9)}};
    using Names = std::vector<std::string>;
    CHECK(whose_turn(waiting, due, 9).empty());
    CHECK(whose_turn(waiting, due + minutes(1), 9) == Names{"b"});
    CHECK(whose_turn(waiting, due + minutes(5), 9) == Names{"b", "c", "a"});
    CHECK(whose_turn(waiting, due + minutes(5), 2) == Names{"b", "c"});
}

TEST_CASE("each of very many nodes that never answer is looked for again and again") {
    std::vector<AwayNode> away;
    for (int i = 0; i < 10'000; ++i) away.push_back({std::to_string(i), due});
    std::map<std::string, int> looks;
    for (auto now = due; now < due + hours(2); now += seconds(10)) // as long as a look at one of them takes
        for (const auto& node : whose_turn(away, now, 64))
            away[static_cast<std::size_t>(std::stoi(node))].next = now + look_again_after(++looks[node]);
    CHECK(looks.size() == away.size());
    for (const auto& [node, count] : looks) CHECK(count >= 4);
}

TEST_CASE("who is refused a login, or shows another host key, is not waited for") {
    CHECK(may_return(NodeState::unreachable, Cause::connect_timeout));
    CHECK(may_return(NodeState::unreachable, Cause::name));
    CHECK_FALSE(may_return(NodeState::unreachable, Cause::auth));
    CHECK_FALSE(may_return(NodeState::unreachable, Cause::host_key));
    CHECK_FALSE(may_return(NodeState::failed, Cause::none));
}
