#include "app/log.hpp"

#include "app/cli/output/paint.hpp"
#include "app/cli/output/terminal_filter.hpp"
#include "core/base/limits.hpp"
#include "core/base/utf8.hpp"

#include <bit>
#include <boost/json.hpp>
#include <cstdlib>
#include <cstring>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace loom {
namespace {

constexpr const char* journal_socket = "/run/systemd/journal/socket";

std::string_view bounded(std::string_view text) { return text.substr(0, limits::log_line_bytes); }

std::string plain_text(const LogLine& line, bool colour, Instant now) {
    const Paint paint(colour);
    constexpr Colour colours[] = {Colour::dim, Colour::none, Colour::yellow, Colour::red, Colour::none};
    auto text = fmt::format("{} {} {}: {}", paint(Colour::dim, to_rfc3339(now)),
                            paint(colours[static_cast<std::size_t>(line.level)], std::string(to_string(line.level))),
                            to_string(line.subsystem), for_line(bounded(line.text)));
    std::string about;
    const auto add = [&](const char* name, std::string_view value) {
        if (!value.empty()) about += fmt::format(" {}={}", name, for_line(value));
    };
    add("run", line.about.run);
    add("job", line.about.job);
    add("node", line.about.node);
    return about.empty() ? text : text + paint(Colour::dim, about);
}

std::string json_text(const LogLine& line, Instant now) {
    boost::json::object object;
    const auto add = [&](const char* name, std::string_view value) {
        if (!value.empty()) object[name] = valid_utf8(value);
    };
    add("time", to_rfc3339(now));
    add("level", to_string(line.level));
    add("subsystem", to_string(line.subsystem));
    add("run", line.about.run);
    add("job", line.about.job);
    add("node", line.about.node);
    add("message", bounded(line.text));
    return boost::json::serialize(object);
}

/// systemd's native protocol: `NAME=value` and a line end for each field; a value of several lines is preceded by its
/// length in place of the `=`.
std::string journal_text(const LogLine& line) {
    constexpr const char* priorities[] = {"7", "6", "4", "3", "3"};
    std::string text;
    const auto add = [&](std::string_view name, std::string_view value) {
        if (value.empty()) return;
        text += name;
        if (value.find('\n') == value.npos) {
            text += '=';
        } else {
            static_assert(std::endian::native == std::endian::little, "journald's lengths are little-endian");
            const std::uint64_t size = value.size();
            char bytes[sizeof size];
            std::memcpy(bytes, &size, sizeof size);
            text += '\n';
            text.append(bytes, sizeof size);
        }
        text.append(value) += '\n';
    };
    add("MESSAGE", bounded(line.text));
    add("PRIORITY", priorities[static_cast<std::size_t>(line.level)]);
    add("SYSLOG_IDENTIFIER", "loom");
    add("LOOM_SUBSYSTEM", to_string(line.subsystem));
    add("LOOM_RUN", line.about.run);
    add("LOOM_JOB", line.about.job);
    add("LOOM_NODE", line.about.node);
    return text;
}

/// Sends each line to journald. What it does not take is lost, as with any full log.
class JournalSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    JournalSink() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        address_.sun_family = AF_UNIX;
        std::strncpy(address_.sun_path, journal_socket, sizeof address_.sun_path - 1);
    }
    ~JournalSink() override { ::close(socket_); }

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        ::sendto(socket_, message.payload.data(), message.payload.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
    }
    void flush_() override {}

    int socket_;
    sockaddr_un address_{};
};

/// What `say` needs on whichever thread: set before any other begins, and gone after the last.
struct {
    LogFormat format = LogFormat::text;
    bool colour = false;
    std::shared_ptr<spdlog::logger> writer;
} in_force;

void say(const LogLine& line) {
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    in_force.writer->info("{}", log_text(line, in_force.format, in_force.colour, now));
}

} // namespace

std::string log_text(const LogLine& line, LogFormat look, bool colour, Instant now) {
    switch (look) {
    case LogFormat::json: return json_text(line, now);
    case LogFormat::journald: return journal_text(line);
    case LogFormat::automatic:
    case LogFormat::text: break;
    }
    return plain_text(line, colour, now);
}

LogFormat log_format_here(LogFormat wanted) {
    if (wanted != LogFormat::automatic) return wanted;
    if (::isatty(STDERR_FILENO) == 1) return LogFormat::text;
    struct stat status {};
    const auto* journal = std::getenv("JOURNAL_STREAM");
    const bool ours = journal && ::fstat(STDERR_FILENO, &status) == 0 &&
                      fmt::format("{}:{}", status.st_dev, status.st_ino) == journal;
    return ours ? LogFormat::journald : LogFormat::json;
}

DaemonLog::DaemonLog(const LogSettings& settings) {
    auto& [format, colour, writer] = in_force;
    format = log_format_here(settings.format);
    const auto* no_colour = std::getenv("NO_COLOR");
    colour = ::isatty(STDERR_FILENO) == 1 && !(no_colour && *no_colour);
    spdlog::init_thread_pool(limits::log_queue_lines, 1);
    spdlog::drop("loom");
    if (format == LogFormat::journald) writer = spdlog::create_async_nb<JournalSink>("loom");
    else writer = spdlog::create_async_nb<spdlog::sinks::stderr_sink_mt>("loom");
    writer->set_pattern("%v");
    writer->set_level(spdlog::level::trace);
    writer->flush_on(spdlog::level::trace);
    set_log_levels(settings.in_force());
    set_log_output(say);
}

DaemonLog::~DaemonLog() {
    set_log_output(nullptr);
    spdlog::shutdown(); // ends the thread that writes; only then may what it writes to go
    in_force.writer.reset();
}

} // namespace loom
