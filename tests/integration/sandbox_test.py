#!/usr/bin/env python3
"""What a worker cannot do: read what is secret, leave its sandbox, take the host down, or hold up anybody but its own node."""
import errno
import json
import os
import pathlib
import re
import shutil
import subprocess
import textwrap
import threading
import unittest

from loom_case import SHORT, until
from plugin_case import OrdinaryUser, PluginCase, WithoutNamespaces, below

SEEKER = """
    import array, ctypes, json, os, pathlib, resource, socket, sys
    from fabric.api import put
    from loom_worker import remote

    def reads(path):
        try:
            with open(path, "rb") as file:
                return "read %d bytes" % len(file.read(100))
        except OSError as error:
            return type(error).__name__

    def sends(path, flags, name="stolen"):
        '''A descriptor of the file, sent as the content of a put.'''
        try:
            number = os.open(path, flags)
        except OSError as error:
            return type(error).__name__
        try:
            reply = remote._ask({"do": "put", "path": TARGET + "/" + name, "mode": None, "fd": True}, number)
        finally:
            os.close(number)
        return "sent" if reply["state"] in ("ok", "changed") else "refused: " + reply["message"]

    def connects(path):
        try:
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.connect(path)
            return "connected"
        except OSError as error:
            return type(error).__name__

    def seek(secrets, sockets, daemon):
        found = {path: reads(path) for path in secrets}
        found["sent"] = [sends(path, flags) for path in secrets for flags in (os.O_RDONLY, os.O_PATH)]
        found["sent_own"] = sends(__file__, os.O_RDONLY, "own")
        found["sent_kernels"] = sends("/proc/self/status", os.O_RDONLY)
        found["others"] = reaches_others()
        found["sockets"] = [connects(path) for path in sockets]
        found["environment"] = dict(os.environ)
        found["descriptors"] = sorted(number for number in range(1024) if is_open(number))
        found["daemon"] = reads("/proc/%d/environ" % daemon)
        found["processes"] = [int(name) for name in os.listdir("/proc") if name.isdigit()] if lists("/proc") else []
        found["uid"] = os.getuid()
        found["capabilities"] = [line for line in open("/proc/self/status") if line.startswith("CapEff")] if lists("/proc") else []
        libc = ctypes.CDLL(None, use_errno=True)
        found["ptrace"] = libc.ptrace(16, os.getppid(), 0, 0)
        found["unshare"] = libc.unshare(0x10000000)
        found["mount"] = libc.mount(b"x", b"/tmp", b"tmpfs", 0, None)
        found["files"] = [name for name in ("/etc", "/etc/ssh", "/root", "/home", "/var", "/var/lib") if lists(name)]
        return found

    def reaches_others():
        '''What each call to slow or cripple another process of its user, or to leave something behind, comes to: an errno, or 0.
        Each is so that it changes nothing where it is not forbidden: a sandbox with a hole must not cost the host anything.'''
        libc = ctypes.CDLL(None, use_errno=True)
        other, room = os.getppid(), (ctypes.c_char * 256)()
        ioprio_set, sched_setattr = {"x86_64": (251, 314), "aarch64": (30, 274)}[os.uname().machine]
        calls = {
            "prlimit": lambda: libc.prlimit(other, resource.RLIMIT_NOFILE, None, room),
            "setpriority": lambda: libc.setpriority(os.PRIO_PROCESS, other, os.getpriority(os.PRIO_PROCESS, 0)),
            "setpriority of more than a process": lambda: libc.setpriority(99, 0, 19),
            "sched_setscheduler": lambda: libc.sched_setscheduler(other, os.SCHED_OTHER, room),
            "sched_setparam": lambda: libc.sched_setparam(other, room),
            "sched_setattr": lambda: libc.syscall(sched_setattr, other, room, 0),
            "sched_setaffinity": lambda: libc.sched_setaffinity(other, 128, room),
            "ioprio_set": lambda: libc.syscall(ioprio_set, 1, other, 0),
            "ioprio_set of more than a process": lambda: libc.syscall(ioprio_set, 99, 0, 0),
            "shmget": lambda: libc.shmget(0, 0, 0o600),
            "semget": lambda: libc.semget(0, -1, 0o600),
            "msgget": lambda: libc.msgget(0x6c6f6f6d, 0),
            "open_tree_attr": lambda: libc.syscall(467, -1, 0, 0, 0, 0),
        }
        def outcome(call):
            return 0 if call() >= 0 else ctypes.get_errno()
        found = {name: outcome(call) for name, call in calls.items()}
        # What it does to itself is its own affair.
        os.sched_setaffinity(0, os.sched_getaffinity(0))
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
        return found

    def lists(path):
        try:
            return bool(os.listdir(path))
        except OSError:
            return False

    def is_open(number):
        try:
            os.fstat(number)
            return True
        except OSError:
            return False
"""


class Secrets:
    """Run once as root and once as an ordinary user."""

    def test_it_finds_no_credential(self):
        target = self.folder / "target"
        target.mkdir(mode=0o777)
        os.chmod(target, 0o777)
        (self.home / ".ssh").mkdir()
        (self.home / ".ssh" / "id_ed25519").write_text("the user's key\n")
        agent = subprocess.Popen([shutil.which("ssh-agent"), "-D", "-a", str(self.folder / "agent")], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(agent.wait)
        self.addCleanup(agent.kill)
        until((self.folder / "agent").exists, "the agent's socket")
        self.environment.update(SSH_AUTH_SOCK=str(self.folder / "agent"), LOOM_TEST_SECRET="token-of-the-daemon")
        self.module("TARGET = " + repr(str(target)) + "\n" + textwrap.dedent(SEEKER))
        self.job("tasks.seek", more="kwargs: {secrets: [], sockets: [], daemon: 1}")
        daemon = self.serve()
        secrets = [getattr(self, "identity", self.fleet.identity), str(self.config), str(self.folder / "nodes.yaml"),
                   str(self.folder / "state" / "loom.db"), str(self.home / ".ssh" / "id_ed25519"), "/etc/shadow"]
        kwargs = {"secrets": secrets, "sockets": [str(self.folder / "agent"), daemon.socket()], "daemon": daemon.process.pid}
        self.job("tasks.seek", more="kwargs: " + json.dumps(kwargs))
        self.loom("reload")
        found = json.loads(self.outcome()["out"].splitlines()[-1])

        for path in secrets:
            self.assertIn(found[path], ("FileNotFoundError", "PermissionError"), path)
        for sent in found["sent"]:
            self.assertNotEqual(sent, "sent")
        self.assertFalse((target / "stolen").exists())
        self.assertNotEqual(found["sent_kernels"], "sent")
        if not isinstance(self, WithoutNamespaces) and found["processes"]:
            self.assertIn("one of the kernel's own files", found["sent_kernels"])
        self.assertEqual(found["sent_own"], "sent", "what it can read is sent; so the others were refused for what they are")
        self.assertIn("def seek(", (target / "own").read_text())
        self.assertEqual({name: number for name, number in found["others"].items() if number != errno.EPERM}, {})
        self.assertEqual(found["sockets"], ["PermissionError"] * 2, "a socket of the unix kind knows who this user is")
        self.assertEqual(found["descriptors"][:4], [0, 1, 2, 3])
        self.assertLessEqual(len(found["descriptors"]), 8, "those of the worker's own making come on top")
        said = json.dumps(found["environment"])
        self.assertNotIn("token-of-the-daemon", said)
        self.assertNotIn("SSH_AUTH_SOCK", said)
        self.assertIn(found["daemon"], ("FileNotFoundError", "PermissionError"))
        self.assertNotIn(daemon.process.pid, found["processes"])
        self.assertTrue(all(line.split()[1] == "0" * 16 for line in found["capabilities"]))
        self.assertEqual((found["ptrace"], found["unshare"], found["mount"]), (-1, -1, -1))
        self.assertEqual(found["files"], [])
        self.assertIn("1000\n", [pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text() for pid in below(daemon.process.pid)])
        if not SHORT:  # A sanitizer looks into its own process from outside.
            # /proc of one that may not be dumped belongs to root, whoever the process is (proc(5)).
            self.assertEqual(os.stat(f"/proc/{daemon.process.pid}/mem").st_uid, 0)
        if os.geteuid() == 0 and not isinstance(self, OrdinaryUser):
            self.assertEqual(found["uid"] // 1000, 2_000_000 + daemon.process.pid % 100_000)


class SecretsOfRoot(Secrets, PluginCase):
    nodes_count = 1


class SecretsOfAnOrdinaryUser(Secrets, OrdinaryUser, PluginCase):
    nodes_count = 1


class SecretsOfRootWithoutNamespaces(WithoutNamespaces, Secrets, PluginCase):
    nodes_count = 1


class SecretsOfAnOrdinaryUserWithoutNamespaces(WithoutNamespaces, Secrets, OrdinaryUser, PluginCase):
    nodes_count = 1


class Layers(PluginCase):
    nodes_count = 1

    def doctor(self):
        return {item["name"]: item for item in self.json("doctor", code=None)["items"]}["plugin ops"]["text"]

    def test_doctor_says_what_is_missing(self):
        self.module("def task():\n    return 1\n")
        self.configure(settings="plugins: {ops: {paths: plugins, isolation: none}}")
        self.assertIn("without any other layer (isolation: none): its tasks run as the daemon's own user", self.doctor())

    def test_without_isolation_it_is_the_daemons_own_user_and_ends_all_the_same(self):
        self.module("""
            import os, time
            def task():
                if os.fork() == 0:
                    os.setsid()
                    time.sleep(1000)
                return f"{os.getuid()} {os.environ['HOME']}"
            """)
        self.settings = "plugins: {ops: {paths: plugins, isolation: none}}"
        self.job("tasks.task")
        daemon = self.serve()
        uid, home = json.loads(self.outcome()["out"]).split()
        self.assertEqual(uid, str(os.geteuid()))
        self.assertRegex(home, "^/tmp/loom-worker-[^/]+/tmp$")
        until(lambda: not below(daemon.process.pid), "the end of what the task has left running, its worker with it")
        daemon.stop()
        self.assertFalse(os.path.exists(os.path.dirname(home)))


# What a callable does on n1, and what n1's outcome says.
HARM = {
    "fork_bomb": ("""
        import os
        while True:
            os.fork()
        """, "failed"),
    "allocation": ("return len(bytearray(10 << 30))", "MemoryError"),
    "endless_output": ("""
        while True:
            print("x" * 8000)
        """, "it said more than 64 MiB"),
    "endless_raw_output": ("""
        import os
        while True:
            os.write(1, b"x" * 65536)
        """, "it said more than 64 MiB"),
    "deaf": ("""
        import signal, time
        for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT):
            signal.pthread_sigmask(signal.SIG_BLOCK, {number})
        while True:
            try:
                time.sleep(1)
            except BaseException:
                pass
        """, "the command's deadline passed"),
    "stopped": ("""
        import os, signal
        os.kill(os.getpid(), signal.SIGSTOP)
        """, "the command's deadline passed"),
    "ptrace": ("""
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(0, 0, 0, 0) == -1:
            raise PermissionError(ctypes.get_errno(), "ptrace")
        """, "PermissionError: [Errno 1] ptrace"),
    "network": ("""
        import socket
        socket.create_connection(("127.0.0.1", 22))
        """, "PermissionError: [Errno 13] Permission denied"),
    "network_by_number": ("""
        import socket
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        """, "PermissionError: [Errno 13] Permission denied"),
    "garbage": ("""
        import os
        os.write(3, b"garbage that is no frame")
        __import__("time").sleep(100)
        """, "its worker broke the protocol: a frame of 1734439522 bytes, and 2097152 is the most"),
    "no_json": ("""
        import os
        os.write(3, (8).to_bytes(4, "big") + b"{no json")
        __import__("time").sleep(100)
        """, "its worker broke the protocol: a frame that is not JSON"),
    "exits": ("__import__('os')._exit(3)", "its worker ended with exit status 3 and gave no result"),
    "dies": ("""
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)
        """, "its worker was ended by signal KILL"),
    "crashes": ("__import__('ctypes').string_at(0)", "its worker was ended by signal SEGV"),
    "hangs_up": ("""
        __import__("socket").socket(fileno=3).shutdown(2)
        __import__("time").sleep(100)
        """, "its worker"),
    "big_file": ("""
        import os
        with open(os.environ["TMPDIR"] + "/big", "wb") as file:
            while True:
                file.write(b"x" * (1 << 20))
        """, "OSError"),
}


class Harm(PluginCase):
    """Each on n1, while the same task goes well on n2."""

    settings = "plugins: {ops: {paths: plugins, limits: {memory: 512MiB, temp: 32MiB}}}"

    def harm(self, name):
        body, expected = HARM[name]
        self.module("from fabric.api import env, run\ndef task():\n    if env.host_string == 'n2':\n        return str(run('echo fine'))\n" +
                    textwrap.indent(textwrap.dedent(body), "    "))
        self.job("tasks.task", "n[1-2]", "timeout: {command: 20s, grace: 1s}" if "deadline" in expected else "")
        if "deadline" in expected:
            self.job("tasks.task", "n[1-2]", "timeout: {command: 3s, grace: 1s}")
        self.loom("reload")
        nodes = self.run_job(code=1)
        self.assertEqual(nodes["n2"]["state"], "ok", nodes["n2"])
        self.assertIn(nodes["n1"]["state"], ("failed", "timed_out"), nodes["n1"])
        if expected != "failed":
            self.assertIn(expected, nodes["n1"]["message"])

    def test_each_harm_is_its_own_nodes_failure(self):
        daemon = self.serve_once()
        for name in HARM:
            with self.subTest(harm=name):
                self.harm(name)
        daemon.stop()
        self.assertEqual([pid for pid in self.seen if os.path.exists(f"/proc/{pid}")], [])

    def serve_once(self):
        self.configure(settings=self.settings)
        daemon = self.serve()
        self.seen = set()
        done = threading.Event()

        def look():
            while not done.wait(0.2):
                self.seen.update(below(daemon.process.pid))
        watcher = threading.Thread(target=look)
        watcher.start()
        self.addCleanup(watcher.join)
        self.addCleanup(done.set)
        return daemon

    def test_the_network_is_there_where_it_is_allowed(self):
        self.settings = "plugins: {ops: {paths: plugins, network: true}}"
        self.module("import socket\ndef task():\n    return socket.create_connection((%r, %d)).recv(4).decode()\n"
                    % (self.fleet.addresses[0], self.fleet.port))
        self.job("tasks.task")
        self.assertEqual(self.outcome()["out"], '"SSH-"\n')


class Fleet(PluginCase):
    nodes_count = 1

    def test_two_hundred_nodes_share_ten_workers_and_none_is_left(self):
        fleet = pathlib.Path(os.environ.get("LOOM", "build/release/loom")).parent / "bench" / "fleet"
        simulator = subprocess.Popen([fleet, "--address", "all"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(simulator.wait)
        self.addCleanup(simulator.kill)
        self.addCleanup(simulator.stdout.close)
        port = int(re.search(r":(\d+)$", simulator.stdout.readline().strip())[1])
        key = self.fleet.identity
        nodes = f"m[1-200]: {{ip: '127.9.0.[1-200]', port: {port}, user: u, identity: {key}}}\n"
        self.module("from fabric.api import run\ndef ask():\n    return str(run('echo here'))\n")
        self.configure(jobs="  t: {task: tasks.ask, targets: 'm[1-200]'}\n", nodes=nodes)
        daemon = self.serve()
        run = self.loom("-o", "json", "run", "t").json()["run"]
        self.assertEqual(run["counts"], {"ok": 200})
        left = below(daemon.process.pid)
        self.assertLessEqual(len(left), 30, "ten workers, each with its launcher and the first process of its namespace")
        daemon.stop()
        until(lambda: not [pid for pid in left if os.path.exists(f"/proc/{pid}")], "the end of all workers")


if __name__ == "__main__":
    unittest.main(verbosity=2)
