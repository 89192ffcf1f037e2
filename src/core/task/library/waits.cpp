#include "core/task/library/library.hpp"

namespace loom {
namespace {

using Kind = ParameterKind;

/// `wait_until TEST` asks again and again until the time is over; with --check it asks once.
constexpr std::string_view wait_helpers = R"sh(
wait_until() {
    end=$(($(date +%s) + a_timeout))
    while ! "$@"; do
        if [ "$check" = 1 ]; then say "would wait: $last"; return 0; fi
        [ "$(date +%s)" -lt "$end" ] || fail "not within $a_timeout seconds: $last"
        sleep "$a_interval"
    done
    say "$last"
}
)sh";

constexpr std::string_view http_helpers = R"sh(
body=''
ask() {
    if has curl; then
        answer=$(curl -sS ${insecure:+-k} --max-time 30 -w '\n%{http_code}' --url "$a_url" 2>&1)
        code=$(say "$answer" | tail -n 1)
        body=$(say "$answer" | sed '$d')
    else
        # -S prints the answer's head: its last status line counts, after redirects.
        answer=$(wget -q -S -T 30 ${insecure:+--no-check-certificate} -O - "$a_url" 2>&1)
        code=$(say "$answer" | sed -n 's/^ *HTTP\/[0-9.]* \([0-9]*\).*/\1/p' | tail -n 1)
        body=$answer
    fi
    case $code in
    "" | 000) last="$a_url does not answer"; return 1 ;;
    "$a_status") last="$a_url answers $code" ;;
    *) last="$a_url answers $code"; return 1 ;;
    esac
    [ -n "$a_contains" ] || return 0
    case $body in *"$a_contains"*) ;; *) last="$last, without \"$a_contains\""; return 1 ;; esac
}
)sh";

constexpr std::string_view http_script = R"sh(
    has curl || need wget "curl or wget asks"
    insecure=''
    if [ "$a_insecure" = true ]; then insecure=1; fi
    wait_until ask
)sh";

constexpr std::string_view port_helpers = R"sh(
connects() {
    if has bash; then timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$a_host" "$a_port" 2>/dev/null
    else nc -z -w 5 "$a_host" "$a_port" 2>/dev/null; fi
}
look() {
    if connects; then state=open; else state=closed; fi
    last="port $a_port of $a_host is $state"
    [ "$state" = "$a_state" ]
}
)sh";

constexpr std::string_view port_script = R"sh(
    has bash || need nc "bash or nc connects"
    wait_until look
)sh";

Result<void> port_rule(const Arguments& arguments) {
    const auto port = arguments.number("port");
    if (arguments.text("port").empty() || (port >= 1 && port <= 65535)) return {};
    return Error{Errc::config, "port: expected a number from 1 to 65535"};
}

const Parameter wait_timeout{"timeout", Kind::duration, "How long to wait; then the node is failed", "1m"};
const Parameter wait_interval{"interval", Kind::duration, "Between two looks", "1s"};

/// The helpers of a wait: those of all waits, and its own.
const std::string& http_text() {
    static const auto text = std::string(wait_helpers) + std::string(http_helpers);
    return text;
}

const std::string& port_text() {
    static const auto text = std::string(wait_helpers) + std::string(port_helpers);
    return text;
}

} // namespace

std::vector<LibraryTask> wait_tasks() {
    constexpr std::string_view quiet = "Changes nothing: it ends ok or failed. With --check it looks once, and waits for nothing.";
    return {
        {.info = {"loom.http.wait", "Waits until a URL answers, asked from the node.",
                  {{"url", Kind::text, "http:// or https://", "", true},
                   {"status", Kind::number, "The status that is waited for", "200"},
                   {"contains", Kind::text, "Words that the answer holds"},
                   {"insecure", Kind::flag, "Any certificate will do", "false"},
                   wait_timeout, wait_interval},
                  "kwargs: {url: \"http://localhost:8080/healthz\", timeout: 2m}", true, quiet},
         .script = http_script, .helpers = http_text(), .rule = url_rule},
        {.info = {"loom.port.wait", "Waits until a TCP port takes connections, or takes none, tried from the node.",
                  {{"port", Kind::number, "The port", "", true},
                   {"host", Kind::name, "Whose", "127.0.0.1"},
                   {"state", Kind::choice, "What is waited for", "open", false, {"open", "closed"}},
                   wait_timeout, wait_interval},
                  "kwargs: {port: 5432, host: \"{{ node.vars.database }}\"}", true, quiet},
         .script = port_script, .helpers = port_text(), .rule = port_rule},
    };
}

} // namespace loom
