#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Listener = Catch::EventListenerBase;
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
using Listener = Catch::TestEventListenerBase;
#endif
#include "core/base/log.hpp"

#include <csignal>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string>

namespace {

/// What the code under test says while a case runs is shown when that fails; what passes says nothing, so that a failure
/// stands out.
class Told : public Listener {
public:
    using Listener::Listener;

    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        Listener::testCaseStarting(info);
        loom::set_log_output(keep);
        const std::lock_guard lock(mutex);
        lines.clear();
        dropped = 0;
    }
    void testCaseEnded(const Catch::TestCaseStats& stats) override {
        Listener::testCaseEnded(stats);
        if (stats.totals.assertions.failed == 0) return;
        const std::lock_guard lock(mutex);
        if (dropped > 0) std::fprintf(stderr, "log: %zu lines before these\n", dropped);
        for (const auto& line : lines) std::fprintf(stderr, "log: %s\n", line.c_str());
    }

private:
    static void keep(const loom::LogLine& line) {
        const std::lock_guard lock(mutex);
        lines.push_back(fmt::format("{} {} {}: {}", line.about.run, line.about.job, line.about.node, line.text));
        if (lines.size() <= 100) return;
        lines.pop_front();
        ++dropped;
    }

    static inline std::mutex mutex;
    static inline std::deque<std::string> lines;
    static inline std::size_t dropped = 0;
};
CATCH_REGISTER_LISTENER(Told)

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN); // as loom's main does
    return Catch::Session().run(argc, argv);
}
