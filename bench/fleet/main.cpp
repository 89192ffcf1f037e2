// A fleet of simulated SSH nodes: see docs/testing.md.
#include "fleet/server.hpp"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <getopt.h>
#include <iostream>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace {

using loom::fleet::FleetServer;
using loom::fleet::Options;

constexpr auto usage = R"(usage: fleet [OPTION...]

Simulates SSH servers on the loopback network until it is ended. Prints `listening on ADDRESS:PORT`.

  --port N             the port; 0, the default: a free one
  --address A          one address, default 127.0.0.1; `all`: every address of 127.0.0.0/8 is a node (needs
                       CAP_NET_RAW for SO_BINDTODEVICE where the kernel is older than 5.7)
  --threads N          default 1
  --rtt MS             every flight of a client is handled so much later
  --exec-time MS       what every command takes at least
  --fault RULE         [ADDRESS=|PERCENT%=]STEP:KIND[*TIMES], may be given several times, the first match counts
  --drip MS            the interval between the bytes of the fault `drip`, default 1000
  --any-key            accept public keys without verifying the signature
  --password TEXT      accept this password
  --host-key-each      a host key for each address
  --rekey-bytes N      ask for new keys after so many bytes
  --log FILE           append `TIME ADDRESS COMMAND` for each command
  --with-parent        end when the parent process ends
  --host-key           print the host key and leave

SIGUSR1 prints the counters on a line to standard error, and so does the end.
)";

double number(const char* text) {
    double value = 0;
    const std::string_view all(text);
    const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), value);
    if (error == std::errc() && end == all.data() + all.size() && value >= 0) return value;
    std::cerr << "fleet: \"" << text << "\" is no number\n";
    std::exit(2);
}

std::chrono::microseconds milliseconds(const char* text) {
    return std::chrono::microseconds(static_cast<std::int64_t>(number(text) * 1000));
}

struct Chosen {
    Options options;
    bool host_key_only = false;
};

Chosen parse(int argc, char** argv) {
    enum : int { port = 1, address, threads, rtt, exec_time, fault, drip, any_key, password, each, rekey, log, parent, show, help };
    const option known[] = {{"port", 1, nullptr, port},         {"address", 1, nullptr, address},
                            {"threads", 1, nullptr, threads},   {"rtt", 1, nullptr, rtt},
                            {"exec-time", 1, nullptr, exec_time}, {"fault", 1, nullptr, fault},
                            {"drip", 1, nullptr, drip},         {"any-key", 0, nullptr, any_key},
                            {"password", 1, nullptr, password}, {"host-key-each", 0, nullptr, each},
                            {"rekey-bytes", 1, nullptr, rekey}, {"log", 1, nullptr, log},
                            {"with-parent", 0, nullptr, parent}, {"host-key", 0, nullptr, show},
                            {"help", 0, nullptr, help},         {}};
    Chosen chosen;
    auto& options = chosen.options;
    for (int found; (found = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
        switch (found) {
        case port: options.port = static_cast<unsigned short>(number(optarg)); break;
        case address: options.address = std::string_view(optarg) == "all" ? "" : optarg; break;
        case threads: options.threads = static_cast<unsigned>(number(optarg)); break;
        case rtt: options.rtt = milliseconds(optarg); break;
        case exec_time: options.exec_time = milliseconds(optarg); break;
        case drip: options.drip_interval = milliseconds(optarg); break;
        case any_key: options.accept_any_key = true; break;
        case password: options.password = optarg; break;
        case each: options.host_key_each = true; break;
        case rekey: options.rekey_bytes = static_cast<std::uint64_t>(number(optarg)); break;
        case log: options.log = optarg; break;
        case parent: ::prctl(PR_SET_PDEATHSIG, SIGTERM); break;
        case show: chosen.host_key_only = true; break;
        case fault:
            if (const auto rule = loom::fleet::parse_fault_rule(optarg)) {
                options.faults.push_back(*rule);
                break;
            }
            std::cerr << "fleet: \"" << optarg << "\" is no fault\n";
            std::exit(2);
        default: std::cerr << usage; std::exit(found == help ? 0 : 2);
        }
    }
    return chosen;
}

void print_counters(const FleetServer& server) {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    std::cerr << server.counters().line() << " cpu_us=" << used.tv_sec * 1'000'000 + used.tv_nsec / 1000 << std::endl;
}

} // namespace

int main(int argc, char** argv) {
    const auto [options, host_key_only] = parse(argc, argv);
    rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
    // Blocked in every thread, so that only the wait below takes them.
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) ::sigaddset(&signals, signal);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    try {
        FleetServer server(options);
        if (host_key_only) {
            std::cout << server.host_key() << '\n';
            return 0;
        }
        std::cout << "listening on " << (options.address.empty() ? "127.0.0.0/8" : options.address) << ":" << server.port()
                  << std::endl;
        for (int signal = 0; ::sigwait(&signals, &signal) == 0;) {
            print_counters(server);
            if (signal != SIGUSR1) return 0;
        }
    } catch (const std::exception& error) {
        std::cerr << "fleet: " << error.what() << '\n';
    }
    return 1;
}
