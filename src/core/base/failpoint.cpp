#include "core/base/failpoint.hpp"

#include "core/base/near.hpp"

#include <atomic>
#include <charconv>
#include <csignal>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

namespace loom {
namespace {

std::atomic<int> hits_left{0};

} // namespace

void reach_failpoint() {
    if (hits_left.fetch_sub(1) != 1) return;
    // Past the log and its thread, which die too: this is how a test knows that the process died here.
    const auto words = fmt::format("failpoint {}\n", failpoints[armed_failpoint]);
    if (::write(STDERR_FILENO, words.data(), words.size()) < 0) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();
}

Result<void> arm_failpoint(std::string_view text) {
    const auto name = text.substr(0, text.find('@'));
    int hit = 1;
    if (name.size() < text.size()) {
        const auto number = text.substr(name.size() + 1);
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), hit);
        if (error != std::errc() || end != number.data() + number.size() || hit < 1)
            return usage_error(fmt::format("\"{}\": expected the number of a hit, from 1 on, behind the \"@\"", text));
    }
    const int found = Failpoint::find(name);
    if (found < 0) {
        const std::vector<std::string> names(std::begin(failpoints), std::end(failpoints));
        return usage_error(fmt::format("\"{}\" is no failpoint{}", name, did_you_mean(name, names)));
    }
    hits_left = hit;
    armed_failpoint = found;
    return {};
}

} // namespace loom
