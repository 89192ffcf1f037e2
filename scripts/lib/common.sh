# Shared by the scripts: sourced, never run. Every script works from any folder, as root and as an ordinary user.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Colours are for people: only on a terminal, and never against NO_COLOR.
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' yellow=$'\e[33m' green=$'\e[32m' plain=$'\e[0m'
else
    bold='' dim='' red='' yellow='' green='' plain=''
fi

say() { printf '%s\n' "$*"; }
step() { printf '%s\n' "${bold}==> $*${plain}"; }
warn() { printf '%s\n' "${yellow}warning:${plain} $*" >&2; }
die() {
    printf '%s\n' "${red}error:${plain} $*" >&2
    exit 1
}

# How many compilers to run at once: one a core, but no more than the memory carries (coroutine-heavy files take up to
# 1.5 GiB each).
build_jobs() {
    local cores memory_kib fits
    cores=$(nproc)
    memory_kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
    fits=$((memory_kib / 1572864))
    [ "$fits" -ge 1 ] || fits=1
    if [ "$fits" -lt "$cores" ]; then echo "$fits"; else echo "$cores"; fi
}

# Version of an installed package, or nothing.
package_version() { dpkg-query -W -f '${Version}' "$1" 2>/dev/null || true; }
