#include "ssh/transfer.hpp"

#include "core/base/bytes.hpp"
#include "core/base/digest.hpp"
#include "ssh/exec.hpp"
#include "ssh/transfer_paths.hpp"

#include <algorithm>
#include <random>
#include <spdlog/fmt/fmt.h>

namespace loom {
namespace {

constexpr std::chrono::seconds slack{10}; ///< beyond the grace, for a window of bytes on a slow link

/// A name may hold a line end, and a report has a line for each file.
std::string one_line(const std::string& path) {
    std::string line = path;
    std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r'; }, '?');
    return line;
}

} // namespace

std::string random_letters() {
    std::random_device random;
    return fmt::format("{:08x}", static_cast<std::uint32_t>(random()));
}

Transfer::Transfer(TransferPlace place, Timeouts timeout, StopToken stop)
    : sftp(place.session), place_(std::move(place)), timeout_(timeout), stop_(std::move(stop)) {}

awaitable<Outcome> Transfer::run(std::function<awaitable<void>()> work) {
    const auto executor = place_.session->executor();
    outcome_.phase = Phase::open;
    auto on_stop = [this](StopReason reason) { interrupt(reason, ""); };
    const auto registration = stop_.on_stop(executor, std::move(on_stop));
    if (stop_.requested()) {
        interrupt(stop_.reason(), "");
        conclude();
        co_return std::move(outcome_);
    }
    const Deadline whole(executor, timeout_.command, [this] {
        interrupt(StopReason::timed_out, fmt::format("the transfer did not end within {}", short_duration(timeout_.command)));
    });
    if (co_await open()) {
        co_await work();
        hurry();
        co_await sftp.close();
        co_await sftp.end();
        limit_.reset();
        conclude();
        output_.finish(outcome_);
    }
    co_return std::move(outcome_);
}

awaitable<bool> Transfer::open() {
    const Deadline answer(place_.session->executor(), timeout_.auth, [this] { place_.session->kill(); });
    const auto code = co_await sftp.begin();
    if (code == 0) {
        outcome_.phase = Phase::command;
        co_return true;
    }
    const auto& session = *place_.session;
    if (interrupted_) {
        conclude();
    } else if (answer.fired()) {
        outcome_.state = NodeState::timed_out;
        outcome_.message = fmt::format("{} did not answer the request for SFTP within {}", session.peer(),
                                       short_duration(timeout_.auth));
    } else if (session.killed() || session.ended_by_peer()) {
        outcome_.state = NodeState::lost;
        outcome_.message = fmt::format("connection to {} lost before the transfer began", session.peer());
    } else {
        outcome_.message = fmt::format("{} offers no SFTP (sshd_config: Subsystem sftp internal-sftp): {}", session.peer(),
                                       session.last_error());
    }
    co_return false;
}

void Transfer::interrupt(StopReason reason, std::string why) {
    if (interrupted_) return;
    interrupted_ = true;
    *given_up_ = true;
    reason_ = reason;
    why_ = std::move(why);
    inner_.request(reason);
    if (outcome_.phase == Phase::open) return place_.session->kill();
    hurry();
    place_.session->wake();
}

void Transfer::hurry() {
    if (!limit_) limit_.emplace(place_.session->executor(), timeout_.grace + slack, [this] { place_.session->kill(); });
}

void Transfer::calm() {
    if (!interrupted_) limit_.reset();
}

void Transfer::say(const std::string& line) { output_.add(false, one_line(line) + "\n"); }

void Transfer::transferred(std::string_view verb, const std::string& path, std::uint64_t bytes) {
    ++changes_;
    ++files_;
    bytes_ += bytes;
    say(fmt::format("{} {} ({})", verb, path, size_words(bytes)));
}

void Transfer::unchanged(const std::string& path) {
    ++unchanged_;
    say("unchanged " + path);
}

void Transfer::would(std::string_view verb, const std::string& path) {
    ++changes_;
    looked_ = true;
    say(fmt::format("would {} {}", verb, path));
}

void Transfer::fail(const std::string& path, const std::string& why) {
    if (interrupted_ || dead_) return; // what follows from an ending is not its cause
    const auto text = one_line(path.empty() ? why : fmt::format("{}: {}", path, why));
    if (failures_++ == 0) first_failure_ = text;
    output_.add(true, text + "\n");
}

bool Transfer::good(SftpCode code, const std::string& path) {
    if (code == 0) return true;
    const auto& session = *place_.session;
    if (code > 0) {
        fail(path, sftp_words(code));
        return false;
    }
    lost_ = session.killed() || session.ended_by_peer();
    if (!lost_) fail(path, session.last_error());
    dead_ = true;
    return false;
}

/// The ending's reasons in the order of their weight.
void Transfer::conclude() {
    if (files_ + unchanged_ > 0 && !looked_ && outcome_.phase == Phase::command)
        say(fmt::format("{} {} transferred ({}), {} unchanged", files_, files_ == 1 ? "file" : "files", size_words(bytes_),
                        unchanged_));
    const auto& session = *place_.session;
    if (interrupted_) {
        outcome_.state = stopped_state(reason_);
        outcome_.message = why_.empty() && outcome_.phase == Phase::open ? "before the transfer began" : why_;
        if (session.killed() && outcome_.phase == Phase::command) {
            outcome_.message += outcome_.message.empty() ? "" : "; ";
            outcome_.message += "the node did not answer any more, so a temporary file may have stayed there";
        }
    } else if (lost_) {
        outcome_.state = NodeState::lost;
        outcome_.message = fmt::format("connection to {} lost during the transfer", session.peer());
    } else if (failures_ > 0) {
        outcome_.state = NodeState::failed;
        outcome_.message = first_failure_;
        if (failures_ > 1) outcome_.message += fmt::format(" (and {} more)", failures_ - 1);
    } else {
        outcome_.state = changes_ > 0 ? NodeState::changed : NodeState::ok;
    }
}

awaitable<std::map<std::string, std::string>> Transfer::remote_hashes(std::vector<std::string> paths) {
    std::map<std::string, std::string> known;
    std::size_t next = 0;
    while (next < paths.size() && !over()) {
        std::vector<std::string> some;
        // Quoting may take four bytes for one.
        for (std::size_t bytes = 0; next < paths.size() && bytes < limits::hash_command_bytes / 4; ++next) {
            bytes += paths[next].size() + 3;
            some.push_back(paths[next]);
        }
        auto line = hash_command(some);
        if (!line) continue;
        ExecRequest request;
        request.command = std::move(*line);
        request.timeout = timeout_;
        auto answer = co_await run_command(place_.session, std::move(request), inner_);
        // No such program, no shell at all, or a login that only allows SFTP: then everything is transferred.
        if (answer.state != NodeState::ok || answer.out.dropped_bytes > 0) break;
        const auto hashes = read_hashes(answer.out.text, some.size());
        if (!hashes) break;
        for (std::size_t i = 0; i < some.size(); ++i)
            if (!(*hashes)[i].empty()) known[some[i]] = (*hashes)[i];
    }
    co_return known;
}

awaitable<std::string> Transfer::absolute(std::string path) {
    if (path.starts_with('/')) co_return path;
    if (path == "~") path.clear();
    if (path.starts_with("~/")) path.erase(0, 2);
    if (login_folder_.empty()) {
        std::string real;
        const auto code = co_await sftp.real_path(".", real);
        if (!good(code, path)) co_return path;
        login_folder_ = std::move(real);
    }
    co_return join_path(login_folder_, path);
}

} // namespace loom
