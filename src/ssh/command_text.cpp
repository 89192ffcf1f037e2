#include "ssh/command_text.hpp"

#include "core/base/digest.hpp"
#include "core/base/quote.hpp"

#include <array>
#include <chrono>
#include <openssl/rand.h>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

/// Beside the command waits a `cat` on the channel's stdin, which ends with the connection. Then the command's process
/// group is ended, and the waiting shell with it: it is in the group. After a normal end the command's shell is gone
/// already. Two forks keep the waiting one out of the command's `wait`.
std::string watch_text(std::chrono::seconds grace) {
    return fmt::format("(exec 3<&0; (trap '' HUP; cat >/dev/null; trap '' TERM; kill -0 $$ && {{ kill -s TERM 0; sleep {}; "
                       "kill -s KILL 0; }}) <&3 3<&- >/dev/null 2>&1 &); exec </dev/null; ",
                       grace.count());
}

std::string sudo_text(const Become& become, const std::string& mark) {
    std::string text = "exec sudo ";
    text += become.password.empty() ? std::string("-n ") : fmt::format("-S -p '{}?' ", mark);
    if (!become.user.empty()) text += fmt::format("-u {} ", shell_quote(become.user).value());
    return text + "-- /bin/sh -c ";
}

} // namespace

std::string new_mark() {
    // Not std::random_device, which asks the CPU anew each time: 38 us a command were seen.
    std::array<unsigned char, 12> random{};
    RAND_bytes(random.data(), static_cast<int>(random.size()));
    return "loom-" + hex(random);
}

std::string why_sudo_failed(bool refused, std::string_view said) {
    if (refused) return "sudo did not accept the password";
    const auto says = [&](std::string_view words) { return said.find(words) != said.npos; };
    if (says("must have a tty")) return "sudo wants a terminal on this node: give it one with pty: true, or --pty";
    if (says("password is required"))
        return "sudo asks for a password, and none is configured: become.password, or --ask-become-pass";
    return "sudo did not begin the command";
}

std::string command_text(const ExecRequest& request, const std::string& mark) {
    auto text = fmt::format("export LOOM_EXEC={}; /bin/sh -c 'echo {} $PPID >&2'; ", mark, mark);
    std::string watch;
    if (request.end_with_link && !request.pty)
        watch = watch_text(std::chrono::ceil<std::chrono::seconds>(request.timeout.grace));
    if (!request.become) return text + watch + request.command;
    const auto inner = fmt::format("export LOOM_EXEC={}; echo {} $$ $PPID >&2; ", mark, mark) + watch + request.command;
    return text + sudo_text(*request.become, mark) + shell_quote(inner).value();
}

} // namespace loom
