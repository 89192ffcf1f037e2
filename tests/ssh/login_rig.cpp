#include "ssh/login_rig.hpp"

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace loom::ssh_test {

namespace {

constexpr auto address = "127.77.99.1";

unsigned short free_port() {
    asio::io_context io;
    const asio::ip::tcp::acceptor probe(io, {asio::ip::make_address(address), 0});
    return probe.local_endpoint().port();
}

bool answers(unsigned short port) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    error_code ec;
    socket.connect({asio::ip::make_address(address), port}, ec);
    char letter = 0;
    if (!ec) socket.read_some(asio::buffer(&letter, 1), ec);
    return !ec && letter == 'S';
}

std::string path_of_sshd() {
    for (const char* path : {"/usr/sbin/sshd", "/usr/local/sbin/sshd"})
        if (::access(path, X_OK) == 0) return path;
    return "/usr/sbin/sshd";
}

std::vector<std::string> sshd_words(const TemporaryFolder& folder, const std::string& settings, unsigned short port, bool passwords) {
    const auto config = folder.write("sshd_config", "ListenAddress " + std::string(address) + "\nPort " + std::to_string(port) +
                                                        "\nHostKey " + test_nodes().folder + "/host_key\nAuthorizedKeysFile " +
                                                        folder.path("authorized_keys") + "\nPidFile none\nStrictModes no\n" +
                                                        "PermitRootLogin yes\nUseDNS no\nSetEnv SHLVL=2\nLogLevel VERBOSE\n" + settings);
    const auto serve = path_of_sshd() + " -D -f " + config + " -E " + folder.path("sshd.log");
    if (!passwords) return {"/bin/sh", "-c", "exec " + serve};
    const auto etc = folder.path("etc");
    // The whole folder: programs replace its files by renaming. The password's hash is that of `secret`.
    return {"unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec",
            "cp -a /etc " + etc + "; hash=$(openssl passwd -6 -salt loom secret); " +
                "sed \"s|^" + test_nodes().user + ":[^:]*:|" + test_nodes().user + ":$hash:|\" /etc/shadow >" + etc + "/shadow; " +
                "mount --bind " + etc + " /etc; exec " + serve};
}

} // namespace

Child::Child(std::vector<std::string> words, std::vector<std::string> environment) {
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const auto parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    for (auto& setting : environment) ::putenv(setting.data());
    const int nothing = ::open("/dev/null", O_RDWR); // not by stdio, whose buffers are the parent's
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(nothing, STDOUT_FILENO);
    ::execvp(arguments[0], arguments.data());
    ::_exit(127);
}

Child::~Child() {
    if (pid_ < 0) return;
    ::kill(static_cast<pid_t>(pid_), SIGKILL);
    wait();
}

int Child::wait() {
    int status = 0;
    while (pid_ > 0 && ::waitpid(static_cast<pid_t>(pid_), &status, 0) < 0 && errno == EINTR) {}
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool Child::ended() { return !process_alive(pid_); }

void run_program(std::vector<std::string> words, std::vector<std::string> environment) {
    const auto name = words.front() + " " + words.back();
    if (Child(std::move(words), std::move(environment)).wait() != 0) throw std::runtime_error(name + " failed");
}

std::string make_key(const TemporaryFolder& folder, const std::string& name, const std::string& type, const std::string& passphrase) {
    std::vector<std::string> words = {"ssh-keygen", "-q", "-a", "2", "-N", passphrase, "-C", name, "-f", folder.path(name), "-t"};
    std::vector<std::string> more;
    boost::split(more, type, boost::is_any_of(" "));
    words.insert(words.end(), more.begin(), more.end());
    run_program(std::move(words));
    return folder.path(name);
}

std::string public_line(const std::string& file) { return read_text(file + ".pub"); }

TestAgent::TestAgent(const TemporaryFolder& folder, const std::string& name)
    : socket_(folder.path(name)), child_({"ssh-agent", "-D", "-a", socket_}) {
    for (int i = 0; i < 6000 && !child_.ended() && ::access(socket_.c_str(), F_OK) != 0; ++i) ::poll(nullptr, 0, 10);
}

void TestAgent::add(const std::string& file) const { run_program({"ssh-add", "-q", file}, {"SSH_AUTH_SOCK=" + socket_}); }

TestSshd::TestSshd(const TemporaryFolder& folder, const std::string& settings, bool passwords)
    : port_(free_port()), log_(folder.path("sshd.log")), child_(sshd_words(folder, settings, port_, passwords)) {
    for (int i = 0; i < 6000 && !answers(port_); ++i) {
        if (child_.ended()) throw std::runtime_error("sshd did not start: " + log());
        ::poll(nullptr, 0, 10);
    }
}

Node TestSshd::node() const {
    Node node;
    node.name = "own";
    node.address = address;
    node.port = port_;
    return node;
}

bool TestSshd::can_have_passwords() {
    return ::geteuid() == 0 && Child({"unshare", "--mount", "true"}).wait() == 0;
}

} // namespace loom::ssh_test
