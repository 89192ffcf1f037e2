"""A Debian system of its own behind its own sshd, for tests that change a machine: users, packages, services, mounts.

Its files are those of a root folder that is never changed: one that LOOM_TEST_ROOT names, else one that debootstrap makes. What the tests change
lies over it in memory, in namespaces of its own for mounts, processes and the host's name, and is gone with it. The network is this machine's, so that
packages can be fetched."""
import os
import pathlib
import platform
import shutil
import subprocess
import tempfile
import time
import unittest

from loom_case import PATIENCE  # which also finds tests/support
from with_nodes import KEYGEN, _die_with_the_caller, _free_port

ADDRESS = "127.78.0.9"
NEEDED = "openssh-server,sudo,passwd,cron,curl,ca-certificates"

# Run as root in fresh namespaces: $1 the root's files, $2 a folder to work in.
BEGIN = r"""
set -e
mount --make-rprivate /
mount -t tmpfs -o size=2g tmpfs "$2/over"
mkdir "$2/over/up" "$2/over/work" "$2/over/root"
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/over/up,workdir=$2/over/work" "$2/over/root"
root=$2/over/root
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root/run/sshd" "$root/run/lock" "$root/root/.ssh"
rm -f "$root/etc/resolv.conf"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp "$2/authorized_keys" "$root/root/.ssh/authorized_keys"
cp "$2/host_key" "$root/etc/ssh/loom_host_key"
cp "$2/sshd_config" "$root/etc/ssh/loom_config"
chown -R 0:0 "$root/root/.ssh"
chmod 700 "$root/root" "$root/root/.ssh"
# Packages bring services that would listen on this machine's addresses: they start when a test says so.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
hostname loom-root
exec chroot "$root" /usr/sbin/sshd -D -e -f /etc/ssh/loom_config
"""


class DebianRoot:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="loom-root-"))
        self.process = None
        self.port = _free_port([ADDRESS])
        self.identity = str(self.folder / "identity")

    def start(self):
        """SkipTest where this machine cannot."""
        if os.geteuid() != 0:
            raise unittest.SkipTest("a Debian root of its own needs root")
        root = os.environ.get("LOOM_TEST_ROOT") or self._debootstrap()
        for name in ("host_key", "identity"):
            subprocess.run([KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)], check=True, stdin=subprocess.DEVNULL)
        shutil.copyfile(self.folder / "identity.pub", self.folder / "authorized_keys")
        (self.folder / "over").mkdir()
        (self.folder / "sshd_config").write_text(
            f"ListenAddress {ADDRESS}\nPort {self.port}\nHostKey /etc/ssh/loom_host_key\nPermitRootLogin yes\nPasswordAuthentication no\n"
            "UsePAM no\nStrictModes no\nSetEnv SHLVL=2\nSubsystem sftp internal-sftp\n")
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child=KILL", "sh", "-c", BEGIN, "sh", str(root), str(self.folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, preexec_fn=_die_with_the_caller)
        end = time.monotonic() + PATIENCE
        while "Server listening" not in self.log():
            if self.process.poll() is not None or time.monotonic() > end:
                raise unittest.SkipTest(f"a Debian root of its own did not begin: {self.log().strip()}")
            time.sleep(0.05)
        return self

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def _debootstrap(self):
        if not shutil.which("debootstrap"):
            raise unittest.SkipTest("debootstrap is not installed, and LOOM_TEST_ROOT names no root")
        mirrors = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)"], capture_output=True, text=True).stdout.split()
        root = self.folder / "root"
        made = subprocess.run(["debootstrap", "--variant=minbase", f"--include={NEEDED}", platform.freedesktop_os_release()["VERSION_CODENAME"], str(root), *mirrors[:1]],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if made.returncode != 0:
            raise unittest.SkipTest(f"debootstrap made no root: {made.stdout.strip().splitlines()[-1:]}")
        return root

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()  # and with it, by --kill-child, all that runs in the namespaces
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
