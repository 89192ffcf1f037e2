#include "app/cli/start_run.hpp"

#include "app/cli/ask_password.hpp"
#include "core/base/limits.hpp"

#include <charconv>

namespace loom {

void add_run_flags(CLI::App& app, RunFlags& flags) {
    app.add_flag("--detach", flags.detach, "Leave the run to the daemon and print its id");
    app.add_flag("--dry-run", flags.dry_run, "Print the nodes, wave by wave, and the work; do nothing");
}

void add_password_flag(CLI::App& app, RunFlags& flags) {
    app.add_flag("--ask-become-pass", flags.ask_password, "Ask here for the password that sudo asks for there");
}

void add_check_flag(CLI::App& app, bool& check) {
    app.add_flag("--check", check, "Have each node say what would be changed there, and change nothing; what cannot tell is skipped");
}

void add_parallel(CLI::App& app, std::uint32_t& parallel, bool& parallel_auto) {
    const auto read = [&parallel, &parallel_auto](const std::string& text) {
        parallel_auto = text == "auto";
        if (parallel_auto) return;
        const auto* end = text.data() + text.size();
        const auto [at, fault] = std::from_chars(text.data(), end, parallel);
        if (fault != std::errc() || at != end || parallel < 1 || parallel > limits::parallel_max)
            throw CLI::ValidationError("--parallel", "expected auto or a number from 1 to " +
                                                         std::to_string(limits::parallel_max) + ", not \"" + text + "\"");
    };
    app.add_option_function<std::string>("--parallel", read, "How many nodes at once, or auto: as many as goes well")
        ->type_name("N|auto");
}

Result<void> ask_become_password(const RunFlags& flags, std::string& password) {
    if (!flags.ask_password || flags.dry_run) return {};
    auto asked = ask_password("sudo's password on the nodes: ");
    if (!asked) return asked.error();
    password = asked->reveal();
    return {};
}

} // namespace loom
