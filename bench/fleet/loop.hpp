#pragma once
#include "fleet/crypto.hpp"
#include "fleet/options.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <vector>

namespace loom::fleet {

class Loop;

/// Something with a descriptor on a loop.
class Endpoint {
public:
    Endpoint(Loop& loop, int descriptor) : loop_(loop), descriptor_(descriptor) {}
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;
    virtual ~Endpoint();

    virtual void on_events(std::uint32_t events) = 0;
    virtual void on_timer(std::uint32_t token) = 0;

    int descriptor() const { return descriptor_; }
    /// To be forgotten at the end of this turn; nothing is called any more.
    void retire();
    bool retired() const { return retired_; }
    /// Tells this endpoint from another one that had its descriptor earlier or has it later.
    std::uint32_t serial() const { return serial_; }

protected:
    Loop& loop_;
    int descriptor_;

private:
    friend class Loop;
    std::uint32_t serial_ = 0;
    bool retired_ = false;
};

/// What all loops of a server share. Any thread.
struct Shared {
    explicit Shared(Options given);
    ~Shared();

    const HostKey& host_key(std::uint32_t address);
    /// The fault of the next connection to that address.
    Fault fault_of(std::uint32_t address);
    void note(std::uint32_t address, std::string_view command);

    const Options options;
    unsigned short port = 0;
    Counters counters;

private:
    HostKey common_key_;
    std::mutex mutex_;
    std::map<std::uint32_t, std::unique_ptr<HostKey>> keys_;
    std::vector<std::unique_ptr<std::atomic<std::uint64_t>>> times_left_; ///< of each rule
    int log_ = -1;
};

/// `127.1.2.3`, from the number in the host's order.
std::string address_text(std::uint32_t address);

/// One thread's epoll loop with its timers.
class Loop {
public:
    using Clock = std::chrono::steady_clock;

    explicit Loop(Shared& shared);
    ~Loop();
    void run();
    void stop(); ///< any thread

    void add(std::unique_ptr<Endpoint> endpoint, std::uint32_t events);
    Endpoint* find(int descriptor, std::uint32_t serial);
    /// Timers that are due together come in the order of their calls.
    void call_later(const Endpoint& endpoint, Clock::duration time, std::uint32_t token);
    Clock::time_point now() const { return now_; } ///< when this turn began
    Shared& shared() { return shared_; }
    /// For reading into, by one endpoint at a time and within one call.
    std::string& scratch() { return scratch_; }

private:
    friend class Endpoint;
    struct Timer {
        Clock::time_point due;
        std::uint64_t order;
        int descriptor;
        std::uint32_t serial, token;
        bool operator<(const Timer& other) const { // the largest is the next one
            return due != other.due ? due > other.due : order > other.order;
        }
    };
    void fire_timers();
    void bury();

    Shared& shared_;
    int epoll_, wake_;
    Clock::time_point now_ = Clock::now();
    std::vector<std::unique_ptr<Endpoint>> endpoints_; ///< by descriptor
    std::vector<int> retired_;
    std::priority_queue<Timer> timers_;
    std::uint64_t order_ = 0;
    std::uint32_t serial_ = 0;
    std::string scratch_;
};

} // namespace loom::fleet
