"""What the integration tests share: a folder of their own, real sshd nodes, the real binary, and a daemon that is ended
by its process id whatever happens."""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from with_nodes import Nodes  # noqa: E402

LOOM = os.environ.get("LOOM", str(ROOT / "build" / "release" / "loom"))
SHORT = bool(os.environ.get("LOOM_TEST_SHORT"))
LONG = bool(os.environ.get("LOOM_TEST_LONG"))

# Matters only when something has failed: a slow machine shared by others is given its time.
PATIENCE = 120


def until(condition, what, seconds=PATIENCE):
    """Returns the condition's first true value. The one place that polls: what is waited for (a row, a file, a
    process) has no event that another process could wait on."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


def drawn_by_lot():
    """Another draw each time; the one that a failure's output names where LOOM_SEED says so."""
    seed = int(os.environ.get("LOOM_SEED", random.randrange(1 << 32)))
    print(f"LOOM_SEED={seed}", flush=True)
    return random.Random(seed)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def read_ledger(path, sql, *values):
    """Reads it as a stranger would: a connection of its own, only reading. No ledger, or one without tables yet, has no rows."""
    if not path.exists():
        return []
    ledger = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=PATIENCE)
    try:
        return ledger.execute(sql, values).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    finally:
        ledger.close()


class Finished:
    """A command that has ended: its exit code and what it printed."""

    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    def json(self):
        return json.loads(self.out)

    def __str__(self):
        return f"loom {' '.join(self.arguments)}\nexit {self.code}\nstdout:\n{self.out}\nstderr:\n{self.err}"


class Daemon:
    """A `loom serve` that answers; `stop` and `kill` end exactly this process."""

    def __init__(self, case, *arguments):
        self.case = case
        self.log_path = case.folder / f"serve-{len(case.daemons) + 1}.log"
        with open(self.log_path, "wb") as log:
            self.process = case.spawn("-c", str(case.config), "serve", *arguments, stdout=log, stderr=log)
        case.daemons.append(self)
        until(self.answers, "the daemon's socket")

    def answers(self):
        """Cancelling a run that does not exist finds no daemon (3), or no run (5)."""
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log()}")
        return self.case.loom("cancel", "00000000", code=None).code != 3

    def log(self):
        return self.log_path.read_text(errors="replace")

    def socket(self):
        """Where it listens, as it says."""
        return until(lambda: re.search(r"serving \S+ on ([^\s,:]+)", self.log()), "the daemon's word of where it serves")[1]

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self, number=signal.SIGTERM):
        """Asks it to end, and returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


class LoomCase(unittest.TestCase):
    nodes_count = 3
    """How many sshd processes; names beyond that share their addresses."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="loom-nodes-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.fleet = Nodes()
        cls.addClassCleanup(cls.fleet.stop)
        cls.fleet.start(cls.nodes_count, folder)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="loom-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.daemons = []
        self.addCleanup(self.end_daemons)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.config = self.folder / "loom.yaml"
        kept = ("PATH", "LANG", "USER", "LOGNAME", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ}
        self.environment.update(HOME=str(self.home), XDG_RUNTIME_DIR=str(self.folder), TZ="UTC", TERM="dumb")

    def end_daemons(self):
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                daemon.kill()

    # What is configured.

    def write(self, name, text):
        """Replaces a file of the configuration as editors do: whole, by a rename."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(path.name + ".new")
        new.write_text(text)
        new.replace(path)
        return path

    def configure(self, jobs="", nodes=None, settings="", data=None):
        self.write("nodes.yaml", self.nodes_yaml() if nodes is None else nodes)
        if data is not None:
            self.write("data.yaml", data)
            settings += "\ndatafile: data.yaml"
        (self.folder / "jobs").mkdir(exist_ok=True)
        if jobs:
            self.write("jobs/jobs.yaml", "jobs:\n" + jobs)
        self.write("loom.yaml", f"nodesfile: nodes.yaml\njobspath: jobs/\nstate_dir: state\n"
                   f"log: {{format: text}}\nshutdown: {{drain: off}}\n{settings}\n")

    def nodes_yaml(self, names=None):
        """Nodes n1, n2, … on the fleet's addresses, taken in turn where there are more names."""
        addresses = self.fleet.addresses
        names = names or [f"n{i + 1}" for i in range(len(addresses))]
        return "".join(self.node_yaml(name, addresses[i % len(addresses)]) for i, name in enumerate(names))

    def node_yaml(self, name, address, **more):
        keys = {"ip": address, "port": self.fleet.port, "user": self.fleet.user, "identity": self.fleet.identity, **more}
        return f"{name}: {json.dumps(keys)}\n"

    # What is run.

    def spawn(self, *arguments, **more):
        return subprocess.Popen([LOOM, *arguments], stdin=subprocess.DEVNULL, env=self.environment, cwd=self.folder, **more)

    def start(self, *arguments):
        config = ["-c", str(self.config)] if self.config else []
        return self.spawn(*config, *map(str, arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, process, code=0, seconds=PATIENCE):
        """Waits for a started command; `code` is what its exit code must be, or None."""
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            self.fail(f"did not end within {seconds} s: {process.args}\n{out.decode()}\n{err.decode()}")
        done = Finished(process.args[1:], process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
        if code is not None:
            self.assertEqual(done.code, code, f"\n{done}")
        return done

    def loom(self, *arguments, code=0, seconds=PATIENCE):
        return self.finish(self.start(*arguments), code, seconds)

    def json(self, *arguments, code=0):
        return self.loom("-o", "json", *arguments, code=code).json()

    def serve(self, *arguments):
        return Daemon(self, *arguments)

    # What is recorded.

    def runs(self, *arguments):
        return self.json("runs", *arguments)["items"]

    def query(self, sql, *values):
        return read_ledger(self.folder / "state" / "loom.db", sql, *values)
