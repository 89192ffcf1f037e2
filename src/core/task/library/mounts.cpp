#include "core/task/library/library.hpp"

namespace loom {
namespace {

using Kind = ParameterKind;

/// `mounted_on PATH` prints what is mounted there, or nothing; a mount that hangs is not touched.
constexpr std::string_view mount_helpers = R"sh(
mounted_on() {
    last=''
    while read -r from at rest; do
        case $at in *\\*) at=$(printf '%b' "$at") ;; esac
        case $from in *\\*) from=$(printf '%b' "$from") ;; esac
        [ "$at" != "$1" ] || last=$from
    done </proc/self/mounts
    say "$last"
}
mount_point() {
    point=$a_mountpoint
    while [ "${point%/}" != "$point" ] && [ "$point" != / ]; do point=${point%/}; done
    case $point in /*) ;; *) fail "mountpoint: expected a path from /" ;; esac
}
fstab_word() { printf '%s' "$1" | sed 's/\\/\\134/g; s/ /\\040/g; s/	/\\011/g'; }
fstab_has() { at=$(fstab_word "$point") awk '$1 !~ /^#/ && $2 == ENVIRON["at"] { print }' /etc/fstab; }
fstab_without() { at=$(fstab_word "$point") awk '$1 ~ /^#/ || $2 != ENVIRON["at"]' /etc/fstab; }
fstab_put() { { fstab_without; say "$1"; } | swap /etc/fstab; }
fstab_drop() { fstab_without | swap /etc/fstab; }
)sh";

constexpr std::string_view mount_script = R"sh(
    mount_point
    now=$(mounted_on "$point")
    if [ -z "$now" ]; then
        [ -d "$point" ] || change "make folder $point" mkdir -p "$point"
        change "mount $a_source on $point" mount ${a_type:+-t "$a_type"} ${a_options:+-o "$a_options"} "$a_source" "$point"
    elif [ "$now" != "$a_source" ]; then
        fail "$now is mounted on $point"
    fi
    if [ "$a_persist" = true ]; then
        line="$(fstab_word "$a_source") $(fstab_word "$point") ${a_type:-auto} ${a_options:-defaults} 0 0"
        [ "$(fstab_has)" = "$line" ] || change "write $point into /etc/fstab" fstab_put "$line"
    fi
)sh";

constexpr std::string_view unmount_script = R"sh(
    mount_point
    [ -z "$(mounted_on "$point")" ] || change "unmount $point" umount "$point"
    if [ "$a_persist" = true ] && [ -n "$(fstab_has)" ]; then change "take $point out of /etc/fstab" fstab_drop; fi
)sh";

constexpr std::string_view add_sshfs_script = R"sh(
    mount_point
    source=$a_host:$a_remotepath
    now=$(mounted_on "$point")
    if [ -n "$now" ]; then
        [ "$now" = "$source" ] || fail "$now is mounted on $point"
        return 0
    fi
    need sshfs "the package sshfs brings it"
    [ -d "$point" ] || change "make folder $point" mkdir -p "$point"
    change "mount $source on $point" sshfs -o "BatchMode=yes,reconnect${a_options:+,$a_options}" "$source" "$point"
)sh";

constexpr std::string_view remove_sshfs_script = R"sh(
    mount_point
    now=$(mounted_on "$point")
    [ -n "$now" ] || return 0
    source=$a_host:$a_remotepath
    case $source in : | "$now") ;; *) fail "$now is mounted on $point" ;; esac
    if has fusermount3; then leave=fusermount3; else leave=fusermount; fi
    if [ "$(id -u)" = 0 ] || ! has "$leave"; then change "unmount $point" umount "$point"
    else change "unmount $point" "$leave" -u "$point"; fi
)sh";

const Parameter sshfs_host{"host", Kind::name, "Where it lies, as the node's ssh knows it: USER@HOST", "", true};
const Parameter sshfs_folder{"remotepath", Kind::text, "The folder there", "", true};
const Parameter sshfs_point{"mountpoint", Kind::path, "The node's folder that it is mounted on", "", true};
const Parameter sshfs_excludes{"excludes", Kind::names, "Nodes, by their names here, that are left alone: they end skipped"};

} // namespace

std::vector<LibraryTask> mount_tasks() {
    const Parameter mountpoint{"mountpoint", Kind::path, "The folder that it is mounted on; it is made", "", true};
    return {
        {.info = {"loom.system.mount", "A file system is mounted.",
                  {{"source", Kind::text, "The device, or HOST:/PATH", "", true}, mountpoint,
                   {"type", Kind::name, "The file system's kind; without it mount finds out"},
                   {"options", Kind::text, "As mount -o takes them"},
                   {"persist", Kind::flag, "Also in /etc/fstab, for the next boot", "false"}},
                  "kwargs: {source: \"nas:/export/home\", mountpoint: /home, type: nfs, persist: true}"},
         .script = mount_script, .helpers = mount_helpers},
        {.info = {"loom.system.unmount", "Nothing is mounted on a folder.",
                  {{"mountpoint", Kind::path, "The folder; it stays", "", true}, {"persist", Kind::flag, "Also out of /etc/fstab", "false"}},
                  "args: [/mnt/usb]"},
         .script = unmount_script, .helpers = mount_helpers},
        {.info = {"loom.system.add_sshfs_mount", "A folder of another host is mounted by sshfs.",
                  {sshfs_host, sshfs_folder, sshfs_point, sshfs_excludes, {"options", Kind::text, "More options of sshfs, with commas between"}},
                  "args: [*storage]", true,
                  "The node logs in to the other host itself, with keys of its own: it must know its host key, and have sshfs."},
         .script = add_sshfs_script, .helpers = mount_helpers},
        {.info = {"loom.system.remove_sshfs_mount", "A folder that sshfs mounted is unmounted.",
                  {sshfs_point, {"host", Kind::name, "What must be mounted there, else it stays"}, {"remotepath", Kind::text, "The same"}, sshfs_excludes},
                  "args: [*storage]"},
         .script = remove_sshfs_script, .helpers = mount_helpers},
    };
}

} // namespace loom
