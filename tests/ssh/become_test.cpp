#include "ssh/rig.hpp"

#include <csignal>

using namespace loom;
using namespace loom::ssh_test;
using namespace std::chrono_literals;

namespace {

ExecRequest as_root(std::string command, std::string password) {
    ExecRequest request;
    request.command = std::move(command);
    request.become.emplace();
    request.become->password = Secret(std::move(password));
    return request;
}

std::string right_password() { return test_nodes().others.password; }

} // namespace

TEST_CASE("sudo runs a command with a password, and the command has its input") {
    Rig rig;
    const auto node = Rig::other("sudo", "loom-asks");
    if (!node) return;
    auto request = as_root("id -un; cat; echo err >&2; exit 3", right_password());
    request.input = "first line\nsecond";
    request.pty = GENERATE(false, true);
    std::string heard, heard_err;
    request.output = std::make_shared<OutputBuffer>([&](bool err, std::string_view bytes) { (err ? heard_err : heard) += bytes; });
    const auto outcome = rig.exec_on(*node, request);
    CAPTURE(outcome.message);
    CHECK(outcome.exit_status == 3);
    CHECK(heard == outcome.out.text);
    CHECK(heard_err == outcome.err.text);
    if (request.pty) {
        CHECK(outcome.out.text == "root\r\nfirst line\r\nseconderr\r\n");
        CHECK(outcome.err.text == "");
    } else {
        CHECK(outcome.out.text == "root\nfirst line\nsecond");
        CHECK(outcome.err.text == "err\n"); // neither a lecture nor a prompt
    }
}

TEST_CASE("sudo that asks for no password gets none") {
    Rig rig;
    const auto node = Rig::other("sudo", "loom-free");
    if (!node) return;
    auto request = as_root("id -un; cat", GENERATE("", "not needed"));
    request.become->user = GENERATE("", "loom-tty");
    request.input = "input";
    const auto outcome = rig.exec_on(*node, request);
    CHECK(outcome.state == NodeState::ok);
    CHECK(outcome.out.text == (request.become->user.empty() ? "root" : request.become->user) + "\ninput");
    CHECK(outcome.err.text == "");
}

TEST_CASE("sudo that does not begin the command is told apart") {
    struct Row {
        std::string user, password;
        bool pty;
        std::string message;
    };
    const auto row = GENERATE(values<Row>({
        {"loom-asks", "wrong", false, "sudo did not accept the password"},
        {"loom-asks", "wrong", true, "sudo did not accept the password"},
        {"loom-asks", "", false, "sudo asks for a password, and none is configured: become.password, or --ask-become-pass"},
        {"loom-tty", "right", false, "sudo wants a terminal on this node: give it one with pty: true, or --pty"},
    }));
    Rig rig;
    const auto node = Rig::other("sudo", row.user);
    if (!node) return;
    auto request = as_root("echo ran", row.password == "right" ? right_password() : row.password);
    request.pty = row.pty;
    request.input = "wrong too\n";
    const auto outcome = rig.exec_on(*node, request);
    CAPTURE(outcome.out.text, outcome.err.text);
    CHECK(outcome.state == NodeState::failed);
    CHECK(outcome.message == row.message);
    CHECK(outcome.out.text.find("ran") == std::string::npos);
}

TEST_CASE("a sudo that insists on a terminal gets one") {
    Rig rig;
    const auto node = Rig::other("sudo", "loom-tty");
    if (!node) return;
    auto request = as_root("id -un", right_password());
    request.pty = true;
    const auto outcome = rig.exec_on(*node, request);
    CHECK(outcome.state == NodeState::ok);
    CHECK(outcome.out.text == "root\r\n");
}

TEST_CASE("the kill goes through sudo, and ends the command with all its processes") {
    struct Row {
        std::string user, password;
        bool pty;
    };
    // With and without a session that sudo makes; with and without a password; the login itself may signal none of them.
    const auto row = GENERATE(values<Row>({{"loom-asks", "right", false},
                                           {"loom-free", "", false},
                                           {"loom-tty", "right", true}}));
    CAPTURE(row.user);
    Rig rig;
    const auto node = Rig::other("sudo", row.user);
    if (!node) return;
    const Signpost signpost(rig.folder, true);
    const StopToken stop;
    std::vector<long> processes;
    auto request = as_root("sleep 1000 & a=$!; sh -c 'trap \"\" TERM; sleep 1000; :' & echo $$ $PPID $a $! >" +
                               signpost.file() + "; wait",
                           row.password.empty() ? "" : right_password());
    request.pty = row.pty;
    request.timeout.grace = 1s;
    const auto stopper = when(signpost, [&](const std::string& line) {
        processes = numbers(line);
        stop.request(StopReason::cancelled);
    });
    const auto outcome = rig.exec_on(*node, request, stop);
    CHECK(outcome.state == NodeState::cancelled);
    CHECK(outcome.message == "");
    CHECK(outcome.survivors == "");
    REQUIRE(processes.size() == 4);
    for (const auto pid : processes) CHECK(process_ends(pid));
}

TEST_CASE("the kill ends a plain user's command, and reports what left its session") {
    Rig rig;
    const auto node = Rig::other("sudo", "loom-free");
    if (!node) return;
    const Signpost signpost(rig.folder, true);
    const StopToken stop;
    std::vector<long> processes;
    ExecRequest request;
    request.command = "sleep 1000 & a=$!; sh -c 'trap \"\" TERM; sleep 1000; :' & b=$!; setsid sleep 1000 & echo $$ $a $b $! >" +
                      signpost.file() + "; wait";
    request.timeout.grace = 1s;
    const auto stopper = when(signpost, [&](const std::string& line) {
        processes = numbers(line);
        stop.request(StopReason::cancelled);
    });
    const auto outcome = rig.exec_on(*node, request, stop);
    CHECK(outcome.state == NodeState::cancelled);
    REQUIRE(processes.size() == 4);
    CHECK(outcome.survivors == std::to_string(processes[3]));
    for (std::size_t i = 0; i < 3; ++i) CHECK(process_ends(processes[i]));
    CHECK(process_alive(processes[3]));
    ::kill(static_cast<pid_t>(processes[3]), SIGKILL);
}

TEST_CASE("a stop while sudo waits for its password ends sudo") {
    Rig rig;
    const auto node = Rig::other("sudo", "loom-asks");
    if (!node) return;
    auto request = as_root("echo ran", "wrong");
    request.timeout.command = 100ms; // PAM takes two seconds to refuse
    const auto outcome = rig.exec_on(*node, request);
    CHECK(outcome.state == NodeState::timed_out);
    CHECK(outcome.out.text == "");
}

TEST_CASE("Dropbear runs, signals and ends commands as OpenSSH does") {
    Rig rig;
    const auto user = GENERATE("loom-free", "root");
    const auto node = Rig::other("dropbear", user);
    if (!node) return;
    ExecRequest request;
    request.command = "echo out; echo err >&2; cat; exit 7";
    request.input = "in";
    auto outcome = rig.exec_on(*node, request);
    CHECK(outcome.exit_status == 7);
    CHECK(outcome.out.text == "out\nin");
    CHECK(outcome.err.text == "err\n");
    request.command = "kill -TERM $$";
    CHECK(rig.exec_on(*node, request).exit_signal == "TERM");
    request.command = "tty";
    request.pty = true;
    CHECK(rig.exec_on(*node, request).out.text.starts_with("/dev/"));
}

TEST_CASE("on Dropbear, too, a kill ends the command and reports what left its session") {
    Rig rig;
    const auto user = GENERATE("loom-free", "root");
    const bool pty = GENERATE(false, true);
    const auto node = Rig::other("dropbear", user);
    if (!node) return;
    const Signpost signpost(rig.folder, true);
    const StopToken stop;
    std::vector<long> processes;
    ExecRequest request;
    request.command = "trap '' HUP; sleep 1000 & a=$!; sh -c 'sleep 1000; :' & b=$!; c=$(sh -c 'sleep 1000 >/dev/null & echo $!'); "
                      "setsid sleep 1000 & echo $$ $a $b $c $! >" + signpost.file() + "; wait";
    request.pty = pty;
    const auto stopper = when(signpost, [&](const std::string& line) {
        processes = numbers(line);
        stop.request(StopReason::cancelled);
    });
    const auto outcome = rig.exec_on(*node, request, stop);
    CHECK(outcome.state == NodeState::cancelled);
    REQUIRE(processes.size() == 5);
    CHECK(outcome.survivors == std::to_string(processes[4]));
    for (std::size_t i = 0; i < 4; ++i) CHECK(process_ends(processes[i]));
    CHECK(process_alive(processes[4]));
    ::kill(static_cast<pid_t>(processes[4]), SIGKILL);
}
