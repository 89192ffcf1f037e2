#include "core/run/engine_rig.hpp"
#include "support/catch.hpp"
#include "support/seed.hpp"

#include <random>
#include <set>
#include <spdlog/fmt/fmt.h>

// The invariant of the ledger, whatever happens in whatever order: random jobs, clock moves, starts, cancels, retries, full
// disks and crashes. LOOM_SEED=N repeats the case that a failure names.

using namespace loom;
using namespace loom::tests;

namespace {

using Chance = std::mt19937;

int draw(Chance& chance, int least, int most) { return std::uniform_int_distribution(least, most)(chance); }
template <class T, std::size_t N>
const T& pick(Chance& chance, const T (&from)[N]) { return from[static_cast<std::size_t>(draw(chance, 0, static_cast<int>(N) - 1))]; }

/// Due each second, after all others of that second; without targets, so its row is all that it does.
constexpr const char* beat = "zz";

std::string random_jobs(Chance& chance) {
    constexpr const char* schedules[] = {"* * * * * *", "*/3 * * * * *", "* * * * *", "@every 7s", "@reboot"};
    constexpr const char* overlaps[] = {"skip", "allow"};
    constexpr const char* catch_ups[] = {"skip", "last", "{policy: last, window: 5s}"};
    constexpr const char* losses[] = {"fail", "rerun"};
    constexpr const char* waves[] = {"[100%]", "[1, 100%]", "[1, 3, 100%]"};
    constexpr const char* stops[] = {">0", ">2", ">50%"};
    std::string jobs;
    for (const char* name : {"a", "b", "c", "d"})
        jobs += fmt::format("  {}: {{command: 'echo {{{{ run.id }}}}', targets: '@*', schedule: '{}', overlap: {}, catchup: {}, "
                            "on_lost: {}, waves: {}, stop_when: {{failed: '{}'}}, limits: {{parallel: {}}}, retry: {{connect: 1}}}}\n",
                            name, pick(chance, schedules), pick(chance, overlaps), pick(chance, catch_ups), pick(chance, losses),
                            pick(chance, waves), pick(chance, stops), draw(chance, 1, 4));
    return jobs + fmt::format("  {}: {{command: 'true', targets: '', schedule: '* * * * * *', catchup: skip, on_empty: skip}}\n", beat);
}

void make_nodes(EngineRig& rig, Chance& chance) {
    for (int i = 1; i <= 5; ++i) {
        auto& node = rig.fleet.nodes[fmt::format("n{}", i)];
        node.hold = draw(chance, 0, 2) == 0;
        if (draw(chance, 0, 3) == 0) node.exits = {0, 1, 0};
        if (draw(chance, 0, 3) == 0) node.refusals = {unreached(Cause::refused)};
    }
}

std::vector<Run> all_runs(RunStore& store) {
    std::vector<Run> all;
    RunFilter page;
    for (page.limit = 1000;; page.before = all.back().id) {
        const auto some = store.runs(page).value();
        all.insert(all.end(), some.begin(), some.end());
        if (some.size() < page.limit) return all;
    }
}

/// One history, step by step.
class History {
public:
    explicit History(Chance& chance) : chance_(chance), rig_(random_jobs(chance), "n[1-5]:\n") {
        make_nodes(rig_, chance);
        rig_.serve();
        rig_.store.wait_for_schedule(beat); // from this second on
        top_ = std::chrono::floor<std::chrono::seconds>(rig_.clock.now());
    }

    void step() {
        switch (draw(chance_, 0, 9)) {
        case 0: rig_.fleet.open(); break;
        case 1: rig_.fleet.shut(); break;
        case 2: begin(); break;
        case 3: cancel(); break;
        case 4: retry(); break;
        case 5: rig_.store.refuse(1); break;
        case 6:
            rig_.crash();
            rig_.wait(rig_.engine->reconcile()).value();
            rig_.serve();
            break;
        default: move(); break;
        }
    }

    /// What must be so once all is over.
    void check() {
        rig_.fleet.open();
        rig_.crash();
        rig_.wait(rig_.engine->reconcile()).value();
        for (const auto& run : all_runs(rig_.store)) end(run);
        std::set<std::pair<std::string, std::string>> claims;
        std::set<std::string> replaced;
        std::size_t runs = 0;
        for (const auto& run : all_runs(rig_.store)) {
            INFO("run " << run.id << " of " << run.job << ", " << to_string(run.reason) << ", " << to_string(run.state));
            CHECK(run.state != RunState::running);
            if (run.claim) CHECK(claims.emplace(run.job, *run.claim).second);
            if (run.reason == Reason::rerun) CHECK(replaced.insert(run.of).second);
            check_nodes(run);
            runs += run.job != beat;
        }
        CHECK(runs > 0);
        CHECK(told_.empty()); // what a client was told is there
    }

private:
    void move() {
        constexpr std::chrono::milliseconds moves[] = {
            std::chrono::milliseconds(200), std::chrono::seconds(1), std::chrono::seconds(1), std::chrono::seconds(5),
            std::chrono::seconds(90), std::chrono::hours(3), std::chrono::seconds(-1), std::chrono::hours(-2)};
        rig_.clock.move(pick(chance_, moves));
        rig_.ring();
        const auto second = std::chrono::floor<std::chrono::seconds>(rig_.clock.now());
        if (second <= top_) return; // those instants had their time
        top_ = second;
        rig_.store.wait_for_row(beat, second);
    }

    void begin() {
        constexpr const char* names[] = {"a", "b", "c", "d"};
        StartJob request;
        request.job = pick(chance_, names);
        const auto run = rig_.wait(rig_.engine->start_job(Caller("user:anna"), request)); // refused where it overlaps
        if (run) told_.insert(run->id);
    }

    std::optional<std::string> some_run() {
        const auto runs = all_runs(rig_.store);
        if (runs.empty()) return std::nullopt;
        return runs[static_cast<std::size_t>(draw(chance_, 0, static_cast<int>(runs.size()) - 1))].id;
    }

    void cancel() {
        RunFilter running;
        running.state = RunState::running;
        const auto runs = rig_.store.runs(running).value();
        if (runs.empty()) return;
        RunRef ref;
        ref.id = runs[static_cast<std::size_t>(draw(chance_, 0, static_cast<int>(runs.size()) - 1))].id;
        const auto cancelled = rig_.wait(rig_.engine->cancel(Caller("user:anna"), ref)); // a conflict where it ended meanwhile
        if (!cancelled) CHECK(cancelled.error().code == Errc::conflict);
    }

    void retry() {
        const auto id = some_run();
        if (!id) return;
        const auto run = rig_.retry(*id); // a conflict where nothing is left of it
        if (run) told_.insert(run->id);
    }

    void end(const Run& run) {
        RunView view;
        view.id = run.id;
        rig_.end(view);
    }

    void check_nodes(const Run& run) {
        told_.erase(run.id);
        RunView view;
        view.id = run.id;
        std::uint32_t sum = 0;
        for (const auto count : run.counts) sum += count;
        CHECK(sum == run.target_count);
        const auto results = rig_.results(view);
        CHECK(results.size() == run.target_count);
        for (const auto& result : results) {
            INFO(result.node << " " << result.state);
            CHECK(terminal(*parse_node_state(result.state)));
            const auto commands = rig_.fleet.commands(result.node);
            const auto found = commands.find("echo " + run.id);
            const int ran = found == commands.end() ? 0 : found->second;
            CHECK(ran <= 1);
            if (result.state == "ok" || result.state == "failed") CHECK(ran == 1);
            if (result.state == "not_started") CHECK(ran == 0);
        }
    }

    Chance& chance_;
    EngineRig rig_;
    Instant top_{};
    std::set<std::string> told_;
};

std::size_t rounds() { return std::getenv("LOOM_TEST_SHORT") ? 3 : std::getenv("LOOM_TEST_LONG") ? 300 : 10; }

} // namespace

TEST_CASE("each target of each run ends once, and each instant has one run, whatever happens") {
    for (std::size_t round = 0; round < (given_seed() ? 1 : rounds()); ++round) {
        const auto seed = fresh_seed();
        INFO("LOOM_SEED=" << seed);
        Chance chance(seed);
        History history(chance);
        for (int i = 0; i < 60; ++i) history.step();
        history.check();
    }
}
