#include "core/task/library/library.hpp"

namespace loom {
namespace {

using Kind = ParameterKind;

/// apt-get asks nothing, keeps configuration files that were changed, and waits for whoever holds its lock.
constexpr std::string_view apt_helpers = R"sh(
export DEBIAN_FRONTEND=noninteractive
apt() {
    apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
# would_install ARGUMENTS: $plan is what apt-get would install or upgrade for it.
would_install() {
    said=$(apt-get -s "$@" 2>&1) || fail "$(say "$said" | sed -n 's/^E: //p' | head -n 1)"
    plan=$(say "$said" | sed -n 's/^Inst \([^ ]*\).*/\1/p' | tr '\n' ' ')
    plan=${plan% }
}
status_of() { dpkg-query -W -f '${db:Status-Status} ' "$1" 2>/dev/null; }
lists() { find /var/lib/apt/lists -maxdepth 1 -type f -name '*Release' -exec cksum {} + 2>/dev/null; }
update() { apt update && mkdir -p /var/lib/apt/periodic && touch "$stamp"; }
stamp=/var/lib/apt/periodic/update-success-stamp
)sh";

constexpr std::string_view apt_update_script = R"sh(
    need apt-get "this node is no Debian"
    [ "$a_valid" = 0 ] || [ -z "$(find "$stamp" -mmin "-$(((a_valid + 59) / 60))" 2>/dev/null)" ] || return 0
    before=$(lists)
    if [ "$check" = 1 ]; then change "fetch the package lists" update; return 0; fi
    update || fail "apt-get could not fetch the package lists"
    [ "$(lists)" = "$before" ] || change "fetch the package lists" true
)sh";

constexpr std::string_view apt_install_script = R"sh(
    need apt-get "this node is no Debian"
    missing=''
    for package in $a_packages; do
        case $package in
        *=*) [ "$(dpkg-query -W -f '${db:Status-Status}=${Version}' "${package%%=*}" 2>/dev/null)" = "installed=${package#*=}" ] ;;
        *) case $(status_of "$package") in "installed "* | *" installed "*) ;; *) false ;; esac ;;
        esac || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$a_recommends" = true ]; then set --; else set -- --no-install-recommends; fi
    if [ "$a_update" = true ]; then
        if [ "$check" = 1 ]; then
            change "fetch the package lists" update
            change "install$missing" apt install
            return 0
        fi
        update || fail "apt-get could not fetch the package lists"
    fi
    would_install install "$@" $missing
    # Another package may provide what is asked for.
    [ -z "$plan" ] || change "install $plan" apt install "$@" $missing
)sh";

constexpr std::string_view apt_remove_script = R"sh(
    need apt-get "this node is no Debian"
    there=''
    for package in $a_packages; do
        case $(status_of "$package") in
        "installed "* | *" installed "*) there="$there $package" ;;
        *config-files*) if [ "$a_purge" = true ]; then there="$there $package"; fi ;;
        esac
    done
    [ -n "$there" ] || return 0
    if [ "$a_purge" = true ]; then change "purge$there" apt purge $there; else change "remove$there" apt remove $there; fi
)sh";

constexpr std::string_view apt_upgrade_script = R"sh(
    need apt-get "this node is no Debian"
    if [ "$a_full" = true ]; then way=dist-upgrade; else way=upgrade; fi
    would_install "$way" --with-new-pkgs
    [ -z "$plan" ] || change "upgrade $plan" apt "$way" --with-new-pkgs
)sh";

constexpr std::string_view apt_hold_script = R"sh(
    need apt-mark "this node is no Debian"
    held=" $(apt-mark showhold | tr '\n' ' ')"
    for package in $a_packages; do
        case $held in *" $package "*) on=held ;; *) on=free ;; esac
        [ "$on" != "$a_state" ] || continue
        if [ "$a_state" = held ]; then
            case $(status_of "$package") in "") fail "there is no package $package" ;; esac
            change "hold $package" apt-mark -qq hold "$package"
        else
            change "let go of $package" apt-mark -qq unhold "$package"
        fi
    done
)sh";

constexpr std::string_view dnf_helpers = R"sh(
if has dnf; then yum=dnf; else yum=yum; fi
)sh";

constexpr std::string_view dnf_install_script = R"sh(
    need "$yum" "this node is no Red Hat"
    missing=''
    for package in $a_packages; do
        rpm -q --whatprovides "$package" >/dev/null 2>&1 || missing="$missing $package"
    done
    [ -z "$missing" ] || change "install$missing" "$yum" -y -q install $missing
)sh";

constexpr std::string_view dnf_remove_script = R"sh(
    need "$yum" "this node is no Red Hat"
    there=''
    for package in $a_packages; do
        if rpm -q "$package" >/dev/null 2>&1; then there="$there $package"; fi
    done
    [ -z "$there" ] || change "remove$there" "$yum" -y -q remove $there
)sh";

constexpr std::string_view dnf_upgrade_script = R"sh(
    need "$yum" "this node is no Red Hat"
    said=$("$yum" -q check-update $a_packages 2>&1)
    case $? in
    0) return 0 ;;
    100) ;;
    *) fail "$(say "$said" | tail -n 1)" ;;
    esac
    # NAME.ARCH VERSION REPOSITORY; what follows "Obsoleting" is no upgrade.
    plan=$(say "$said" | sed '/^Obsoleting/,$d' | sed -n 's/^\([^ ]*\)\.[^ .]* .*/\1/p' | tr '\n' ' ')
    change "upgrade ${plan% }" "$yum" -y -q upgrade $a_packages
)sh";

const Parameter package_names{"packages", Kind::names, "Their names", "", true};

} // namespace

std::vector<LibraryTask> package_tasks() {
    return {
        {.info = {"loom.debian.update", "The package lists are fresh.",
                  {{"valid", Kind::duration, "Lists that this task fetched within this time are fresh; off: never", "1h"}}, "kwargs: {valid: 6h}", true,
                  "`changed` when the lists have changed. What it would find is not known before: with --check it always would."},
         .script = apt_update_script, .helpers = apt_helpers},
        {.info = {"loom.debian.install", "Packages are installed.",
                  {{"packages", Kind::names, "Their names; NAME=VERSION is that version", "", true},
                   {"update", Kind::flag, "Fetch the lists first, where one is missing", "false"},
                   {"recommends", Kind::flag, "With what they recommend", "true"}},
                  "kwargs: {packages: [nginx, curl], update: true}", true,
                  "Asks nothing, keeps configuration files that were changed, and waits five minutes for another apt."},
         .script = apt_install_script, .helpers = apt_helpers},
        {.info = {"loom.debian.remove", "Packages are not installed.",
                  {package_names, {"purge", Kind::flag, "Their configuration goes too", "false"}}, "kwargs: {packages: [telnet], purge: true}"},
         .script = apt_remove_script, .helpers = apt_helpers},
        {.info = {"loom.debian.upgrade", "Every package is the newest that the lists know.",
                  {{"full", Kind::flag, "Packages may be removed for that (dist-upgrade)", "false"}}, "kwargs: {full: true}"},
         .script = apt_upgrade_script, .helpers = apt_helpers},
        {.info = {"loom.debian.hold", "Packages stay at their version, or do not.",
                  {package_names, {"state", Kind::choice, "Whether an upgrade passes them over", "held", false, {"held", "free"}}}, "args: [[linux-image-amd64]]"},
         .script = apt_hold_script, .helpers = apt_helpers},
        {.info = {"loom.redhat.install", "Packages are installed.", {package_names}, "args: [[nginx, curl]]", true, "By dnf, or yum where there is no dnf."},
         .script = dnf_install_script, .helpers = dnf_helpers},
        {.info = {"loom.redhat.remove", "Packages are not installed.", {package_names}, "args: [[telnet]]"},
         .script = dnf_remove_script, .helpers = dnf_helpers},
        {.info = {"loom.redhat.upgrade", "Packages are the newest that the repositories have.",
                  {{"packages", Kind::names, "Only these"}}, "kwargs: {packages: [openssl]}"},
         .script = dnf_upgrade_script, .helpers = dnf_helpers},
    };
}

} // namespace loom
