#!/usr/bin/env python3
"""Real sshd servers on loopback addresses, for tests and the demonstration.

As a program, `with_nodes.py [--count N] PROGRAM [ARGUMENT...]` starts the servers, names them to PROGRAM by the
variable LOOM_TEST_NODES (the path of a JSON file), and ends every server and its children whatever becomes of PROGRAM.
As a module it offers `Nodes`.
"""
import argparse
import ctypes
import getpass
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from other_nodes import Others  # noqa: E402

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin") or "/usr/sbin/sshd"
KEYGEN = shutil.which("ssh-keygen") or "ssh-keygen"
START_SECONDS = 60


class Nodes:
    """sshd servers that accept one key for the current user, one server on each address, all on one port.

    The folder holds their keys, settings and logs; it belongs to the caller.
    """

    def __init__(self):
        self.addresses = []
        self.port = 0
        self.user = getpass.getuser()
        self.folder = None
        self._servers = {}
        self._others = Others()

    BASTION = "127.78.0.1"

    def start(self, count, folder, first=1, bastion=False):
        """Starts servers on 127.77.0.first and the following addresses, and one with sshd's own limits as a bastion."""
        self.folder = pathlib.Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        for name in ("host_key", "identity"):
            if not (self.folder / name).exists():
                subprocess.run([KEYGEN, "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.folder / name)],
                               check=True, stdin=subprocess.DEVNULL)
        shutil.copyfile(self.folder / "identity.pub", self.folder / "authorized_keys")
        addresses = [f"127.77.{(first + i) // 256}.{(first + i) % 256}" for i in range(count)]
        started = addresses + [self.BASTION] * bastion
        self.port = _free_port(started)
        try:
            for address in started:
                self.revive(address)
            for address in started:
                self._wait_until_up(address)
        except BaseException:
            self.stop()
            raise
        self.addresses = addresses
        return self

    @property
    def identity(self):
        """Path of the private key that every node accepts."""
        return str(self.folder / "identity")

    @property
    def host_key(self):
        """The nodes' public key, `ssh-ed25519 AAAA...`: one for all."""
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    def known_hosts_line(self, address):
        name = address if self.port == 22 else f"[{address}]:{self.port}"
        return f"{name} {self.host_key}\n"

    def pid(self, address):
        return self._servers[address].pid

    def revive(self, address):
        """Starts the server of an address (again)."""
        settings = self.folder / f"sshd_config.{address}"
        settings.write_text(self._settings(address))
        log = open(self.folder / f"sshd.{address}.log", "ab")
        with log:
            # A session of its own, so that a signal to the caller's group does not end the servers before their turn.
            self._servers[address] = subprocess.Popen([SSHD, "-D", "-e", "-f", str(settings)], stdin=subprocess.DEVNULL,
                                                      stdout=log, stderr=log, start_new_session=True,
                                                      preexec_fn=_die_with_the_caller)

    def kill(self, address):
        """Ends one server with its connections and their commands, at once."""
        server = self._servers.pop(address, None)
        if server is None:
            return
        self._end(server)

    def _end(self, server):
        connections = _descendants([server.pid])
        _kill_all([server.pid])
        server.wait()
        _kill_all(connections + _descendants(connections))

    def start_others(self):
        """Starts the nodes of tests/support/other_nodes.py beside the started ones, as far as they can be had."""
        self._others.start(self.folder, _free_port(["127.78.0.1", "127.78.0.2"]), SSHD, self.folder / "host_key",
                           self.folder / "authorized_keys", _die_with_the_caller)
        for name, reason in self._others.missing.items():
            print(f"*** NOT TESTED with {name}: {reason} ***", file=sys.stderr)
        return self

    def stop(self):
        """Ends every server. May be called twice."""
        for address in list(self._servers):
            self.kill(address)
        while self._others.servers:
            self._end(self._others.servers.pop())

    def as_json(self):
        return json.dumps({"addresses": self.addresses, "port": self.port, "user": self.user,
                           "identity": self.identity, "host_key": self.host_key, "folder": str(self.folder), "bastion": self.BASTION,
                           "others": {**self._others.as_dict(), "port": getattr(self._others, "port", 0)},
                           "pids": {address: self.pid(address) for address in self.addresses}}, indent=2)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _settings(self, address):
        lines = [f"ListenAddress {address}", f"Port {self.port}", f"HostKey {self.folder}/host_key",
                 f"AuthorizedKeysFile {self.folder}/authorized_keys", f"PidFile {self.folder}/sshd.{address}.pid",
                 "UsePAM no", "StrictModes no", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
                 "PermitRootLogin yes", "UseDNS no", "PrintMotd no", "PrintLastLog no",
                 # bash as a login shell under sshd reads ~/.bashrc unless it believes that it is nested; a test must
                 # not wait for what people start there.
                 "SetEnv SHLVL=2", "LogLevel VERBOSE",
                 "Subsystem sftp internal-sftp"]
        # The tests log in to one server far more often at once than its default lets them; a bastion keeps the default.
        lines.append("MaxStartups 10:30:100" if address == self.BASTION else "MaxStartups 1000:30:2000")
        if self._understands("PerSourcePenalties no"):
            lines.append("PerSourcePenalties no")
        return "\n".join(lines) + "\n"

    def _understands(self, line):
        if not hasattr(self, "_known"):
            self._known = {}
        if line not in self._known:
            probe = self.folder / "probe_config"
            probe.write_text(f"HostKey {self.folder}/host_key\n{line}\n")
            self._known[line] = subprocess.run([SSHD, "-t", "-f", str(probe)], stdin=subprocess.DEVNULL,
                                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        return self._known[line]

    def _wait_until_up(self, address):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                with socket.create_connection((address, self.port), timeout=5) as probe:
                    if probe.recv(4) == b"SSH-":
                        return
            except OSError:
                pass
            if self._servers[address].poll() is not None:
                break
            time.sleep(0.05)
        log = (self.folder / f"sshd.{address}.log").read_text(errors="replace")
        raise RuntimeError(f"sshd on {address}:{self.port} did not start:\n{log}")


_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _die_with_the_caller():
    """In the child: even a caller that is killed leaves no server behind."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _free_port(addresses):
    """A port that is free on all the addresses."""
    for _ in range(100):
        sockets = []
        try:
            port = 0
            for address in addresses:
                sockets.append(socket.socket())
                sockets[-1].bind((address, port))
                port = sockets[-1].getsockname()[1]
            return port
        except OSError:
            continue
        finally:
            for opened in sockets:
                opened.close()
    raise RuntimeError("no port is free on all the addresses")


def _descendants(roots):
    """Process ids below the given ones, as /proc shows them now."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], list(roots)
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _kill_all(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def _stop_is_an_exit(number, _frame):
    raise SystemExit(128 + number)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=4, help="how many servers (default: 4)")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.program:
        parser.error("a program to run is missing")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop_is_an_exit)
    child = None
    with tempfile.TemporaryDirectory(prefix="loom-nodes-") as folder, Nodes() as nodes:
        nodes.start(arguments.count, folder, bastion=True).start_others()
        described = pathlib.Path(folder) / "nodes.json"
        described.write_text(nodes.as_json())
        try:
            child = subprocess.Popen(arguments.program, env={**os.environ, "LOOM_TEST_NODES": str(described)})
            code = child.wait()
        finally:
            if child and child.poll() is None:
                _kill_all(_descendants([child.pid]) + [child.pid])
                child.wait()
    # A program that a signal ended counts as failed, in the shell's way.
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
