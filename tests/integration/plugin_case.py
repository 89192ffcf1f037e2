"""What the tests of plugins share: a folder of modules, jobs that name their callables, and a look at the processes there are."""
import ctypes
import os
import pathlib
import shutil
import struct
import subprocess
import textwrap

import loom_case
from loom_case import LOOM, LoomCase, until  # noqa: F401


def below(root):
    """Every process below this one."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text(errors="replace").rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [root]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


class PluginCase(LoomCase):
    nodes_count = 2

    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)
        (self.folder / "plugins").mkdir()

    def module(self, text, name="tasks"):
        self.write(f"plugins/{name}.py", textwrap.dedent(text))

    def job(self, task, targets="n1", more=""):
        """One job `t`; `more` are lines of it."""
        lines = "".join(f"    {line}\n" for line in more.splitlines())
        self.configure(jobs=f"  t:\n    task: {task}\n    targets: {targets}\n{lines}", settings=getattr(self, "settings", ""))

    def run_job(self, code=0, seconds=loom_case.PATIENCE):
        """The run's nodes by their names."""
        done = self.loom("-o", "json", "run", "t", code=code, seconds=seconds)
        run = done.json()["run"]["id"]
        nodes = self.json("runs", "show", run)["nodes"]
        for node in nodes:
            printed = self.loom("logs", run, node["node"], code=None)
            node["out"], node["err"] = printed.out, printed.err
        return {node["node"]: node for node in nodes}

    def outcome(self, code=0, **more):
        return self.run_job(code, **more)["n1"]


def forbid_namespaces():
    """In a child: from now on unshare(2) fails, as on a host that allows nobody namespaces (a filter of seccomp(2), for x86-64
    and arm64)."""
    number = {"x86_64": 272, "aarch64": 97}[os.uname().machine]
    instructions = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
    code = b"".join(struct.pack("HBBI", *one) for one in instructions)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, program, 0, 0) != 0:
        os._exit(99)


class WithoutNamespaces:
    """Loom on a host that has none for it."""

    def spawn(self, *arguments, **more):
        return super().spawn(*arguments, preexec_fn=forbid_namespaces, **more)


class OrdinaryUser:
    """The same with everything of Loom's done by a user who is not root, where the tests themselves are root's."""

    USER = 65534

    def setUp(self):
        super().setUp()
        self.program = LOOM
        if os.geteuid() != 0:
            return
        self.program = str(self.folder / "loom-program")
        shutil.copy(LOOM, self.program)
        key = self.home / "key"
        shutil.copy(self.fleet.identity, key)
        self.identity = str(key)
        self.give()

    def give(self):
        for path in [self.folder, *self.folder.rglob("*")]:
            os.chown(path, self.USER, self.USER)

    def node_yaml(self, name, address, **more):
        return super().node_yaml(name, address, **({"identity": self.identity} if os.geteuid() == 0 else {}), **more)

    def spawn(self, *arguments, **more):
        if os.geteuid() != 0:
            return super().spawn(*arguments, **more)
        self.give()
        return subprocess.Popen([self.program, *arguments], stdin=subprocess.DEVNULL, env=self.environment, cwd=self.folder,
                                user=self.USER, group=self.USER, extra_groups=[], **more)
