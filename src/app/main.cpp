#include "app/cli/context.hpp"
#include "app/daemon.hpp"
#include "app/door.hpp"
#include "app/files/reader.hpp"
#include "app/http/peer.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <openssl/crypto.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

std::size_t terminal_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

int run(std::vector<std::string> args) {
    loom::Runtime runtime;
    loom::Streams streams{std::cin, std::cout, std::cerr};
    streams.out_terminal = ::isatty(STDOUT_FILENO) == 1;
    streams.err_terminal = ::isatty(STDERR_FILENO) == 1;
    streams.in_terminal = ::isatty(STDIN_FILENO) == 1;
    streams.width = terminal_width;
    streams.colour = streams.out_terminal && !std::getenv("NO_COLOR");
    loom::CommandContext context{streams, runtime.io(), runtime.clock, loom::peer_name(::getuid()), {}, {}, {}, {}, {}, {}, {}};
    context.open_service = [&](const std::string& config, loom::Need need) {
        return loom::open_door(runtime, config, need);
    };
    context.serve = [&](const std::string& config) { return loom::serve(runtime, config); };
    context.load_catalog = [&](const std::string& config) { return loom::load_catalog(config, runtime.tasks); };
    context.doctor = [&](const std::string& config) { return loom::examine(runtime, config); };
    context.libraries = [] {
        return "libssh2 " + loom::ssh_library_version() + ", " + OpenSSL_version(OPENSSL_VERSION);
    };
    context.on_interrupt = loom::signal_interrupts(runtime.io());
    context.leave = [](int code) { std::_Exit(code); };
    const int code = loom::run_command_line(std::move(args), context);
    context.on_interrupt({});
    return code;
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    spdlog::set_default_logger(spdlog::stderr_logger_mt("cli"));
    spdlog::set_pattern("loom: %v");
    spdlog::set_level(spdlog::level::warn);
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::cerr << "loom: internal error: " << error.what() << '\n';
        return 1;
    }
}
