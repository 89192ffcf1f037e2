#include "ssh/kill.hpp"

#include "core/base/quote.hpp"

#include <algorithm>
#include <array>
#include <spdlog/fmt/fmt.h>

namespace loom {

namespace {

// Runs on the node under any POSIX shell, with kill, sleep, date and sort, and /proc or POSIX ps: hence no arrays, no
// awk. It is sent as one line, because csh as a login shell takes no newline in quotes: so each statement ends with a
// semicolon, and there is no single quote in it.
//
// $1 is the process that serves this connection, $2 the child of it that became this script; the other children of $1
// lead the sessions of the commands. A command whose shell has ended is found by SSH_CONNECTION ($3) in its environment,
// which no other connection shares. $4 is the grace in seconds.
//
// list    prints `pid parent group session state` for every process. A name (field 2 of /proc/PID/stat) may hold blanks
//         and parentheses, so the fields begin after the last one.
// family  prints the given processes and all their descendants.
// groups  prints the groups of what lives in the commands' sessions; zombies do not.
// Processes that left their session (setsid) are not signalled: they are reported when they are still there.
constexpr std::string_view script = R"sh(
sshd=$1; me=$2; conn=$3; grace=$4;
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
all=$(list);
pairs=$(echo "$all" | while read -r p q g s z; do echo "$p:$q"; done);
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
tops=$(echo "$all" | while read -r p q g s z; do
  [ "$q" = "$sshd" ] && [ "$p" != "$me" ] && [ "$p" = "$s" ] && echo "$p";
done);
mine=$(family $me); marked=;
if [ -n "$conn" ] && [ -r /proc/self/environ ]; then
  for f in $(grep -lsF -e "SSH_CONNECTION=$conn" /proc/[0-9]*/environ); do
    p=${f#/proc/}; p=${p%/environ};
    case $mine in (*" $p "*) ;; (*) marked="$marked $p";; esac;
  done;
fi;
orphans=$(echo "$all" | while read -r p q g s z; do
  case " $marked " in (*" $p "*) [ "$s" != "$me" ] && { [ -d /proc/$s ] || echo "$s"; };; esac;
done);
sessions=" "; for s in $tops $orphans; do sessions="$sessions$s "; done;
inside=$(echo "$all" | while read -r p q g s z; do case $sessions in (*" $s "*) echo "$p";; esac; done);
seen=" $(family $tops $inside) $marked "; seen=$(echo $seen); seen=" $seen ";
groups() {
  list | while read -r p q g s z; do
    case $z in (Z*) ;; (*) case $sessions in (*" $s "*) echo "$g";; esac;; esac;
  done;
};
tell() { for g in $(groups | sort -u); do kill -s $1 -- -$g; done 2>/dev/null; };
settle() {
  end=$(($(date +%s) + $1));
  while [ -n "$(groups)" ] && [ $(date +%s) -lt $end ]; do sleep 0.1 2>/dev/null || sleep 1; done;
};
tell TERM; settle $grace;
if [ -n "$(groups)" ]; then tell KILL; settle 2; fi;
left=$(list | while read -r p q g s z; do
  case $z in (Z*) ;; (*) case $seen in (*" $p "*) echo "$p";; esac;; esac;
done);
echo survivors: $left;
)sh";

constexpr std::string_view mark = "survivors:";

/// Keeps what the script prints; a login shell may say more around it.
constexpr std::size_t report_bytes = 16384;

} // namespace

std::string kill_line(const std::string& become, std::chrono::seconds grace) {
    // The outer shell learns who it and its parent are, and becomes the script: under sudo, $PPID would be sudo.
    const auto outer =
        fmt::format("exec {}/bin/sh -c \"$0\" sh \"$PPID\" \"$$\" \"$SSH_CONNECTION\" {}", become, grace.count());
    std::string line(script);
    std::ranges::replace(line, '\n', ' ');
    return fmt::format("exec /bin/sh -c {} '{}'", shell_quote(outer).value(), line);
}

awaitable<KillReport> kill_commands(std::shared_ptr<Session> session, std::string become, Milliseconds grace) {
    KillReport report;
    Channel channel(session);
    if (const long code = co_await channel.open(); code != 0) co_return report;
    auto line = kill_line(become, std::chrono::ceil<std::chrono::seconds>(grace));
    if (const long code = co_await channel.start(std::move(line)); code != 0) co_return report;

    std::string text;
    auto step = [&]() -> long {
        std::array<char, 1024> chunk;
        for (;;) {
            const long size = channel.read(0, chunk);
            if (size > 0 && text.size() < report_bytes) text.append(chunk.data(), static_cast<std::size_t>(size));
            const long noise = channel.read(1, chunk);
            if (size > 0 || noise > 0) continue;
            if (size < 0) return size;
            return channel.at_eof() ? 0 : LIBSSH2_ERROR_EAGAIN;
        }
    };
    const long code = co_await session->call(std::move(step));
    const auto at = text.rfind(mark);
    if (code != 0 || at == text.npos) co_return report;
    report.looked = true;
    auto rest = std::string_view(text).substr(at + mark.size());
    rest = rest.substr(0, rest.find('\n'));
    if (rest.starts_with(' ')) report.survivors = rest.substr(1);
    co_return report;
}

} // namespace loom
