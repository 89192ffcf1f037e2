#include "app/cli/context.hpp"
#include "app/contexts.hpp"
#include "app/daemon.hpp"
#include "app/door.hpp"
#include "app/files/places.hpp"
#include "app/files/reader.hpp"
#include "app/http/peer.hpp"
#include "app/worker/launcher.hpp"
#include "app/worker/plugin_check.hpp"
#include "core/base/failpoint.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <openssl/crypto.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

std::size_t terminal_width() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 80;
}

/// Where a standard stream is closed, the next file or socket would take its number, and what is printed would go there.
/// Standard output is filled with what refuses to be written.
void fill_standard_streams() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(stream, F_GETFD) < 0) ::open("/dev/null", stream == STDOUT_FILENO ? O_RDONLY : O_RDWR);
}

/// A reader that has seen enough, as `head`, is no fault.
bool reader_left() {
    pollfd out{STDOUT_FILENO, POLLOUT, 0};
    return ::poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

int run(std::vector<std::string> args) {
    loom::Runtime runtime;
    loom::Streams streams{std::cin, std::cout, std::cerr};
    streams.out_terminal = ::isatty(STDOUT_FILENO) == 1;
    streams.err_terminal = ::isatty(STDERR_FILENO) == 1;
    streams.in_terminal = ::isatty(STDIN_FILENO) == 1;
    streams.width = terminal_width;
    streams.colour = streams.out_terminal && !std::getenv("NO_COLOR");
    loom::CommandContext context{streams, runtime.io(), runtime.clock, loom::peer_name(::getuid())};
    context.home = loom::current_surroundings().home;
    context.contexts_file = context.home + "/.loom/contexts.yaml";
    context.open_service = [&](const std::string& config, loom::Need need) -> loom::Result<loom::OpenService> {
        auto server = loom::choose_server({context.server, context.server_context, config}, context.contexts_file, context.home);
        if (!server) return server.error();
        return *server ? loom::open_remote(std::move(server->value())) : loom::open_door(runtime, config, need);
    };
    context.serve = [&](const std::string& config) { return loom::serve(runtime, config); };
    context.load_catalog = [&](const std::string& config) { return loom::load_catalog(config, runtime.tasks); };
    context.check_plugins = [&](const loom::Catalog& catalog) { return loom::check_plugin_tasks(runtime, catalog); };
    context.doctor = [&](const std::string& config) { return loom::examine(runtime, config); };
    context.libraries = [] {
        return "libssh2 " + loom::ssh_library_version() + ", " + OpenSSL_version(OPENSSL_VERSION);
    };
    context.on_interrupt = loom::signal_interrupts(runtime.io());
    context.leave = [](int code) { std::_Exit(code); };
    context.cache_folder = loom::current_surroundings().cache_home + "/loom/completion";
    const int code = loom::run_command_line(std::move(args), context);
    context.on_interrupt({});
    if (std::cout.flush() || reader_left()) return code;
    std::cerr << "loom: cannot write to standard output\n";
    return code == 0 ? static_cast<int>(loom::Errc::unavailable) : code;
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 1 && argv[0] == loom::launcher_name) std::_Exit(loom::launch_worker());
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN); // a limit on files is a write that fails, as a full disk is
    fill_standard_streams();
    if (const char* point = std::getenv("LOOM_FAILPOINT")) {
        if (const auto armed = loom::arm_failpoint(point); !armed) {
            std::cerr << "loom: LOOM_FAILPOINT: " << armed.error().message << '\n';
            return static_cast<int>(armed.error().code);
        }
    }
    try {
        return run({argv + 1, argv + argc});
    } catch (const std::exception& error) {
        std::cerr << "loom: internal error: " << error.what() << '\n';
        return 1;
    }
}
