#include "ssh/kill.hpp"

#include "core/base/quote.hpp"
#include "ssh/exec.hpp"

#include <algorithm>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

constexpr std::chrono::seconds kill_slack{30}; ///< beyond the grace, for a busy node, its login shell and sudo

// Runs on the node under any POSIX shell, with kill, sleep, date, sort and grep, and /proc or POSIX ps: hence no arrays,
// no awk. It is sent as one line, because csh as a login shell takes no newline in quotes: so each statement ends with a
// semicolon, and there is no single quote in it.
//
// $1 leads the command's session (0: not known, it is found by the mark) and $2 may lead another one, which sudo made.
// $3$4 is the mark, in two parts so that this script does not carry it. $5 is the grace in seconds.
//
// look     takes all that lives now, as
// list     prints it: `pid parent group session state` for every process. A name (field 2 of /proc/PID/stat) may hold blanks
//          and parentheses, so the fields begin after the last one.
// family   prints the given processes and all their descendants.
// marked   prints those with the mark in their environment or command line, as far as they may be read.
// targets  prints what to signal: the groups in the command's sessions. A server that gives a command no session of its
//          own (Dropbear without a terminal) runs all of them in its own: there it is the command's family and
//          what bears the mark, one by one, within that session.
// A number may have gone to another process meanwhile: the leader must be a child of one of our own ancestors, the
// server's process for this connection. Processes that left their session (setsid) are not signalled: they are reported
// when they are still there.
constexpr std::string_view script = R"sh(
top=${1#0}; inner=${2#0}; mark="LOOM_EXEC=$3$4"; grace=$5;
list() {
  if [ -r /proc/self/stat ]; then
    for d in /proc/[0-9]*; do
      l=; { read -r l <$d/stat; } 2>/dev/null; [ -n "$l" ] || continue;
      set -- ${l##*\)}; echo "${d#/proc/} $2 $3 $4 $1";
    done;
  else
    ps -A -o pid= -o ppid= -o pgid= -o state= | while read -r p q g z; do echo "$p $q $g $g $z"; done;
  fi;
};
look() {
  all=$(list);
  pairs=$(echo "$all" | while read -r p q g s z; do echo "$p:$q"; done);
};
family() {
  t=" $* "; more=1;
  while [ -n "$more" ]; do
    more=;
    for r in $pairs; do
      case $t in (*" ${r#*:} "*) case $t in (*" ${r%:*} "*) ;; (*) t="$t${r%:*} "; more=1;; esac;; esac;
    done;
  done;
  echo "$t";
};
marked() {
  [ -d /proc/self ] || return 0;
  for f in $(grep -lsF -e "$mark" /proc/[0-9]*/environ /proc/[0-9]*/cmdline); do
    f=${f#/proc/}; echo "${f%/*}";
  done;
};
parent() { for r in $pairs; do [ "${r%:*}" = "$1" ] && { echo "${r#*:}"; return 0; }; done; };
look;
above=" "; p=$(parent $$);
while [ -n "$p" ] && [ "$p" -gt 1 ]; do above="$above$p "; p=$(parent $p); done;
bears=" $(echo $(marked)) ";
if [ -z "$top" ]; then
  for r in $pairs; do
    case $above in (*" ${r#*:} "*) case $bears in (*" ${r%:*} "*) top=${r%:*};; esac;; esac;
  done;
else
  q=$(parent $top);
  if [ -n "$q" ]; then case $above in (*" $q "*) ;; (*) top=;; esac; fi;
fi;
kin=" $(echo $(family $top $bears)) ";
if [ -n "$(parent $inner)" ]; then case $kin in (*" $inner "*) ;; (*) inner=;; esac; fi;
sessions=" $top $inner ";
shared=" $(echo $(echo "$all" | while read -r p q g s z; do case $above in (*" $p "*) echo "$s";; esac; done)) ";
targets() {
  echo "$all" | while read -r p q g s z; do
    case $z in (Z*) continue;; esac;
    case $sessions in (*" $s "*) echo "-$g"; continue;; esac;
    case $shared in (*" $s "*) case $kin in (*" $p "*) echo "$p";; esac;; esac;
  done;
};
again() { look; kin=" $(echo $(family $kin)) "; };
tell() { for g in $(targets | sort -u); do kill -s $1 -- $g; done 2>/dev/null; };
settle() {
  end=$(($(date +%s) + $1)); again;
  while [ -n "$(targets)" ] && [ $(date +%s) -lt $end ]; do sleep 0.1 2>/dev/null || sleep 1; again; done;
};
inside=$(echo "$all" | while read -r p q g s z; do case $sessions in (*" $s "*) echo "$p";; esac; done);
seen=" $(echo $kin $inside) ";
tell TERM; settle $grace;
if [ -n "$(targets)" ]; then tell KILL; settle 2; fi;
seen=" $(echo $(family $seen $(marked))) ";
left=$(echo "$all" | while read -r p q g s z; do
  case $z in (Z*) ;; (*) case $seen in (*" $p "*) echo "$p";; esac;; esac;
done);
echo survivors: $left;
)sh";

constexpr std::string_view report_mark = "survivors:";

} // namespace

std::string kill_line(const KillTarget& target, std::chrono::seconds grace) {
    std::string line(script);
    std::ranges::replace(line, '\n', ' ');
    const auto half = target.mark.size() / 2;
    return fmt::format("exec /bin/sh -c '{}' sh {} {} {} {} {}", line, target.leader, target.inner,
                       target.mark.substr(0, half), target.mark.substr(half), grace.count());
}

awaitable<KillReport> kill_command(std::shared_ptr<Session> session, KillTarget target, ExecRequest request) {
    const auto grace = std::chrono::ceil<std::chrono::seconds>(request.timeout.grace);
    ExecRequest ending;
    ending.command = kill_line(target, grace);
    ending.become = std::move(request.become);
    ending.pty = request.pty && ending.become.has_value(); // a sudo that wants a terminal wants one for this too
    ending.timeout = request.timeout;
    ending.timeout.auth = ending.timeout.command = grace + kill_slack;
    ending.timeout.idle = Milliseconds(0);
    const StopToken unstopped;
    const auto outcome = co_await run_command(std::move(session), std::move(ending), unstopped, WhenStopped::leave_it);
    KillReport report;
    const auto& text = outcome.out.text; // a login shell may say more around it
    const auto at = text.rfind(report_mark);
    if (at == text.npos) co_return report;
    report.looked = true;
    auto rest = std::string_view(text).substr(at + report_mark.size());
    rest = rest.substr(0, rest.find_first_of("\r\n"));
    if (rest.starts_with(' ')) report.survivors = rest.substr(1);
    co_return report;
}

} // namespace loom
