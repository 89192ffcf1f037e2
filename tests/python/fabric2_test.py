#!/usr/bin/env python3
"""Tasks of Fabric 2 and Invoke: what the worker's own packages answer is held against Debian's Fabric, which runs the
same tasks on a real sshd."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

from fake_daemon import PATIENCE, ROOT, FakeDaemon

sys.path.insert(0, str(ROOT / "tests" / "support"))
from with_nodes import Nodes  # noqa: E402

# Debian's own Python has Debian's Fabric.
ORACLE = "/usr/bin/python3"

TASKS = '''
import os
from io import BytesIO, StringIO

import invoke
from fabric import Connection, task
from invoke import Exit
from invoke.exceptions import Failure


def told(result):
    return [result.stdout, result.stderr, result.exited, result.return_code, result.ok, result.failed, bool(result), result.command,
            result.shell, result.pty, list(result.hide), str(result), repr(result), result.tail("stdout"), result.tail("stderr", count=1)]


def caught(work):
    try:
        return told(work())
    except Failure as error:
        return [type(error).__name__, str(error), repr(error), error.reason, told(error.result)]
    except Exception as error:
        return [type(error).__name__, str(error)]


@task
def results(c, folder):
    result = c.run("echo out; echo err >&2", hide=True)
    return told(result) + [result.env, type(result).__module__, result.connection is c]

@task
def hidden(c, folder):
    command = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done; echo err >&2; exit 3"
    return [caught(lambda: c.run(command, hide=hide)) for hide in (None, False, True, "both", "out", "stdout", "err", "stderr", "odd")]

@task
def warned(c, folder):
    return [caught(lambda: c.run("exit 4", warn=True)), caught(lambda: c.run("kill -9 $$", hide=True))[:2][0]]

@task
def composed(c, folder):
    seen = []
    with c.cd(folder):
        seen.append(c.cwd)
        with c.cd("a b"):
            seen.append([c.cwd, c.run("pwd", hide=True).stdout, c.run("pwd", hide=True).command])
            with c.cd("/"), c.prefix("true"), c.prefix("export X=1"):
                seen.append([c.cwd, c.run("echo $X; pwd", hide=True).stdout, c.run("pwd", hide=True).command])
            with c.cd("~"), c.cd("x"):
                seen.append(c.cwd)
    with c.cd("relative"), c.cd("more"):
        seen.append(c.cwd)
    return seen + [c.cwd]

@task
def variables(c, folder):
    result = c.run("echo $A-$B", env={"B": "2", "A": "1"}, hide=True)
    return [result.stdout, result.command, result.env]

@task
def locally(c, folder):
    with c.cd(folder):
        result = c.local("echo here; pwd; echo err >&2", hide=True)
    return told(result) + [caught(lambda: c.local("exit 5", hide=True)), invoke.run("echo $((1+2))", hide=True).stdout]

@task
def inputs(c, folder):
    return [c.run("cat", in_stream=StringIO("some\\ntext"), hide=True).stdout, c.run("echo none", in_stream=False, hide=True).stdout]

@task
def streams(c, folder):
    out, err = StringIO(), StringIO()
    result = c.run("echo out; echo err >&2", out_stream=out, err_stream=err, hide=True)
    return [out.getvalue(), err.getvalue(), list(result.hide)]

@task
def printed(c, folder):
    c.run("echo shown")
    c.run("echo echoed", echo=True)
    c.run("echo dry", dry=True)
    c.run("echo not", hide="out")
    c.run("echo neither", hide=True, echo=True)

@task
def terminals(c, folder):
    result = c.run("test -t 1 && echo terminal; exit 0", pty=True, hide=True)
    return [result.stdout.strip(), result.stderr, result.pty]

@task
def wrong(c, folder):
    return [caught(lambda: c.run("true", nonsense=1)), caught(lambda: wrong.body()) [0], caught(lambda: wrong("no context", "x"))[0]]

@task
def late(c, folder):
    return caught(lambda: c.run("echo begun; exec sleep 20", timeout=1, hide=True))

@task
def promised(c, folder):
    promises = [c.run("echo %d" % number, asynchronous=True) for number in range(3)]
    return [promise.join().stdout for promise in promises]

@task
def settings(c, folder):
    c.config.run.warn = True
    seen = [c.run("exit 3", hide=True).exited, c.config.run.warn, c.config["run"]["echo"], c.run.__name__, "sudo" in c.config,
            c.config.sudo.user, c.config.get("nothing", 5)]
    c.config.own = {"deep": {"key": 1}}
    seen += [c.config.own.deep.key, c["own"]["deep"]["key"], c.own.deep.key]
    try:
        c.absent
    except AttributeError as error:
        seen.append(str(error).splitlines()[0].partition(";")[0])
    return seen

@task
def puts(c, folder):
    source = os.path.join(folder, "source")
    with open(source, "w") as file:
        file.write("content")
    os.chmod(source, 0o640)
    seen = []
    for local, remote in ((source, folder + "/target"), (source, folder + "/sub"), (BytesIO(b"bytes"), folder + "/bytes")):
        result = c.put(local, remote)
        seen.append([result.local == local, result.orig_local == local, result.remote, result.orig_remote, result.connection is c])
    c.put(source, folder + "/unkept", preserve_mode=False)
    seen.append([oct(os.stat(folder + name).st_mode & 0o777) for name in ("/target", "/sub/source")])
    seen += [open(folder + name).read() for name in ("/target", "/sub/source", "/bytes")]
    return seen + [caught(lambda: c.put("", "x")), caught(lambda: c.put(BytesIO(b""), "")), caught(lambda: c.put(BytesIO(b""), folder))]

@task
def gets(c, folder):
    with open(folder + "/there", "w") as file:
        file.write("content")
    os.chmod(folder + "/there", 0o604)
    os.chdir(folder + "/sub")
    seen = []
    for local in (None, folder + "/got", folder + "/new/", folder + "/{port}/{basename}".replace("{port}", "p")):
        result = c.get(folder + "/there", local)
        seen.append([result.local, result.orig_local, result.remote, result.orig_remote, open(result.local).read(),
                     oct(os.stat(result.local).st_mode & 0o777)])
    kept = BytesIO()
    c.get(folder + "/there", kept)
    return seen + [kept.getvalue().decode(), caught(lambda: c.get(""))]

@task
def leaving(c, folder):
    return [[error.code, error.message] for error in (Exit(), Exit("words"), Exit("words", 5), Exit(code=2))]
'''

RUNNER = '''
import contextlib, io, json, sys
sys.path[:0] = [sys.argv[1]]
import tasks
from fabric import Config, Connection
asked = json.load(sys.stdin)
answers = {}
for name in asked["names"]:
    config = Config(overrides={"load_ssh_configs": False, "inline_ssh_env": True})
    c = Connection(asked["host"], user=asked["user"], port=asked["port"], config=config,
                   connect_kwargs={"key_filename": asked["identity"], "allow_agent": False, "look_for_keys": False})
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        value = getattr(tasks, name)(c, asked["folders"][name])
    c.close()
    answers[name] = [value, out.getvalue()]
json.dump(answers, sys.stdout)
'''

NAMES = ["results", "hidden", "warned", "composed", "variables", "locally", "inputs", "streams", "printed", "terminals",
         "wrong", "late", "promised", "settings", "puts", "gets", "leaving"]


class Differential(unittest.TestCase):
    """Each task runs in both; values and what was printed must be equal."""

    maxDiff = 3000

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="loom-fabric-")).resolve()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def folders(self):
        """One for each task, of the same name for both: what was there goes away."""
        made = {}
        for name in NAMES:
            folder = self.folder / "tasks" / name
            shutil.rmtree(folder, ignore_errors=True)
            for below in ("sub", "a b"):
                (folder / below).mkdir(parents=True)
            made[name] = str(folder)
        return made

    def oracle(self):
        (self.folder / "oracle").mkdir()
        (self.folder / "oracle" / "tasks.py").write_text(TASKS)
        with Nodes() as nodes:
            nodes.start(1, self.folder / "nodes")
            asked = {"names": NAMES, "folders": self.folders(), "host": nodes.addresses[0], "port": nodes.port, "user": nodes.user,
                     "identity": nodes.identity}
            done = subprocess.run([ORACLE, "-c", RUNNER, str(self.folder / "oracle")], input=json.dumps(asked), text=True,
                                  capture_output=True, timeout=PATIENCE * 2, check=False, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_same_tasks_come_to_the_same(self):
        wanted = self.oracle()
        folders = self.folders()
        with FakeDaemon({"tasks.py": TASKS}) as daemon:
            for name in NAMES:
                with self.subTest(task=name):
                    ended = daemon.call("tasks." + name, folders[name], cwd="")
                    self.assertEqual(ended.state, "ok", ended)
                    value, out = wanted[name]
                    self.assertEqual(ended.value, value)
                    printed = ended.out
                    self.assertEqual(sorted(printed.splitlines()), sorted(out.splitlines()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
