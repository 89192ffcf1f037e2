#!/usr/bin/env python3
"""Tasks of plugins through the real binary: real workers in their sandbox, real sshd nodes."""
import json
import os
import signal
import unittest

from loom_case import until
from plugin_case import PluginCase, below


class Calls(PluginCase):
    def test_a_callable_gets_what_the_job_says_and_its_output_and_value_are_the_nodes(self):
        self.module("""
            from fabric.api import env, run
            def greet(*args, **kwargs):
                print("printed", args, sorted(kwargs.items()))
                said = run("echo on the node")
                return {"host": env.host_string, "said": str(said)}
            """)
        self.job("tasks.greet", more='args: [1, "two", [3]]\nkwargs: {x: {y: null}}')
        node = self.outcome()
        self.assertEqual(node["state"], "ok")
        lines = node["out"].splitlines()
        self.assertEqual(lines[0], "printed (1, 'two', [3]) [('x', {'y': None})]")
        self.assertEqual(json.loads(lines[-1])["said"], "on the node")

    def test_a_traceback_is_the_failures_text(self):
        self.module("def broken():\n    raise ValueError('no such thing')\n")
        self.job("tasks.broken")
        node = self.outcome(code=1)
        self.assertEqual((node["state"], node["message"]), ("failed", "ValueError: no such thing"))
        self.assertIn("Traceback", node["err"])

    def test_what_follows_a_lost_connection_has_a_new_one(self):
        self.module("""
            from loom_worker import remote
            def cut():
                try:
                    remote.run("kill -9 $PPID; sleep 60")
                except remote.RemoteError as error:
                    print(error.state)
                return [remote.run("echo again").out, remote.stat("/").kind]
            """)
        self.job("tasks.cut")
        node = self.outcome()
        self.assertEqual((node["state"], node["out"].splitlines()), ("ok", ["lost", '["again\\n","folder"]']), node)

    def test_a_result_ends_what_the_task_still_asks_for(self):
        self.module("""
            import threading
            from loom_worker import remote
            def leave():
                begun = threading.Event()
                line = "echo begun; exec sleep 1000"
                threading.Thread(target=lambda: remote.run(line, on_output=lambda *_: begun.set()), daemon=True).start()
                begun.wait()
                return "done"
            """)
        self.job("tasks.leave", more="timeout: {grace: 1s}")
        node = self.outcome()
        self.assertEqual((node["state"], node["out"].splitlines()[-1]), ("ok", '"done"'), node)

    def test_a_worker_serves_one_job_and_goes_with_what_it_has_left_running(self):
        self.module("""
            import builtins, os, subprocess
            def before():
                found, builtins.left = getattr(builtins, "left", None), os.getpid()
                return found is not None
            def leaves():
                subprocess.Popen(["sleep", "1000"])
                return before()
            """)
        job = "  {0}:\n    task: tasks.{1}\n    targets: n1\n"
        self.configure(jobs=job.format("t", "before") + job.format("other", "before") + job.format("leaver", "leaves"), settings="max_workers: 1")
        self.serve()

        def value(name):
            run = self.loom("-o", "json", "run", name).json()["run"]["id"]
            return self.loom("logs", run, "n1").out.splitlines()[-1]

        self.assertEqual([value(name) for name in ("t", "t", "other", "t", "leaver", "leaver")],
                         ["false", "true", "false", "false", "false", "false"])

    def test_files_travel_to_the_node_and_back(self):
        target = self.folder / "target"
        target.mkdir()
        self.module(f"""
            import io, os
            from fabric.api import get, put
            BIG = os.urandom(3 << 20)
            def move():
                put(io.BytesIO(b"small"), "{target}/small")
                put(io.BytesIO(BIG), "{target}/big")
                back = io.BytesIO()
                get("{target}/big", back)
                return back.getvalue() == BIG
            """)
        self.job("tasks.move")
        self.assertEqual(self.outcome()["out"].splitlines()[-1], "true")
        self.assertEqual((target / "small").read_bytes(), b"small")
        self.assertEqual((target / "big").stat().st_size, 3 << 20)
        self.assertEqual(list((self.folder / "state" / "spool").iterdir()), [], "something is left in the spool")

    def test_changed_code_counts_without_a_restart(self):
        self.module("def word():\n    return 'first'\n")
        self.job("tasks.word")
        self.serve()
        self.assertEqual(self.outcome()["out"], '"first"\n')
        self.module("def word():\n    return 'second, and longer'\n")
        until(lambda: self.outcome()["out"] == '"second, and longer"\n', "the new code")

    def test_a_stopped_run_ends_the_call(self):
        self.module("""
            import time
            def wait():
                print("waiting", flush=True)
                while True:
                    time.sleep(1)
            """)
        self.job("tasks.wait", more="timeout: {command: 1s, grace: 1s}")
        node = self.outcome(code=1)
        self.assertEqual((node["state"], node["message"]), ("timed_out", "the command's deadline passed"))

    def test_an_unknown_task_is_told_with_its_place(self):
        self.module("def x():\n    pass\n", name="deploy")
        self.job("deplyo.x")
        done = self.loom("check", code=6)
        self.assertIn('jobs/jobs.yaml:3:11: quarantined: t: unknown task "deplyo.x": no plugin has a module "deplyo" (did you mean "deploy"?)', done.out)

    def test_check_finds_what_only_an_import_shows_and_runs_nothing_outside_the_sandbox(self):
        self.module("""
            import missing_module
            def x():
                pass
            """, name="broken")
        self.module("""
            import os
            PLACE = "%s"
            try:
                open(PLACE, "w").write("imported")
            except OSError:
                pass
            def web():
                pass
            """ % (self.folder / "witness"), name="deploy")
        self.configure(jobs="  a: {task: broken.x, targets: n1}\n  b: {task: deploy.web, targets: n1}\n  c: {task: deploy.wbe, targets: n1}\n")
        done = self.loom("check", code=6)
        self.assertIn("jobs/jobs.yaml:2:3: unavailable: a: task \"broken.x\": ", done.out)
        self.assertIn("No module named 'missing_module'", done.out)
        self.assertRegex(done.out, r'jobs/jobs.yaml:4:3: unavailable: c: task "deploy.wbe": .*wbe')
        self.assertNotIn("deploy.web\":", done.out)
        self.assertFalse((self.folder / "witness").exists())

    def test_check_fails_where_no_worker_can_run_the_task(self):
        self.module("def web():\n    pass\n", name="deploy")
        self.configure(jobs="  a: {task: deploy.web, targets: n1}\n", settings="plugins: {ops: {paths: plugins, interpreter: python9}}")
        done = self.loom("check", code=6)
        self.assertRegex(done.out, r'jobs/jobs.yaml:2:3: unavailable: a: task "deploy.web": .*python9')

    def test_doctor_says_what_holds_a_worker(self):
        self.module("def x():\n    pass\n")
        self.job("tasks.x")
        checkups = {item["name"]: item for item in self.json("doctor", code=None)["items"]}
        self.assertTrue(checkups["plugin plugins"]["ok"], checkups)
        for layer in ("python 3", "landlock", "seccomp", "no_new_privs", "namespaces"):
            self.assertIn(layer, checkups["plugin plugins"]["text"])

    def test_a_script_runs_on_each_node_and_leaves_nothing(self):
        self.write("jobs/script.sh", "#!/usr/bin/env -S python3 -B\nimport sys\nprint(sys.argv[1:], repr(sys.stdin.read()), sys.argv[0])\nsys.exit(3)\n")
        self.configure(jobs="  t: {script: script.sh, args: [\"it's\", 7], targets: n1}\n")
        node = self.outcome(code=1)
        self.assertEqual((node["state"], node["exit_status"]), ("failed", 3))
        words, path = node["out"].rsplit(" ", 1)
        self.assertEqual(words, """["it's", '7'] ''""")
        self.assertFalse(os.path.exists(path.strip()))
        self.write("jobs/script.sh", "echo plain $1\n")
        self.assertEqual(self.outcome()["out"], "plain it's\n")

    def test_a_plugin_must_not_be_able_to_read_what_is_secret(self):
        self.configure(settings="plugins: {ops: {paths: .}}")
        done = self.loom("check", code=6)
        self.assertIn("loom.yaml:6:11: ops: its workers would read this configuration", done.err)
        self.write("plugins/x.py", "")
        self.write("keys/id", "the key\n")
        self.write("nodes.yaml", f"n1: {{ip: 127.0.0.1, user: u, identity: {self.folder}/keys/id}}\n")
        for read, words in (("keys", "ops: its workers would read a node's identity"),
                            ("/proc/1/root/srv", "ops: its workers would read what the host is doing: /proc/1/root/srv"),
                            ("/sys/../dev/", "ops: its workers would read what the host is doing: /sys/../dev/"),
                            ("/", "ops: its workers would read")):
            with self.subTest(read=read):
                self.write("loom.yaml", f"nodesfile: nodes.yaml\nplugins: {{ops: {{paths: plugins, read: {read}}}}}\n")
                self.assertIn(words, self.loom("check", code=6).err)

    def test_multiprocessing_works_in_the_sandbox(self):
        self.module("""
            import multiprocessing
            def pooled():
                with multiprocessing.get_context("fork").Pool(2) as pool:
                    return pool.map(abs, [-1, -2])
            """)
        self.job("tasks.pooled")
        self.assertEqual(self.outcome()["out"], "[1,2]\n")


class Processes(PluginCase):
    nodes_count = 1

    def test_without_a_task_of_a_plugin_the_daemon_has_no_child(self):
        self.module("def nothing():\n    pass\n")
        self.configure(jobs="  t: {command: 'true', targets: n1}\n  p: {task: tasks.nothing, targets: n1}\n")
        daemon = self.serve()
        self.loom("run", "t")
        self.assertEqual(below(daemon.process.pid), [])
        self.loom("run", "p")
        self.assertNotEqual(below(daemon.process.pid), [], "a worker rests until there is more to do")

    def test_no_worker_outlives_its_daemon_however_that_ends(self):
        self.module("""
            import os, time
            def fork():
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        os.setsid()
                time.sleep(1000)
            """)
        self.job("tasks.fork")
        for end in (lambda daemon: daemon.stop(), lambda daemon: daemon.kill()):
            daemon = self.serve()
            self.loom("run", "t", "--detach")
            until(lambda: len(below(daemon.process.pid)) >= 5, "the worker and what it starts")
            left = below(daemon.process.pid)
            end(daemon)
            until(lambda: not [pid for pid in left if os.path.exists(f"/proc/{pid}")], "the end of all workers")


class Crashes(PluginCase):
    nodes_count = 1

    def test_a_task_whose_workers_die_is_left_alone_until_its_code_changes(self):
        self.module("import os\ndef die():\n    os._exit(7)\n")
        self.job("tasks.die")
        self.serve()
        for _ in range(3):
            self.assertEqual(self.outcome(code=1)["message"], "its worker ended with exit status 7 and gave no result")
        self.assertIn("not tried: its worker died 3 times in a row", self.outcome(code=1)["message"])
        self.module("def die():\n    return 'well again'\n")
        until(lambda: self.run_job(code=None)["n1"]["state"] == "ok", "the new code")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    unittest.main(verbosity=2)
