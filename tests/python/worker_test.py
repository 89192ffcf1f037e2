#!/usr/bin/env python3
"""The Python worker itself: any callable, its output, its ends, its protocol."""
import unittest

from fake_daemon import SHARE, FakeDaemon

PLAIN = '''
import asyncio, os, subprocess, sys, threading
import loom_worker as loom

def add(a, b=1):
    """Adds.

    More words."""
    print("adding", a, b)
    sys.stderr.write("noise\\n")
    return {"sum": a + b, 1: (1, 2), "nan": float("nan")}

def boom(depth=1):
    if depth:
        return boom(depth - 1)
    raise ValueError("first line\\nsecond line")

def talkative():
    raise ValueError("x" * (3 << 20))

def chained():
    try:
        boom(0)
    except ValueError as error:
        raise KeyError("outer") from error

def leave(code):
    sys.exit(code)

async def later():
    await asyncio.sleep(0)
    return "later"

def numbers():
    yield 1

class Thing:
    def __init__(self, name):
        self.name = name

def unprintable():
    class Bad:
        def __repr__(self):
            raise RuntimeError("no")
    return [Bad(), object()]

def deep():
    value = []
    for _ in range(100):
        value = [value]
    return value

def huge():
    return "x" * (2 << 20)

def raw():
    import io
    sys.stdout.reconfigure(line_buffering=True)
    for byte in "gr\u00fc\u00dfe\\n".encode():
        sys.stdout.buffer.write(bytes([byte]))
    sys.stdout.buffer.write(b"\\xff\\n")
    wrapper = io.TextIOWrapper(sys.stdout.buffer, "utf-8")
    wrapper.write("wrapped\\n")
    wrapper.close()
    print("still", "open", end="")
    print("", file=sys.stderr)

def flood():
    print("y" * (3 << 20))

def facts():
    return [loom.node.name, loom.node.vars["release"], loom.run.job, loom.run.targets, loom.check]

def set_fact():
    loom.node.name = "other"

def changes():
    loom.log("a line", "warning")
    loom.progress("half", 0.5)
    loom.changed()

@loom.checks
def careful():
    loom.changed(loom.check)
    return loom.check

def remote():
    ran = loom.remote.run("echo out; echo err >&2; exit 3")
    changed = [loom.remote.put(b"hello", loom.remote.absolute("~/hello"), 0o640) for _ in range(2)]
    return [ran.out, ran.err, ran.exit_status, changed, loom.remote.get(loom.remote.absolute("hello")).decode(),
            oct(loom.remote.stat(loom.remote.absolute("hello")).mode)]

def stats(path):
    return loom.remote.stat(path).kind

def live(count):
    loom.remote.run("seq 1 %d" % count, on_output=lambda stream, text: print(text, end=""))

def as_the_job_says():
    return loom.remote.run("echo $K; pwd; false; echo $USER").out.splitlines()

def senseless(what):
    {"empty": lambda: loom.remote.run(""), "nul": lambda: loom.remote.run("a\\0b"), "path": lambda: loom.remote.stat("/" * 5000),
     "mode": lambda: loom.remote.put(b"", "/x", 0o10000), "user": lambda: loom.remote.run("x", sudo="-s"),
     "time": lambda: loom.remote.run("x", timeout=float("nan")), "number": lambda: loom.remote.run(5),
     "size": lambda: loom.remote.run("x" * (3 << 20))}[what]()

def crowd():
    ran = []
    threads = [threading.Thread(target=lambda: ran.append(loom.remote.run("echo x").out)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(ran)

def large(size):
    data = os.urandom(size)
    loom.remote.put(data, loom.remote.absolute("large"))
    return loom.remote.get(loom.remote.absolute("large")) == data

def children():
    subprocess.run(["echo", "by a child"], stdout=sys.stdout, check=True)

def dirty():
    os.environ["LEFT"] = "over"
    os.chdir("/")
    sys.path.insert(0, "/left")
    sys.stdout = None

def clean():
    return ["LEFT" in os.environ, os.getcwd() != "/", "/left" in sys.path]

def thread_left():
    threading.Thread(target=threading.Event().wait, daemon=True).start()

def forked():
    print("by the parent, once", end="")
    pid = os.fork()
    if pid == 0:
        try:
            print("by the forked child")
            loom.remote.run("echo never")
        except RuntimeError:
            os._exit(7)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def pooled():
    import multiprocessing
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(abs, [-1, -2])

NOT_CALLABLE = 3
'''


class WorkerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = FakeDaemon({"plain.py": PLAIN, "broken.py": "import nowhere_to_be_found\n", "bad.py": "def f(:\n",
                                 "pack/__init__.py": "", "pack/inner.py": "class C:\n    @staticmethod\n    def f(): return 5\n"})
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.greet()

    def call(self, name, *args, **kwargs):
        return self.daemon.call("plain." + name, *args, **kwargs)

    def test_a_plain_callable_prints_and_returns(self):
        ended = self.call("add", 2, b=3)
        self.assertEqual((ended.state, ended.out, ended.err), ("ok", "adding 2 3\n", "noise\n"), ended)
        self.assertEqual(ended.value, {"sum": 5, "1": [1, 2], "nan": "nan"})

    def test_an_exception_is_the_failure(self):
        ended = self.call("boom")
        self.assertEqual((ended.state, ended.message), ("failed", "ValueError: first line"))
        self.assertIn("in boom", ended.err)
        self.assertIn("second line", ended.err)
        self.assertNotIn("loom_worker", ended.err)

    def test_a_long_message_is_cut(self):
        ended = self.call("talkative")
        self.assertEqual(len(ended.message), 4096)
        self.assertGreater(len(ended.err), 3 << 20)

    def test_a_cause_is_told_too(self):
        ended = self.call("chained")
        self.assertEqual(ended.message, "KeyError: 'outer'")
        self.assertIn("ValueError: first line", ended.err)
        self.assertIn("direct cause", ended.err)

    def test_exits(self):
        for code, state, message, status in ((0, "ok", "", 0), (None, "ok", "", 0), (4, "failed", "the task exited with status 4", 4),
                                             (True, "failed", "the task exited with status 1", 1), (2 ** 70 + 3, "failed", "the task exited with status 3", 3),
                                             ("no room\nleft", "failed", "no room", 1)):
            with self.subTest(code=code):
                ended = self.call("leave", code)
                self.assertEqual((ended.state, ended.message, ended.exit_status), (state, message, status))

    def test_other_kinds_of_callables(self):
        self.assertEqual(self.call("later").value, "later")
        self.assertEqual(self.call("Thing", "x").value, "<plain.Thing object>")
        self.assertEqual(self.daemon.call("pack.inner.C.f").value, 5)
        self.assertEqual(self.daemon.call("os.path.basename", "/a/b").value, "b")
        ended = self.call("numbers")
        self.assertEqual(ended.message, "TypeError: plain.numbers returns a generator, which nobody iterates: its body has not run")

    def test_values_that_are_no_json(self):
        self.assertEqual(self.call("unprintable").value, ["<Bad without a repr: RuntimeError>", "<object object>"])
        self.assertIn("[[[", self.call("deep").value[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0])
        self.assertEqual(self.call("huge").value, f"<str of {(2 << 20) + 2} bytes: at most 1048576 are kept>")

    def test_much_output_comes_in_pieces(self):
        self.assertEqual(len(self.call("flood").out), (3 << 20) + 1)

    def test_output_as_bytes_and_through_wrappers(self):
        for _ in range(2):
            self.assertEqual(self.call("raw").out, "grüße\n\ufffd\nwrapped\nstill open")

    def test_the_facts_of_node_and_run(self):
        self.assertEqual(self.call("facts").value, ["web1", "stable", "test", ["web1", "web2"], False])
        self.assertEqual(self.call("set_fact").message, "AttributeError: name cannot be set: these are facts")

    def test_what_a_task_says_of_itself(self):
        ended = self.call("changes")
        self.assertEqual((ended.state, ended.logs, ended.progress), ("changed", [("warning", "a line")], [("half", 0.5)]))

    def test_check_mode_runs_only_what_knows_it(self):
        ended = self.call("careful", check=True)
        self.assertEqual((ended.state, ended.value), ("changed", True))
        self.assertEqual(self.call("careful").state, "ok")
        ended = self.call("add", 1, check=True)
        self.assertEqual(ended.state, "skipped")
        self.assertIn("plain.add cannot tell what it would change", ended.message)
        self.assertEqual(ended.out, "")

    def test_requests_to_the_node(self):
        ended = self.call("remote")
        self.assertEqual(ended.value, ["out\n", "err\n", 3, [True, False], "hello", "0o640"], ended)

    def test_output_that_does_not_come_live_is_shown_at_the_end(self):
        self.assertEqual(self.call("live", 100000).out.split(), [str(number) for number in range(1, 100001)])
        with FakeDaemon({"plain.py": PLAIN}) as daemon:
            def half(request):
                daemon.send({"type": "output", "id": request["id"], "stream": "out", "text": "1\n2"})
                return {"state": "ok", "exit_status": 0, "out": "1\n2\n3\n", "err": ""}

            daemon.on_remote = half
            self.assertEqual(daemon.call("plain.live", 3).out, "1\n2\n3\n")

    def test_the_jobs_env_folder_and_user_hold_for_commands(self):
        ended = self.call("as_the_job_says", env={"K": "a 'b'"}, cwd="/tmp", become={"user": "app"})
        self.assertEqual(ended.value, ["a 'b'", "/tmp", "app"])
        self.assertEqual(self.call("as_the_job_says", cwd="").value, ["", str(self.daemon.home), "root"])

    def test_a_senseless_request_is_an_error_of_the_task(self):
        for what in ("empty", "nul", "path", "mode", "user", "time", "number", "size"):
            with self.subTest(what=what):
                ended = self.call("senseless", what)
                self.assertEqual((ended.state, ended.requests), ("failed", []))
                self.assertRegex(ended.message, "^(Value|Type)Error: ")

    def test_what_the_daemon_says_of_a_path_is_said_once(self):
        for message in ("not allowed", "/x: not allowed"):
            with FakeDaemon({"plain.py": PLAIN}, on_remote=lambda _, said=message: {"state": "failed", "message": said}) as daemon:
                self.assertEqual(daemon.call("plain.stats", "/x").message, "/x: not allowed")

    def test_many_threads_wait_for_their_turn(self):
        self.assertEqual(self.call("crowd").value, 50)

    def test_large_files_travel_as_descriptors(self):
        for size in (0, 1000, 512 * 1024, 512 * 1024 + 1, 5 << 20):
            with self.subTest(size=size):
                ended = self.call("large", size)
                self.assertTrue(ended.value, ended)
                self.assertEqual(sum(bool(request.get("fd")) for request in ended.requests), 2 * (size > 512 * 1024))

    def test_children_print_to_the_pipe(self):
        self.call("children")
        self.assertTrue(self.daemon.until_printed("out", "by a child\n"))

    def test_nothing_is_left_for_the_next_call(self):
        self.assertEqual(self.call("dirty").state, "ok")
        self.assertEqual(self.call("clean").value, [False, True, False])

    def test_a_fork_cannot_speak_in_the_workers_name(self):
        ended = self.call("forked")
        self.assertEqual((ended.value, ended.out, ended.requests), (7, "by the parent, once", []))
        self.assertTrue(self.daemon.until_printed("out", "by the forked child\n"))
        self.assertEqual(self.call("pooled").value, [1, 2])

    def test_a_thread_that_is_left_is_told(self):
        with FakeDaemon({"plain.py": PLAIN}) as daemon:
            self.assertTrue(daemon.call("plain.thread_left").last)

    def test_names_that_are_not_there(self):
        for task, words in (("plain.ad", "plain has no ad (did you mean add?)"),
                            ("plan.add", "no module plan (did you mean plain?) in " + str(self.daemon.plugin)),
                            ("plain", "plain is no import path: module.callable was expected"),
                            ("plain.add()", "plain.add() is no import path: module.callable was expected"),
                            ("plain.NOT_CALLABLE", "plain.NOT_CALLABLE is no callable, but an int"),
                            ("pack.inner", "pack.inner is no callable, but a module")):
            with self.subTest(task=task):
                ended = self.daemon.call(task)
                self.assertEqual((ended.state, ended.message), ("failed", words))
                self.assertEqual(self.daemon.inspect(task).message, words)

    def test_a_module_that_cannot_be_imported(self):
        ended = self.daemon.inspect("broken.task")
        self.assertEqual(ended.message, "broken.py:1: ModuleNotFoundError: No module named 'nowhere_to_be_found'")
        self.assertEqual(self.daemon.call("broken.task").message, "ModuleNotFoundError: No module named 'nowhere_to_be_found'")
        self.assertTrue(self.daemon.inspect("bad.f").message.startswith("bad.py:1: SyntaxError: "))

    def test_inspect_describes(self):
        self.assertEqual(self.daemon.inspect("plain.add").value, {"signature": "(a, b=1)", "summary": "Adds."})
        self.assertEqual(self.call("remote", kind="inspect").requests, [])

    def test_what_lies_in_the_current_folder_hides_nothing(self):
        with FakeDaemon({"uses.py": "def f():\n    import fabric\n    return fabric.__file__\n", "fabric.py": "", "invoke.py": ""}) as daemon:
            (daemon.work / "fabric.py").write_text("")
            self.assertEqual(daemon.call("uses.f").value, str(SHARE / "fabric" / "__init__.py"))

    def test_an_edit_counts_at_the_next_call(self):
        self.daemon.write("edited.py", "import edited_too\ndef f(): return 1, edited_too.N\n")
        self.daemon.write("edited_too.py", "N = 1\n")
        self.assertEqual(self.daemon.call("edited.f").value, [1, 1])
        self.daemon.write("edited.py", "import edited_too\ndef f(): return 22, edited_too.N\n")
        self.assertEqual(self.daemon.call("edited.f").value, [22, 1])
        self.daemon.write("edited_too.py", "N = 33\n")
        self.assertEqual(self.daemon.call("edited.f").value, [22, 33])
        self.daemon.write("edited.py", "def f(:\n")
        self.assertIn("SyntaxError", self.daemon.call("edited.f").message)
        self.daemon.write("edited.py", "def f(): return 4\n")
        self.assertEqual(self.daemon.call("edited.f").value, 4)


if __name__ == "__main__":
    unittest.main(verbosity=2)
