#pragma once
// What the SSH tests share: the servers that tests/support/with_nodes.py started, and a loop to run coroutines on.
#include "core/async/asio.hpp"
#include "ssh/connector.hpp"
#include "support/catch.hpp"

#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace loom::ssh_test {

/// Nodes that need users of their own (tests/support/other_nodes.py).
struct OtherNodes {
    std::map<std::string, std::string> addresses; ///< `sudo`, `dropbear`: those that could be had
    unsigned short port = 0;
    std::string password; ///< of the users
};

struct TestNodes {
    std::vector<std::string> addresses;
    unsigned short port = 0;
    std::string user, identity, host_key, folder;
    std::string bastion; ///< an sshd with its default limits
    OtherNodes others;
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
    /// `for_all`: other users may write to it too.
    explicit Signpost(const TemporaryFolder& folder, bool for_all = false);
    ~Signpost();
    const std::string& file() const { return file_; }
    /// Waits for a line; empty where none comes within a minute.
    std::string line() const;

private:
    std::string file_;
    int descriptor_ = -1;
};

/// Runs `act` with the line that a command writes to the signpost, while the rig runs the command.
std::jthread when(const Signpost& signpost, std::function<void(std::string)> act);
std::vector<long> numbers(const std::string& text);

/// There and not a zombie.
bool process_alive(long pid);
/// Waits until it is gone; false where it is still there after a minute.
bool process_ends(long pid);

struct Rig {
    asio::io_context io;
    asio::thread_pool blocking{2};
    Milliseconds files_recent{0}; ///< a file that a test changes is seen at once
    TemporaryFolder folder;
    std::vector<std::string> known_hosts;
    std::optional<std::string> ssh_config; ///< a text: then its UserKnownHostsFile counts, and not known_hosts
    HostKeys host_keys = HostKeys::accept_new;
    Milliseconds pool_idle{0};
    std::map<std::string, std::string> environment;

    std::unique_ptr<Connector> connector();
    static Node node(std::size_t index = 0);
    /// A node of OtherNodes; none, with a loud word, where it could not be had.
    static std::optional<Node> other(const std::string& name, const std::string& user);

    /// Runs the coroutine on a strand to its end, with as many threads as asked for, and until nothing is left to do.
    void run(std::function<awaitable<void>()> work, int threads = 1);

    Connected connect(Node node, Timeouts timeout = {}, StopToken stop = {});
    /// Connects, which must succeed, runs the command and closes.
    Outcome exec(ExecRequest request, StopToken stop = {}, std::size_t index = 0);
    Outcome exec(const std::string& command);
    Outcome exec_on(Node node, ExecRequest request, StopToken stop = {});
};

} // namespace loom::ssh_test
