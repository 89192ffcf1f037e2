#include "core/task/library/facts.hpp"
#include "core/task/library/library.hpp"
#include "core/task/library/reboot.hpp"
#include "core/task/library/script.hpp"

namespace loom {
namespace {

using Kind = ParameterKind;

constexpr std::string_view hostip_script = R"sh(
    if [ -n "$a_interface" ]; then
        need ip "the package iproute2 brings it"
        address=$(ip -o -4 addr show dev "$a_interface" | sed -n 's/.* inet \([0-9.]*\).*/\1/p' | head -n 1)
        [ -n "$address" ] || fail "$a_interface has no IPv4 address"
    else
        address=$(say "${SSH_CONNECTION:-}" | cut -d' ' -f3)
        # sudo takes the variable away.
        [ -n "$address" ] || address=$(hostname -I 2>/dev/null | cut -d' ' -f1)
        [ -n "$address" ] || fail "the node does not say where it was reached"
    fi
    say "$address"
)sh";

/// The process leaves the session, its mark and its streams: neither the end of the run nor of the connection ends it.
constexpr std::string_view daemon_helpers = R"sh(
begin() {
    unset LOOM_EXEC
    if has setsid; then leave=setsid; else leave=nohup; fi
    : >>"$a_log" || return 1
    "$leave" /bin/sh -c "$a_command" >>"$a_log" 2>&1 </dev/null &
    if [ -n "$a_pidfile" ]; then say "$!" >"$a_pidfile"; fi
}
)sh";

constexpr std::string_view daemon_script = R"sh(
    if [ -n "$a_pidfile" ] && [ -f "$a_pidfile" ]; then
        pid=$(head -n 1 "$a_pidfile")
        case $pid in "" | *[!0-9]*) ;; *) if [ -d "/proc/$pid" ]; then return 0; fi ;; esac
    fi
    [ -n "$a_log" ] || a_log=/dev/null
    change "start $a_command" begin
)sh";

constexpr std::string_view hostname_script = R"sh(
    case $a_name in *[!A-Za-z0-9.-]*) fail "name: only letters, digits, - and dots" ;; esac
    content="$a_name
"
    hold /etc/hostname
    [ "$(uname -n)" = "$a_name" ] || change "take the name $a_name" hostname "$a_name"
)sh";

constexpr std::string_view sysctl_helpers = R"sh(
words() { say "$*"; }
now() {
    # Without quotes: the kernel puts tabs between the numbers of a list.
    words $(cat "$file")
}
put() { printf '%s\n' "$a_value" >"$file"; }
)sh";

constexpr std::string_view sysctl_script = R"sh(
    case $a_name in *[!A-Za-z0-9_./-]* | *..*) fail "name: expected a name such as vm.swappiness" ;; esac
    file=/proc/sys/$(say "$a_name" | tr . /)
    [ -f "$file" ] || fail "the kernel knows no $a_name"
    [ "$(now)" = "$(words $a_value)" ] || change "set $a_name to $a_value" put
    if [ "$a_persist" = true ]; then
        content="$a_name = $a_value
"
        hold "/etc/sysctl.d/60-loom-$(say "$a_name" | tr / .).conf"
    fi
)sh";

constexpr std::string_view service_more = R"sh(
if [ -d /run/systemd/system ]; then
    exists() { systemctl -q cat "$1" >/dev/null 2>&1; }
    enabled() { systemctl -q is-enabled "$1" >/dev/null 2>&1; }
    enable() { systemctl -q enable "$1"; }
    disable() { systemctl -q disable "$1"; }
else
    exists() { [ -x "/etc/init.d/$1" ]; }
    enabled() { [ -n "$(find /etc/rc2.d /etc/rc3.d /etc/rc4.d /etc/rc5.d -name "S[0-9][0-9]$1" 2>/dev/null)" ]; }
    enable() { update-rc.d "$1" defaults && update-rc.d "$1" enable; }
    disable() { update-rc.d "$1" disable; }
fi
)sh";

constexpr std::string_view service_script = R"sh(
    exists "$a_name" || fail "there is no service $a_name"
    case $a_state in
    started) running "$a_name" || change "start $a_name" serve start "$a_name" ;;
    stopped) if running "$a_name"; then change "stop $a_name" serve stop "$a_name"; fi ;;
    restarted) change "restart $a_name" serve restart "$a_name" ;;
    reloaded) change "reload $a_name" serve reload "$a_name" ;;
    esac
    if [ "$a_boot" = on ]; then enabled "$a_name" || change "start $a_name at boot" enable "$a_name"
    elif [ "$a_boot" = off ] && enabled "$a_name"; then change "start $a_name at boot no more" disable "$a_name"; fi
)sh";

constexpr std::string_view uptime_script = R"sh(
    read -r up rest </proc/uptime
    up=${up%.*}
    read -r one five fifteen rest </proc/loadavg
    say "up $((up / 86400))d $((up / 3600 % 24))h $((up / 60 % 60))m, load $one $five $fifteen"
)sh";

Result<void> service_rule(const Arguments& arguments) {
    if (arguments.has("state") || arguments.has("boot")) return {};
    return Error{Errc::config, "needs state or boot"};
}

/// Both halves are constant, and so is what they make.
const std::string& service_text() {
    static const auto text = std::string(service_helpers) + std::string(service_more);
    return text;
}

} // namespace

std::vector<LibraryTask> system_tasks() {
    return {
        {.info = {"loom.system.gethostip", "Prints the address on which the node was reached.",
                  {{"interface", Kind::name, "The IPv4 address of this interface instead"}}, "args: [eth0]", true,
                  "Changes nothing. Through sudo, which hides the connection, it is the first address of the node."},
         .script = hostip_script},
        {.info = {"loom.system.run_daemon_cmd", "Starts a command that stays behind when the run is over.",
                  {{"command", Kind::text, "The shell line", "", true},
                   {"pidfile", Kind::path, "A file for its process id; while that process lives, nothing is started"},
                   {"log", Kind::path, "Where what it prints is appended; without it that is dropped"}},
                  "kwargs: {command: exec /usr/local/bin/agent, pidfile: /run/agent.pid, log: /var/log/agent.log}", true,
                  "With `exec` before the program, the id is the program's. Nothing watches it: a service is the better home for what must run."},
         .script = daemon_script, .helpers = daemon_helpers},
        reboot_task(),
        {.info = {"loom.system.hostname", "The node has a name, now and after a boot.", {{"name", Kind::name, "The name", "", true}}, "args: [\"{{ node.name }}\"]", true,
                  "/etc/hosts is not touched."},
         .script = hostname_script},
        {.info = {"loom.system.sysctl", "A setting of the kernel has a value.",
                  {{"name", Kind::name, "As sysctl names it", "", true}, {"value", Kind::text, "The value", "", true},
                   {"persist", Kind::flag, "Also in /etc/sysctl.d, for the next boot", "true"}},
                  "args: [vm.swappiness, 10]"},
         .script = sysctl_script, .helpers = sysctl_helpers},
        {.info = {"loom.system.service", "A service runs or does not, now and at boot.",
                  {{"name", Kind::name, "The unit, or the script in /etc/init.d", "", true},
                   {"state", Kind::choice, "`restarted` and `reloaded` do it each time", "", false, {"started", "stopped", "restarted", "reloaded"}},
                   {"boot", Kind::choice, "Whether it starts at boot", "", false, {"on", "off"}}},
                  "kwargs: {name: nginx, state: started, boot: on}", true, "By systemd where it runs, else by `service` and update-rc.d."},
         .script = service_script, .helpers = service_text(), .rule = service_rule},
        {.info = {"loom.system.uptime", "Prints how long the node has been up, and its load.", {}, "schedule: \"@hourly\"", true, "Changes nothing."},
         .script = uptime_script},
        {.info = {"loom.system.facts", "Prints what the node is, as one JSON object.", {}, "schedule: \"@daily\"", true,
                  "`hostname`, `os`, `kernel`, `arch`, `cpus`, `memory_bytes`, `swap_bytes`, `disks`, `filesystems`, `addresses`, `uptime_seconds`, "
                  "`boot_id`, `virtualization`, `init`, `packages`. Changes nothing."},
         .script = facts_script, .helpers = facts_helpers},
    };
}

} // namespace loom
