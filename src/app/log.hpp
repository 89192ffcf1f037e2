#pragma once
#include "core/model/log_settings.hpp"
#include "core/time/instant.hpp"

#include <string>

namespace loom {

/// How a line looks: `automatic` is none of the looks. Colours only in text. A datagram for journald, else one line without
/// its end. Pure.
std::string log_text(const LogLine& line, LogFormat format, bool colour, Instant now);

/// What `automatic` stands for here: where standard error leads, and whether systemd says that it is its journal.
LogFormat log_format_here(LogFormat wanted);

/// The daemon's log, from here on: written by a thread of its own, so that a reader which stalls loses the oldest lines and
/// never delays work. Ends with the object, all that was said written.
class DaemonLog {
public:
    explicit DaemonLog(const LogSettings& settings);
    DaemonLog(const DaemonLog&) = delete;
    DaemonLog& operator=(const DaemonLog&) = delete;
    ~DaemonLog();
};

} // namespace loom
