#include "core/task/library/facts.hpp"

namespace loom {

const std::string_view facts_helpers = R"sh(
# Text as JSON; what is no letter to anybody is left out.
text() { printf '"%s"' "$(printf '%s' "$1" | tr -d '\000-\037\177' | sed 's/\\/\\\\/g; s/"/\\"/g')"; }
pair() { printf '%s"%s":%s' "$comma" "$1" "$2"; comma=,; }
memory() { while read -r key value unit; do if [ "$key" = "$1:" ]; then say "$((value * 1024))"; return 0; fi; done </proc/meminfo; say 0; }
# An entry of os-release, its quotes off.
release() { sed -n "s/^$1=//p" /etc/os-release 2>/dev/null | head -n 1 | sed 's/^"\(.*\)"$/\1/; s/^'"'"'\(.*\)'"'"'$/\1/'; }
disks() {
    next=''
    for folder in $(find /sys/block -mindepth 1 -maxdepth 1 2>/dev/null | sort); do
        name=${folder##*/}
        case $name in loop* | ram* | zram* | sr* | fd* | dm-* | md*) continue ;; esac
        read -r sectors <"$folder/size" || continue
        printf '%s{"name":%s,"bytes":%s}' "$next" "$(text "$name")" "$((sectors * 512))"
        next=,
    done
}
filesystems() {
    next=''
    df -P -k 2>/dev/null | while read -r from blocks used free share at; do
        case $from in /dev/*) ;; *) continue ;; esac
        printf '%s{"path":%s,"bytes":%s,"free_bytes":%s}' "$next" "$(text "$at")" "$((blocks * 1024))" "$((free * 1024))"
        next=,
    done
}
addresses() {
    next=''
    if has ip; then all=$(ip -o addr show scope global 2>/dev/null | sed -n 's/.* inet6\{0,1\} \([^ /]*\).*/\1/p')
    else all=$(hostname -I 2>/dev/null); fi
    for address in $all; do
        printf '%s%s' "$next" "$(text "$address")"
        next=,
    done
}
virtualization() {
    if has systemd-detect-virt; then systemd-detect-virt 2>/dev/null || :; return 0; fi
    if [ -e /.dockerenv ] || [ -e /run/.containerenv ]; then say container; return 0; fi
    case $(cat /sys/class/dmi/id/sys_vendor 2>/dev/null) in
    QEMU*) say qemu ;; VMware*) say vmware ;; Xen*) say xen ;; innotek*) say oracle ;; Microsoft*) say microsoft ;; *EC2*) say amazon ;;
    *) if grep -q '^flags.* hypervisor' /proc/cpuinfo 2>/dev/null; then say vm; else say none; fi ;;
    esac
}
packages() { for each in apt-get dnf yum zypper apk pacman; do if has "$each"; then say "$each"; return 0; fi; done; say none; }
)sh";

const std::string_view facts_script = R"sh(
    comma=''
    read -r up rest </proc/uptime
    printf '{'
    pair hostname "$(text "$(uname -n)")"
    pair os "{\"id\":$(text "$(release ID)"),\"version\":$(text "$(release VERSION_ID)"),\"name\":$(text "$(release PRETTY_NAME)")}"
    pair kernel "$(text "$(uname -r)")"
    pair arch "$(text "$(uname -m)")"
    pair cpus "$(getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c '^processor' /proc/cpuinfo)"
    pair memory_bytes "$(memory MemTotal)"
    pair swap_bytes "$(memory SwapTotal)"
    pair disks "[$(disks)]"
    pair filesystems "[$(filesystems)]"
    pair addresses "[$(addresses)]"
    pair uptime_seconds "${up%.*}"
    pair boot_id "$(text "$(cat /proc/sys/kernel/random/boot_id)")"
    pair virtualization "$(text "$(virtualization)")"
    pair init "$(text "$(cat /proc/1/comm 2>/dev/null)")"
    pair packages "$(text "$(packages)")"
    printf '}\n'
)sh";

} // namespace loom
