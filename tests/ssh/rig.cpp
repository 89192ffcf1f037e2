#include "ssh/rig.hpp"

#include "ssh/library.hpp"

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace loom::ssh_test {

const TestNodes& test_nodes() {
    static const TestNodes nodes = [] {
        const char* file = std::getenv("LOOM_TEST_NODES");
        if (!file) throw std::runtime_error("start these tests by tests/support/with_nodes.py");
        const auto json = boost::json::parse(read_text(file)).as_object();
        TestNodes read;
        for (const auto& address : json.at("addresses").as_array()) read.addresses.emplace_back(address.as_string());
        read.port = json.at("port").to_number<unsigned short>();
        read.user = json.at("user").as_string();
        read.identity = json.at("identity").as_string();
        read.host_key = json.at("host_key").as_string();
        read.folder = json.at("folder").as_string();
        read.bastion = json.at("bastion").as_string();
        const auto& others = json.at("others").as_object();
        read.others.password = others.at("password").as_string();
        read.others.port = others.at("port").to_number<unsigned short>();
        for (const auto& [name, address] : others.at("nodes").as_object())
            read.others.addresses[name] = address.as_string();
        return read;
    }();
    return nodes;
}

TemporaryFolder::TemporaryFolder() {
    auto name = (std::filesystem::temp_directory_path() / "loom-test-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a temporary folder");
    folder_ = name;
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& text, int mode) const {
    const auto file = path(name);
    std::ofstream(file) << text;
    ::chmod(file.c_str(), static_cast<mode_t>(mode));
    return file;
}

std::string read_text(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

Signpost::Signpost(const TemporaryFolder& folder, bool for_all) : file_(folder.path("signpost")) {
    // Open for both directions: then neither side waits for the other to open it.
    if (::mkfifo(file_.c_str(), 0600) == 0) descriptor_ = ::open(file_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) throw std::runtime_error("cannot make a FIFO");
    if (!for_all) return;
    ::chmod(folder.path("").c_str(), 0711);
    ::chmod(file_.c_str(), 0666);
}

Signpost::~Signpost() { ::close(descriptor_); }

std::string Signpost::line() const {
    std::string text;
    pollfd wait{descriptor_, POLLIN, 0};
    while (::poll(&wait, 1, 60'000) == 1) {
        char letter = 0;
        if (::read(descriptor_, &letter, 1) != 1) break;
        if (letter == '\n') return text;
        text += letter;
    }
    return {};
}

std::jthread when(const Signpost& signpost, std::function<void(std::string)> act) {
    return std::jthread([&signpost, act = std::move(act)] { act(signpost.line()); });
}

std::vector<long> numbers(const std::string& text) {
    std::istringstream words(text);
    std::vector<long> found;
    for (long number = 0; words >> number;) found.push_back(number);
    return found;
}

bool process_alive(long pid) {
    const auto text = read_text("/proc/" + std::to_string(pid) + "/stat");
    const auto end = text.rfind(')');
    return end != text.npos && text.size() > end + 2 && text[end + 2] != 'Z' && text[end + 2] != 'X';
}

bool process_ends(long pid) {
    for (int i = 0; i < 6000 && process_alive(pid); ++i) ::poll(nullptr, 0, 10);
    return !process_alive(pid);
}

std::unique_ptr<Connector> Rig::connector() {
    static const SshLibrary library;
    SshOptions options;
    options.strands = Strands({make_strand(io.get_executor()), make_strand(io.get_executor())});
    options.blocking = blocking.get_executor();
    options.known_hosts = known_hosts;
    options.own_known_hosts = folder.path("own_known_hosts");
    options.host_keys = host_keys;
    options.home = folder.path("home");
    options.user = test_nodes().user;
    options.pool_idle = pool_idle;
    options.pool_sessions = 16;
    if (ssh_config) {
        options.user_config = folder.write("ssh_config", *ssh_config);
        options.known_hosts.reset();
    }
    options.environment = environment;
    options.files_recent = files_recent;
    return create_ssh_connector(options);
}

Node Rig::node(std::size_t index) {
    const auto& nodes = test_nodes();
    Node node;
    node.name = "node" + std::to_string(index + 1);
    node.address = nodes.addresses.at(index);
    node.port = nodes.port;
    node.identity = nodes.identity;
    return node;
}

void Rig::run(std::function<awaitable<void>()> work, int threads) {
    std::exception_ptr error;
    bool ended = false;
    asio::co_spawn(make_strand(io.get_executor()), std::move(work), [&](std::exception_ptr thrown) {
        error = thrown;
        ended = true;
    });
    io.restart();
    std::vector<std::jthread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back([this] { io.run(); });
    io.run();
    others.clear();
    if (error) std::rethrow_exception(error);
    if (!ended) throw std::logic_error("the coroutine waits for something that cannot come");
}

Connected Rig::connect(Node node, Timeouts timeout, StopToken stop) {
    const auto reaches = connector();
    Connected connected;
    run([&]() -> awaitable<void> { connected = co_await reaches->connect(node, timeout, stop, nullptr); });
    return connected;
}

std::optional<Node> Rig::other(const std::string& name, const std::string& user) {
    const auto& others = test_nodes().others;
    const auto found = others.addresses.find(name);
    if (found == others.addresses.end()) {
        WARN("NOT TESTED: there is no node with " << name << " here; with_nodes.py has said why");
        return std::nullopt;
    }
    auto other = node();
    other.name = name;
    other.address = found->second;
    other.port = others.port;
    other.user = user;
    return other;
}

Outcome Rig::exec(ExecRequest request, StopToken stop, std::size_t index) {
    return exec_on(node(index), std::move(request), std::move(stop));
}

Outcome Rig::exec_on(Node node, ExecRequest request, StopToken stop) {
    const auto reaches = connector();
    Outcome outcome;
    std::string unreached;
    run([&]() -> awaitable<void> {
        const StopToken none;
        auto connected = co_await reaches->connect(node, request.timeout, none, nullptr);
        unreached = connected.unreached.message;
        if (!connected.remote) co_return;
        outcome = co_await connected.remote->exec(request, stop);
        co_await connected.remote->close();
    });
    INFO(unreached);
    REQUIRE(unreached.empty());
    return outcome;
}

Outcome Rig::exec(const std::string& command) {
    ExecRequest request;
    request.command = command;
    return exec(std::move(request));
}

} // namespace loom::ssh_test
