#include "core/schedule/returning.hpp"

#include "support/catch.hpp"

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

TEST_CASE("who is refused a login, or shows another host key, is not waited for") {
    CHECK(may_return(NodeState::unreachable, Cause::connect_timeout));
    CHECK(may_return(NodeState::unreachable, Cause::name));
    CHECK_FALSE(may_return(NodeState::unreachable, Cause::auth));
    CHECK_FALSE(may_return(NodeState::unreachable, Cause::host_key));
    CHECK_FALSE(may_return(NodeState::failed, Cause::none));
}
