#pragma once
// What the SSH tests share: the servers that tests/support/with_nodes.py started, and a loop to run coroutines on.
#include "core/async/asio.hpp"
#include "ssh/connector.hpp"
#include "support/catch.hpp"

#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace loom::ssh_test {

struct TestNodes {
    std::vector<std::string> addresses;
    unsigned short port = 0;
    std::string user, identity, host_key, folder;
    std::string bastion; ///< an sshd with its default limits
};

/// Read from LOOM_TEST_NODES; throws where the tests were not started by with_nodes.py.
const TestNodes& test_nodes();

/// A folder that goes with the object.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder();
    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    std::string write(const std::string& name, const std::string& text, int mode = 0600) const;

private:
    std::filesystem::path folder_;
};

std::string read_text(const std::string& file);

/// A FIFO by which a command on a node says that it got so far.
class Signpost {
public:
    explicit Signpost(const TemporaryFolder& folder);
    ~Signpost();
    const std::string& file() const { return file_; }
    /// Waits for a line; empty where none comes within a minute.
    std::string line() const;

private:
    std::string file_;
    int descriptor_ = -1;
};

/// There and not a zombie.
bool process_alive(long pid);
/// Waits until it is gone; false where it is still there after a minute.
bool process_ends(long pid);

struct Rig {
    asio::io_context io;
    asio::thread_pool blocking{2};
    TemporaryFolder folder;
    std::vector<std::string> known_hosts;
    HostKeys host_keys = HostKeys::accept_new;
    Milliseconds pool_idle{0};

    std::unique_ptr<Connector> connector();
    static Node node(std::size_t index = 0);

    /// Runs the coroutine on a strand to its end, with as many threads as asked for, and until nothing is left to do.
    void run(std::function<awaitable<void>()> work, int threads = 1);

    Connected connect(Node node, Timeouts timeout = {}, StopToken stop = {});
    /// Connects, which must succeed, runs the command and closes.
    Outcome exec(ExecRequest request, StopToken stop = {}, std::size_t index = 0);
    Outcome exec(const std::string& command);
};

} // namespace loom::ssh_test
