#pragma once
// What the tests of authentication start beside the servers of with_nodes.py: keys, an ssh-agent, an sshd of their own.
#include "ssh/rig.hpp"

#include <string>
#include <vector>

namespace loom::ssh_test {

/// A program that runs until the object goes; it does not outlive the test program either.
class Child {
public:
    Child(std::vector<std::string> words, std::vector<std::string> environment = {});
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// Waits for its end; the exit code, or -1.
    int wait();
    bool ended();
    long pid() const { return pid_; }

private:
    long pid_ = -1;
};

/// Runs the program to its end; throws where it fails.
void run_program(std::vector<std::string> words, std::vector<std::string> environment = {});

/// A new private key, `name` and `name.pub` in the folder; `type` is ssh-keygen's, such as `rsa -b 2048 -m PEM`.
std::string make_key(const TemporaryFolder& folder, const std::string& name, const std::string& type = "ed25519",
                     const std::string& passphrase = "");

/// The public key's line.
std::string public_line(const std::string& file);

/// A real ssh-agent.
class TestAgent {
public:
    explicit TestAgent(const TemporaryFolder& folder, const std::string& name = "agent");
    const std::string& socket() const { return socket_; }
    void add(const std::string& file) const;

private:
    std::string socket_;
    Child child_;
};

/// A real sshd with settings of its own, on a port of its own. `authorized_keys` in the folder is what it reads.
class TestSshd {
public:
    /// `passwords`: the user's password is `secret` (root only, in a mount namespace with another /etc).
    TestSshd(const TemporaryFolder& folder, const std::string& settings, bool passwords = false);
    /// Without keys or passwords.
    Node node() const;
    /// Whether this machine lets the tests set a password.
    static bool can_have_passwords();
    std::string log() const { return read_text(log_); }

private:
    unsigned short port_;
    std::string log_;
    Child child_;
};

} // namespace loom::ssh_test
