#include "app/process/command_output.hpp"

#include "app/process/child.hpp"
#include "core/base/utf8.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <sys/wait.h>
#include <unistd.h>

namespace loom {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr std::size_t shown_bytes = 300; ///< of standard error

/// A child from its start to its end. What was not reaped is ended by force, its group with it.
class Command {
public:
    Command(const Child& child, SteadyTime deadline) : child_(child), deadline_(deadline) {}
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;
    ~Command() {
        for (const int fd : {child_.out, child_.err, child_.pidfd})
            if (fd >= 0) ::close(fd);
        if (child_.pid < 0) return;
        ::kill(-child_.pid, SIGKILL);
        while (::waitpid(child_.pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    }

    enum class End { closed, late, too_much };

    /// Reads until the program has closed its output. Standard error is read too, lest the program waits for a reader.
    End read(std::size_t most) {
        while (child_.out >= 0) {
            std::array<pollfd, 2> waits{pollfd{child_.out, POLLIN, 0}, pollfd{child_.err, POLLIN, 0}};
            if (!wait(waits)) return End::late;
            if (waits[0].revents != 0 && !take(child_.out, out, most + 1)) close(child_.out);
            if (waits[1].revents != 0 && !take(child_.err, err, shown_bytes)) close(child_.err);
            if (out.size() > most) return End::too_much;
        }
        return End::closed;
    }

    /// The child's status, or nothing when it has not ended by the deadline.
    std::optional<int> reap() {
        for (;;) {
            // It may go on to write to standard error after it closed its output.
            std::array<pollfd, 2> waits{pollfd{child_.pidfd, POLLIN, 0}, pollfd{child_.err, POLLIN, 0}};
            if (!wait(waits)) return std::nullopt;
            if (waits[1].revents != 0 && !take(child_.err, err, shown_bytes)) close(child_.err);
            if (waits[0].revents != 0) break;
        }
        int status = 0;
        while (::waitpid(child_.pid, &status, 0) < 0)
            if (errno != EINTR) return std::nullopt;
        child_.pid = -1;
        return status;
    }

    std::string out, err;

private:
    static void close(int& fd) {
        ::close(fd);
        fd = -1;
    }

    bool wait(std::array<pollfd, 2>& waits) const {
        for (;;) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
            const int n = ::poll(waits.data(), waits.size(), left.count() > 0 ? static_cast<int>(left.count()) : 0);
            if (n > 0) return true;
            if (n == 0 ? left.count() <= 0 : errno != EINTR) return false;
        }
    }

    /// One read; what goes beyond `most` is dropped. False at the end.
    static bool take(int fd, std::string& into, std::size_t most) {
        std::array<char, 16384> block;
        const auto n = ::read(fd, block.data(), block.size());
        if (n < 0) return errno == EINTR;
        into.append(block.data(), std::min(static_cast<std::size_t>(n), most - std::min(most, into.size())));
        return n > 0;
    }

    Child child_;
    SteadyTime deadline_;
};

std::string first_line(const std::string& text) {
    const auto begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
    auto line = text.substr(begin, text.find('\n', begin) - begin);
    return line.empty() ? line : ": " + valid_utf8(line);
}

std::string bound_words(std::size_t bytes) {
    return bytes >= 1u << 20 ? fmt::format("{} MiB", bytes >> 20) : fmt::format("{} KiB", bytes >> 10);
}

} // namespace

Result<std::string> command_output(const std::vector<std::string>& words, const OutputBounds& bounds) {
    const auto wrong = [&](const std::string& why) {
        return Error{Errc::config, fmt::format("{} {} {}", bounds.what, words.front(), why)};
    };
    const auto late = [&] { return wrong(fmt::format("took longer than {} s", static_cast<double>(bounds.time.count()) / 1000)); };
    const auto child = start_child(words);
    if (!child) return wrong("cannot be started: " + child.error().message);
    Command command(*child, std::chrono::steady_clock::now() + bounds.time);
    const auto end = command.read(bounds.bytes);
    if (end == Command::End::late) return late();
    if (end == Command::End::too_much) return wrong("printed more than " + bound_words(bounds.bytes));
    const auto status = command.reap();
    if (!status) return late();
    const auto said = bounds.show_err ? first_line(command.err) : std::string{};
    if (WIFSIGNALED(*status)) return wrong(fmt::format("was ended by signal {}{}", WTERMSIG(*status), said));
    if (WEXITSTATUS(*status) != 0) return wrong(fmt::format("exited with {}{}", WEXITSTATUS(*status), said));
    return std::move(command.out);
}

} // namespace loom
