#!/usr/bin/env python3
"""Other tools at the same work: `true` on N simulated nodes, K at a time. Each is measured as a user would start it, with
Loom's algorithms, one host key line for all nodes and no configuration of the user's."""
import argparse
import contextlib
import dataclasses
import importlib.util
import ipaddress
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from peers import control_master  # noqa: E402
from peers.spawn import SpawnError, fork_exec_us, spent  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
GO_SOURCES = pathlib.Path("/usr/share/gocode")  # Debian's golang-golang-x-crypto-dev


@dataclasses.dataclass(frozen=True)
class Work:
    build: pathlib.Path
    port: int
    host_key: str
    count: int
    at_once: int
    rounds: int = 1

    def hosts(self):
        first = int(ipaddress.ip_address("127.8.0.1"))
        return [str(ipaddress.ip_address(first + number)) for number in range(self.count)]


class Place:
    """A throw-away home with a key, known_hosts, an ssh_config and the list of nodes."""

    def __init__(self, folder, work):
        self.folder, self.work = pathlib.Path(folder), work
        self.identity, self.config, self.hosts = (self.folder / name for name in ("identity", "ssh_config", "hosts"))
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.identity)], check=True)
        (self.folder / "known_hosts").write_text(f"[127.*]:{work.port} {work.host_key}\n")
        self.config.write_text(
            f"Host *\n Port {work.port}\n User bench\n IdentityFile {self.identity}\n IdentitiesOnly yes\n IdentityAgent none\n"
            f" UserKnownHostsFile {self.folder / 'known_hosts'}\n GlobalKnownHostsFile none\n StrictHostKeyChecking yes\n"
            " BatchMode yes\n LogLevel ERROR\n KexAlgorithms curve25519-sha256\n Ciphers aes128-gcm@openssh.com\n"
            " HostKeyAlgorithms ssh-ed25519\n UpdateHostKeys no\n")
        self.hosts.write_text("".join(f"{host}\n" for host in work.hosts()))
        self.ssh = ["ssh", "-F", str(self.config)]

    def environment(self, **more):
        return {**os.environ, "HOME": str(self.folder), **more}

    def client_arguments(self):
        work = self.work
        return [str(each) for each in (work.port, work.host_key, self.identity, work.count, work.at_once)]

    def process_for_each_node(self, arguments, **environment):
        figures = spent(arguments, self.work.count, self.environment(**environment))
        figures["fork_exec_us"] = fork_exec_us()
        return figures


def measured_by_itself(arguments, **more):
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise SpawnError(f"{arguments[0]} ended with {done.returncode}: {done.stderr[-1000:]}")
    figures = json.loads(done.stdout)
    if figures["not_ok"]:
        raise SpawnError(f"{figures['not_ok']} nodes failed")
    return figures


def go_program(build):
    """Compiled in GOPATH mode, since Debian's packages are no modules; kept in the build folder."""
    program, source = build / "bench" / "go_client", HERE / "go_client" / "main.go"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        scratch = build / "bench" / "go"
        environment = {**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "GOPATH": f"{scratch}:{GO_SOURCES}",
                       "GOCACHE": str(scratch / "cache")}
        subprocess.run(["go", "build", "-o", str(program), str(source)], check=True, env=environment)
    return str(program)


def go(place):
    return measured_by_itself([go_program(place.work.build), *place.client_arguments()])


def asyncssh(place):
    return measured_by_itself([sys.executable, "-B", str(HERE / "asyncssh_client.py"), *place.client_arguments()],
                              env=place.environment())


def xargs(place):
    return place.process_for_each_node(["xargs", "-a", str(place.hosts), "-P", str(place.work.at_once), "-I{}", *place.ssh,
                                        "{}", "true"])


def pssh(place):
    return place.process_for_each_node(["parallel-ssh", "-h", str(place.hosts), "-p", str(place.work.at_once), "-t", "0", "-x",
                                        f"-F {place.config}", "true"])


def pdsh(place):
    return place.process_for_each_node(["pdsh", "-R", "ssh", "-w", f"^{place.hosts}", "-f", str(place.work.at_once), "true"],
                                       PDSH_SSH_ARGS_APPEND=f"-F {place.config}")


def clush(place):
    return place.process_for_each_node(["clush", "--hostfile", str(place.hosts), "-f", str(place.work.at_once), "-o",
                                        f"-F {place.config}", "true"])


def ansible(place):
    config = place.folder / "ansible.cfg"
    config.write_text("[defaults]\n")
    return place.process_for_each_node(
        ["ansible", "all", "-i", str(place.hosts), "-m", "raw", "-a", "true", "-f", str(place.work.at_once)],
        ANSIBLE_SSH_ARGS=f"-F {place.config} -o ControlMaster=no", ANSIBLE_LOCAL_TEMP=str(place.folder / "ansible"),
        ANSIBLE_CONFIG=str(config))


def masters(place):
    return control_master.run(place.work.hosts(), place.ssh, place.folder, place.work.at_once, place.work.rounds)


@dataclasses.dataclass(frozen=True)
class Tool:
    run: object
    programs: tuple = ()
    module: str = ""
    folder: pathlib.Path | None = None
    processes: bool = True  # one for each node


TOOLS = {
    "go": Tool(go, ("go",), folder=GO_SOURCES / "src/golang.org/x/crypto/ssh", processes=False),
    "asyncssh": Tool(asyncssh, module="asyncssh", processes=False),
    "xargs": Tool(xargs, ("xargs", "ssh")),
    "pssh": Tool(pssh, ("parallel-ssh", "ssh")),
    "pdsh": Tool(pdsh, ("pdsh", "ssh")),
    "clush": Tool(clush, ("clush", "ssh")),
    "ansible": Tool(ansible, ("ansible", "ssh")),
    "masters": Tool(masters, ("xargs", "ssh")),
}


def missing(name):
    """Why the tool cannot be measured here, in a word; or nothing."""
    tool = TOOLS[name]
    for program in (*tool.programs, "ssh-keygen"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if tool.module and importlib.util.find_spec(tool.module) is None:
        return f"Python's {tool.module} is not installed"
    if tool.folder and not tool.folder.is_dir():
        return f"{tool.folder} is missing"
    return ""


def run(name, work):
    """The tool's figures for each node; SpawnError where it failed."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="loom-peer-"))
        return TOOLS[name].run(Place(folder, work))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool", choices=TOOLS)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build" / "release")
    parser.add_argument("--port", type=int, required=True, help="of a `fleet --address all`")
    parser.add_argument("--host-key", required=True, help="as `fleet --host-key` prints it")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    if word := missing(given.tool):
        sys.exit(f"skipped: {word}")
    print(json.dumps(run(given.tool, Work(given.build, given.port, given.host_key, given.count, given.at_once, given.rounds))))


if __name__ == "__main__":
    main()
