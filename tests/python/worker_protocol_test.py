#!/usr/bin/env python3
"""The Python worker's line to the daemon: cancels, garbage, the end."""
import os
import signal
import struct
import unittest

from fake_daemon import PATIENCE, FakeDaemon, WorkerGone

TASKS = '''
import os, subprocess, threading
import loom_worker as loom

def add(a, b=1):
    return a + b

def vanish():
    os._exit(3)

def hang(how):
    loom.progress("hanging")
    if how == "loop":
        while True:
            pass
    if how == "lock":
        threading.Event().wait()
    if how == "child":
        subprocess.run(["sleep", "1000"])
    if how == "remote":
        loom.remote.run("never")
    if how == "stubborn":
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            loom.remote.run("one more")
'''


class CancelTest(unittest.TestCase):
    def test_a_cancel_reaches_the_task_wherever_it_is(self):
        reached = []

        def on_progress(daemon, _):
            daemon.cancel(reached[-1], "its deadline passed")

        with FakeDaemon({"tasks.py": TASKS}, on_progress=on_progress) as daemon:
            for how in ("loop", "lock", "child"):
                with self.subTest(how=how):
                    reached.append(daemon.begin("tasks.hang", how))
                    ended = daemon.serve(reached[-1])
                    self.assertEqual((ended.state, ended.message), ("failed", "its deadline passed"))
            self.assertEqual(daemon.call("tasks.add", 1).state, "ok")

    def test_a_request_that_is_cancelled_ends_the_task(self):
        with FakeDaemon({"tasks.py": TASKS}, on_remote=lambda _: {"state": "cancelled", "message": "by root"}) as daemon:
            self.assertEqual(daemon.call("tasks.hang", "remote").message, "by root")

    def test_a_cancelled_task_asks_for_nothing_more(self):
        numbers = []
        with FakeDaemon({"tasks.py": TASKS}, on_progress=lambda daemon, _: daemon.cancel(numbers[0])) as daemon:
            numbers.append(daemon.begin("tasks.hang", "stubborn"))
            ended = daemon.serve(numbers[0])
            self.assertEqual((ended.message, ended.requests), ("cancelled by a test", []))

    def test_a_cancel_right_behind_its_call_is_heeded(self):
        with FakeDaemon({"tasks.py": TASKS}) as daemon:
            for _ in range(20):
                number = daemon.begin("tasks.hang", "lock")
                daemon.cancel(number, "at once")
                self.assertEqual(daemon.serve(number).message, "at once")

    def test_signals_that_a_task_takes_are_taken_back(self):
        stubborn = """
import signal
def f():
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
"""
        numbers = []
        with FakeDaemon({"tasks.py": TASKS, "stubborn.py": stubborn},
                        on_progress=lambda daemon, _: daemon.cancel(numbers[0])) as daemon:
            self.assertEqual(daemon.call("stubborn.f").state, "ok")
            numbers.append(daemon.begin("tasks.hang", "lock"))
            self.assertEqual(daemon.serve(numbers[0]).message, "cancelled by a test")

    def test_a_late_cancel_of_another_call_is_nothing(self):
        with FakeDaemon({"tasks.py": TASKS}) as daemon:
            daemon.call("tasks.add", 1)
            daemon.cancel(1)
            self.assertEqual(daemon.call("tasks.add", 1).state, "ok")

    def test_sigterm_is_heeded_too(self):
        def on_progress(daemon, _):
            daemon.process.send_signal(signal.SIGTERM)

        with FakeDaemon({"tasks.py": TASKS}, on_progress=on_progress) as daemon:
            self.assertEqual(daemon.call("tasks.hang", "lock").message, "the worker was told to end")
            daemon.process.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.process.wait(PATIENCE), 0)


class ProtocolTest(unittest.TestCase):
    def test_garbage_ends_the_worker(self):
        for name, data in (("length", b"\xff\xff\xff\xff"), ("empty", struct.pack(">I", 0)),
                           ("text", struct.pack(">I", 3) + b"abc"), ("list", struct.pack(">I", 2) + b"[]"),
                           ("deep", struct.pack(">I", 200000) + b"[" * 200000),
                           ("unknown", struct.pack(">I", 14) + b'{"type":"odd"}'), ("untyped", struct.pack(">I", 2) + b"{}"),
                           ("no id", struct.pack(">I", 15) + b'{"type":"call"}'),
                           ("utf-8", struct.pack(">I", 2) + b"\xff\xfe"), ("random", os.urandom(4096))):
            with self.subTest(name), FakeDaemon() as daemon:
                daemon.send_bytes(data)
                daemon._ours.shutdown(1)
                with self.assertRaises(WorkerGone):
                    daemon.receive()
                self.assertEqual(daemon.process.wait(PATIENCE), 1)
                daemon._readers[1].join(PATIENCE)
                self.assertEqual(daemon.pipes["err"].count("\n"), 1, daemon.pipes["err"])
                self.assertIn("loom_worker: ", daemon.pipes["err"])

    def test_a_wrong_hello_ends_the_worker(self):
        daemon = FakeDaemon()
        self.addCleanup(daemon.close)
        daemon.send({"type": "hello", "protocol": 2})
        self.assertEqual(daemon.process.wait(PATIENCE), 1)

    def test_it_ends_with_its_descriptor_and_takes_its_children_along(self):
        started = '''
import subprocess
def start():
    return subprocess.Popen(["sleep", "1000"]).pid
'''
        daemon = FakeDaemon({"starts.py": started})
        with daemon:
            child = daemon.call("starts.start").value
            os.kill(child, 0)
        self.assertEqual(daemon.process.returncode, -signal.SIGKILL)
        state = "Z"
        try:
            with open(f"/proc/{child}/stat", encoding="utf-8") as file:
                state = file.read().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            pass
        self.assertIn(state, "ZX")

    def test_an_exit_within_a_call_is_seen_as_the_streams_end(self):
        with FakeDaemon({"tasks.py": TASKS}) as daemon, self.assertRaises(WorkerGone):
            daemon.call("tasks.vanish")

    def test_unknown_keys_are_nothing(self):
        with FakeDaemon({"tasks.py": TASKS}) as daemon:
            daemon.send({"type": "cancel", "call": 99, "more": [1]})
            self.assertEqual(daemon.call("tasks.add", 1).state, "ok")

    def test_the_descriptor_is_not_inherited(self):
        looking = '''
import os, subprocess
def look():
    return subprocess.run(["ls", "-l", "/proc/self/fd"], capture_output=True, text=True, close_fds=False).stdout.count("socket:")
'''
        with FakeDaemon({"looking.py": looking}) as daemon:
            self.assertEqual(daemon.call("looking.look").value, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
