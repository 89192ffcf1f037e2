// The floor that Loom's costs are divided by: libssh2 in one thread's epoll loop and nothing else. The key is made once,
// the host key compared, the exit status read; no coroutine, no deadline, no record. Only for the fleet simulator, which
// takes any key. `floor --help` names the measurements.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <getopt.h>
#include <initializer_list>
#include <iostream>
#include <libssh2.h>
#include <memory>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr auto usage = R"(usage: floor [OPTION...] cold | warm | held

  cold   every node: connect, log in, run the command, close
  warm   every node: connect and log in; then the command ROUNDS times on the open sessions, which alone is measured
  held   every node: connect, log in, and run the command (`sleep N`, longer than the logins take); measures memory
         while all are open, and the time until all have ended

  --port N      of the simulator (needed)
  --count N     nodes, default 1000: 127.8.0.1 and the following addresses
  --at-once N   default 64; `held` has all at once
  --rounds N    default 5
  --command C   default `true`

Prints one line of JSON; a figure's unit is the end of its name.
)";

struct Settings {
    unsigned short port = 0;
    unsigned count = 1000, at_once = 64, rounds = 5;
    std::string command = "true", measure;
};

[[noreturn]] void give_up(const std::string& why) {
    std::cerr << "floor: " << why << '\n';
    std::exit(1);
}

/// The user's key, parsed once: libssh2 is handed the public part and asks for signatures.
struct Key {
    EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    std::string blob;

    Key() {
        std::array<unsigned char, 32> shown{};
        auto size = shown.size();
        if (!key || EVP_PKEY_get_raw_public_key(key, shown.data(), &size) != 1) give_up("cannot make a key");
        blob = std::string("\0\0\0\x0bssh-ed25519\0\0\0\x20", 19) + std::string(shown.begin(), shown.end());
    }
};
Key& user_key() {
    static Key key;
    return key;
}

int sign(LIBSSH2_SESSION*, unsigned char** signature, std::size_t* size, const unsigned char* bytes, std::size_t count, void**) {
    auto* const context = EVP_MD_CTX_new();
    *size = 64;
    *signature = static_cast<unsigned char*>(std::malloc(*size)); // freed by the session's allocator, which is the default
    const bool made = EVP_DigestSignInit(context, nullptr, nullptr, nullptr, user_key().key) == 1 &&
                      EVP_DigestSign(context, *signature, size, bytes, count) == 1;
    EVP_MD_CTX_free(context);
    return made ? 0 : -1;
}

/// One node's session; `advance` goes as far as the socket lets it.
class Session {
public:
    enum class State { connecting, handshake, log_in, idle, open, start, read, close, ended, failed };

    Session(const Settings& settings, unsigned which) : number(which), settings_(settings) {
        socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (socket_ < 0) give_up(std::string("socket: ") + std::strerror(errno));
        const int on = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_in target{};
        target.sin_family = AF_INET;
        target.sin_port = htons(settings.port);
        target.sin_addr.s_addr = htonl((127u << 24 | 8u << 16) + 1 + number);
        if (::connect(socket_, reinterpret_cast<sockaddr*>(&target), sizeof target) != 0 && errno != EINPROGRESS)
            state = State::failed;
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() {
        if (channel_) libssh2_channel_free(channel_);
        if (session_) {
            if (state == State::ended || state == State::idle) libssh2_session_disconnect(session_, "done");
            libssh2_session_free(session_);
        }
        ::close(socket_);
    }

    int socket() const { return socket_; }
    const unsigned number;
    State state = State::connecting;
    bool keep = false; ///< stays logged in after a command

    bool resting() const { return state == State::ended || state == State::failed || state == State::idle; }
    void advance() {
        while (!resting() && step()) {
        }
    }

    bool prepare() {
        session_ = libssh2_session_init();
        if (!session_) return false;
        libssh2_session_set_blocking(session_, 0);
        // As Loom pins them (src/ssh/methods.cpp).
        const auto pin = [this](int method, const char* list) { libssh2_session_method_pref(session_, method, list); };
        constexpr auto ciphers = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes256-ctr,aes128-ctr";
        constexpr auto macs = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512";
        pin(LIBSSH2_METHOD_KEX, "curve25519-sha256,curve25519-sha256@libssh.org");
        pin(LIBSSH2_METHOD_HOSTKEY, "ssh-ed25519");
        pin(LIBSSH2_METHOD_CRYPT_CS, ciphers), pin(LIBSSH2_METHOD_CRYPT_SC, ciphers);
        pin(LIBSSH2_METHOD_MAC_CS, macs), pin(LIBSSH2_METHOD_MAC_SC, macs);
        return true;
    }

private:
    /// False where more must arrive first.
    bool step() {
        switch (state) {
        case State::connecting: {
            int error = 0;
            socklen_t size = sizeof error;
            ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
            return move(error == 0 && prepare() ? 0 : -1, State::handshake);
        }
        case State::handshake: {
            const int code = libssh2_session_handshake(session_, socket_);
            return move(code == 0 && !same_host_key() ? -1 : code, State::log_in);
        }
        case State::log_in: {
            const auto& blob = user_key().blob;
            const auto* const bytes = reinterpret_cast<const unsigned char*>(blob.data());
            return move(libssh2_userauth_publickey(session_, "floor", bytes, blob.size(), sign, nullptr),
                        keep ? State::idle : State::open);
        }
        case State::open:
            channel_ = libssh2_channel_open_ex(session_, "session", 7, 256u << 10, 32768, nullptr, 0);
            return move(channel_ ? 0 : libssh2_session_last_errno(session_), State::start);
        case State::start:
            return move(libssh2_channel_process_startup(channel_, "exec", 4, settings_.command.data(),
                                                        static_cast<unsigned>(settings_.command.size())),
                        State::read);
        case State::read: {
            std::array<char, 32768> bytes;
            ssize_t size;
            while ((size = libssh2_channel_read(channel_, bytes.data(), bytes.size())) > 0) {
            }
            if (size == 0 && !libssh2_channel_eof(channel_)) return false;
            return move(static_cast<int>(size), State::close);
        }
        case State::close: {
            const int code = libssh2_channel_wait_closed(channel_);
            if (code != 0) return move(code, State::ended);
            const int status = libssh2_channel_get_exit_status(channel_);
            libssh2_channel_free(channel_);
            channel_ = nullptr;
            return move(status, keep ? State::idle : State::ended);
        }
        default: return false;
        }
    }

    bool move(int code, State next) {
        if (code == LIBSSH2_ERROR_EAGAIN) return false;
        state = code == 0 ? next : State::failed;
        return true;
    }

    bool same_host_key() const {
        static std::string first;
        std::size_t size = 0;
        int type = 0;
        const char* const key = libssh2_session_hostkey(session_, &size, &type);
        if (first.empty()) first.assign(key, size);
        return first == std::string_view(key, size);
    }

    const Settings& settings_;
    int socket_;
    LIBSSH2_SESSION* session_ = nullptr;
    LIBSSH2_CHANNEL* channel_ = nullptr;
};

using State = Session::State;

struct Floor {
    Settings settings;
    int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<std::unique_ptr<Session>> sessions; ///< by number
    unsigned failed = 0;

    void watch(Session& session) {
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLET;
        event.data.ptr = &session;
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, session.socket(), &event);
    }

    /// Lets sessions go on until `wanted` says so; `moved` sees each one that was advanced.
    template <class Wanted, class Moved>
    void run(Wanted wanted, Moved moved) {
        std::array<epoll_event, 256> events;
        while (wanted()) {
            const int count = ::epoll_wait(epoll, events.data(), events.size(), 60'000);
            if (count == 0) give_up("nothing has come for a minute");
            for (int i = 0; i < count; ++i) {
                auto& session = *static_cast<Session*>(events[static_cast<std::size_t>(i)].data.ptr);
                if (session.resting()) continue;
                // The first event of a socket that is still connecting says nothing.
                if (session.state == State::connecting && !(events[static_cast<std::size_t>(i)].events & EPOLLOUT)) continue;
                session.advance();
                moved(session);
            }
        }
    }

    /// Every node from the beginning to `last`, so many at once; those that got there are dropped, or kept.
    void visit(State last, unsigned at_once, bool drop) {
        unsigned next = 0, active = 0, done = 0;
        sessions.resize(settings.count);
        const auto begin = [&] {
            while (active < at_once && next < settings.count) {
                auto& session = sessions[next];
                session = std::make_unique<Session>(settings, next++);
                session->keep = last == State::idle;
                watch(*session);
                ++active;
            }
        };
        begin();
        std::vector<bool> seen(settings.count);
        run([&] { return done < settings.count; },
            [&](Session& session) {
                const bool fails = session.state == State::failed;
                if (!fails && session.state < last) return;
                if (seen[session.number]) return;
                seen[session.number] = true;
                failed += fails;
                ++done, --active;
                if (drop) sessions[session.number].reset();
                begin();
            });
    }
};

struct Stamp {
    double cpu_us, wall_us;
    long kilobytes; ///< resident
};

Stamp now() {
    timespec cpu{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    const auto wall = std::chrono::steady_clock::now().time_since_epoch();
    long pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    return {static_cast<double>(cpu.tv_sec) * 1e6 + static_cast<double>(cpu.tv_nsec) / 1e3,
            std::chrono::duration<double, std::micro>(wall).count(), resident * (::sysconf(_SC_PAGESIZE) / 1024)};
}

struct Figure {
    const char* name;
    double value;
};

/// One line, with the names that bench/measure gives to the same figures.
void report(const Floor& floor, const Stamp& from, unsigned operations, std::initializer_list<Figure> more = {}) {
    const auto to = now();
    std::printf("{\"measurement\":\"%s\"", floor.settings.measure.c_str());
    const auto print = [](const Figure& figure) { std::printf(",\"%s\":%.3f", figure.name, figure.value); };
    for (const auto& figure : {Figure{"at_once", double(floor.settings.at_once)}, Figure{"operations", double(operations)},
                               Figure{"not_ok", double(floor.failed)}, Figure{"cpu_us", (to.cpu_us - from.cpu_us) / operations},
                               Figure{"wall_us", (to.wall_us - from.wall_us) / operations},
                               Figure{"wall_ms", (to.wall_us - from.wall_us) / 1e3}})
        print(figure);
    for (const auto& figure : more) print(figure);
    std::puts("}");
}

void held(Floor& floor, const Stamp& from) {
    const auto count = floor.settings.at_once = floor.settings.count;
    floor.visit(State::read, count, false);
    const auto open = now();
    const auto early = std::ranges::count_if(floor.sessions, [](const auto& session) { return session->resting(); });
    auto done = early;
    floor.run([&] { return done < count; },
              [&](Session& session) {
                  if (!session.resting()) return;
                  ++done;
                  floor.failed += session.state == State::failed;
              });
    report(floor, from, count,
           {{"node_kb", static_cast<double>(open.kilobytes - from.kilobytes) / count}, {"resident_kb", double(open.kilobytes)},
            {"open_ms", (open.wall_us - from.wall_us) / 1e3}, {"ended_early", double(early)}});
}

void warm(Floor& floor) {
    floor.visit(State::idle, floor.settings.at_once, false);
    const auto from = now();
    for (unsigned round = 0; round < floor.settings.rounds; ++round) {
        unsigned next = 0, done = 0;
        const auto begin = [&] {
            for (; next < floor.settings.count; ++next) {
                if (next >= done + floor.settings.at_once) return;
                auto& session = *floor.sessions[next];
                const bool works = session.state != State::failed;
                if (works) session.state = State::open;
                session.advance();
                if (!session.resting()) continue;
                ++done; // a quick server has answered it all already
                floor.failed += works && session.state == State::failed;
            }
        };
        begin();
        floor.run([&] { return done < floor.settings.count; },
                  [&](Session& session) {
                      if (!session.resting()) return;
                      floor.failed += session.state == State::failed;
                      ++done;
                      begin();
                  });
    }
    report(floor, from, floor.settings.count * floor.settings.rounds);
}

Settings parse(int argc, char** argv) {
    const option known[] = {{"port", 1, nullptr, 'p'},   {"count", 1, nullptr, 'n'},   {"at-once", 1, nullptr, 'a'},
                            {"rounds", 1, nullptr, 'r'}, {"command", 1, nullptr, 'c'}, {"help", 0, nullptr, 'h'}, {}};
    Settings settings;
    for (int found; (found = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
        switch (found) {
        case 'p': settings.port = static_cast<unsigned short>(std::atoi(optarg)); break;
        case 'n': settings.count = static_cast<unsigned>(std::max(1, std::atoi(optarg))); break;
        case 'a': settings.at_once = static_cast<unsigned>(std::max(1, std::atoi(optarg))); break;
        case 'r': settings.rounds = static_cast<unsigned>(std::max(1, std::atoi(optarg))); break;
        case 'c': settings.command = optarg; break;
        default: std::cerr << usage; std::exit(found == 'h' ? 0 : 2);
        }
    }
    if (optind < argc) settings.measure = argv[optind];
    if (settings.port == 0 || settings.measure.empty()) {
        std::cerr << usage;
        std::exit(2);
    }
    return settings;
}

} // namespace

int main(int argc, char** argv) {
    Floor floor;
    floor.settings = parse(argc, argv);
    std::signal(SIGPIPE, SIG_IGN);
    rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
    if (libssh2_init(0) != 0) give_up("libssh2_init failed");
    user_key();
    const auto& measure = floor.settings.measure;
    const auto from = now();
    if (measure == "cold") {
        floor.visit(State::ended, floor.settings.at_once, true);
        report(floor, from, floor.settings.count);
    } else if (measure == "held") {
        held(floor, from);
    } else if (measure == "warm") {
        warm(floor);
    } else {
        std::cerr << usage;
        return 2;
    }
    return floor.failed ? 1 : 0;
}
