#pragma once
#include "core/config/yaml.hpp"

#include <boost/json/object.hpp>

namespace loom {

struct CrontabOptions {
    bool system = false; ///< /etc/crontab's form: a user's name stands before the command
    std::string targets; ///< of every job
};

struct CrontabJobs {
    boost::json::object manifest; ///< `{jobs: {NAME: {…}}}`
    Faults warnings;              ///< what a job of Loom does otherwise, or what was left out
};

/// Turns a crontab(5) of cronie or Debian's cron into jobs: each line one, named by its command's words. Variables become
/// `env`, CRON_TZ `schedule.tz`, RANDOM_DELAY `schedule.splay`, a HOME also `cwd`, a SHELL what runs the command, a line
/// behind `%` the command's input, the user's column `sudo -n -u`. A line that cron would refuse is a fault.
CrontabJobs read_crontab(const SourceText& text, const CrontabOptions& options, Faults& faults);

} // namespace loom
