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


OWN = '''
import invoke
from fabric import Connection, Config, Group, SerialGroup, task
from fabric.exceptions import NetworkError
from invoke import Collection, Exit, FailingResponder, Responder, call
import fabric.tasks

@task
def before(c, who="nobody"):
    print("before", who)

@task
def twice(c):
    print("twice")

@task
def after(c):
    print("after", c.cwd)

@task(pre=[twice, call(before, who="me")], post=[after, twice], default=True, aliases=["d"], help={"x": "what"})
def chain(c, x, y=2):
    """A chain."""
    with c.cd("/within"):
        print("chain", x, y, c.cwd)
    return x * y

@invoke.task
def plain_invoke(c):
    return [type(c).__name__, c.host, c.original_host, c.user, c.port, c.is_connected, repr(c)]

@fabric.tasks.task
def by_its_other_place(c):
    return c.run("echo x", hide=True).stdout

@task
def fails(c):
    c.run("echo printed; exit 6")

@task
def leaves(c, message=None, code=None):
    raise Exit(message, code)

@task
def becomes(c):
    seen = c.sudo("echo $USER", hide=True, password="not used"), c.sudo("echo $USER", user="postgres", hide=True)
    c.config.sudo.user = "app"
    return [result.stdout for result in seen] + [c.sudo("echo $USER", hide=True).stdout, c.sudo("a", hide=True, warn=True).command]

@task
def env_and_folder(c):
    return [c.run("echo $K-$L; pwd", env={"L": "2 'q' $x"}, hide=True).stdout, c.cwd, c.run("echo $USER", hide=True).stdout]

@task
def connects(c, *args, **kwargs):
    with Connection(*args, **kwargs) as other:
        return [other == c, other.run("echo there", hide=True).stdout]

@task
def groups(c):
    SerialGroup("web1", "web2")

@task
def answers(c):
    answered = c.local("printf 'Name? '; read x; echo got $x", hide=True, watchers=[Responder("Name[?] ", "you\\n")]).stdout
    try:
        c.local("while printf 'P: '; do read x; echo wrong; done", hide=True, watchers=[FailingResponder("P: ", "x\\n", "wrong")])
    except invoke.Failure as failure:
        return [answered, type(failure.reason).__name__]

@task
def not_there(c, what):
    if what == "watchers":
        c.run("x", watchers=[Responder("a", "b")])
    if what == "disown":
        c.run("x", disown=True)
    getattr(c, what)("x")

@task
def careful(c):
    c.sudo_is_local = invoke.sudo("id")

ns = Collection("all", chain, before, inner=Collection(twice))
ns.configure({"run": {"echo": True}})

@task
def names(c):
    return [sorted(ns.tasks), ns.default, ns["inner.twice"].name, "nothing" in ns, chain.name, chain.aliases, chain.called]
'''


class OwnTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = FakeDaemon({"tasks.py": OWN})
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.greet()

    def call(self, name, *args, **kwargs):
        return self.daemon.call("tasks." + name, *args, **kwargs)

    def test_what_goes_before_and_after(self):
        ended = self.call("chain", 3, y=5, cwd="/srv")
        self.assertEqual((ended.value, ended.out), (15, "twice\nbefore me\nchain 3 5 /within\nafter /srv\n"))
        self.assertEqual(self.daemon.inspect("tasks.chain").value, {"signature": "(c, x, y=2)", "summary": "A chain."})

    def test_each_kind_of_task_gets_the_nodes_connection(self):
        self.assertEqual(self.call("plain_invoke").value, ["Connection", "127.0.0.1", "web1", "root", 22, True,
                                                           "<Connection host=web1 user=root port=22>"])
        self.assertEqual(self.call("by_its_other_place").value, "x\n")

    def test_failures_and_exits(self):
        ended = self.call("fails")
        self.assertEqual((ended.state, ended.message, ended.exit_status, ended.out),
                         ("failed", f"'cd {self.daemon.home} && echo printed; exit 6' exited with 6", 6, "printed\n"))
        self.assertIn("Exit code: 6", ended.err)
        self.assertNotIn("Traceback", ended.err)
        for arguments, state, message in ((("words", None), "failed", "words"), ((None, 4), "failed", "the task exited with status 4"),
                                          ((None, None), "ok", ""), (("fine", 0), "ok", "fine")):
            ended = self.call("leaves", *arguments)
            self.assertEqual((ended.state, ended.message), (state, message))

    def test_sudo_is_the_daemons(self):
        ended = self.call("becomes", cwd="")
        self.assertEqual(ended.value, ["root\n", "postgres\n", "app\n", "a"])
        self.assertEqual([request["sudo"]["user"] for request in ended.requests], ["root", "postgres", "app", "app"])
        self.assertIn("the worker has no password", self.call("careful").message)

    def test_the_jobs_own_env_folder_and_user_hold(self):
        home = str(self.daemon.home)
        ended = self.call("env_and_folder", cwd=home, env={"K": "1", "L": "0"}, become={"user": "app"})
        self.assertEqual(ended.value, [f"1-2 'q' $x\n{home}\n", home, "app\n"])

    def test_a_connection_to_this_node_only(self):
        for host in ("web1", "127.0.0.1", "root@web1:22"):
            self.assertEqual(self.call("connects", host, cwd="").value, [True, "there\n"])
        for arguments, more, words in ((["db1"], {}, "Connection to db1: a task speaks to its own node only"),
                                       (["web1"], {"user": "app"}, "Connection as app to port 22: Loom logs in to web1 as root"),
                                       (["web1"], {"gateway": "gate"}, "the way to a node is the daemon's")):
            self.assertIn(words, self.call("connects", *arguments, **more).message)
        self.assertIn("SerialGroup('web1', 'web2') is not there", self.call("groups").message)

    def test_watchers_answer_local_commands(self):
        self.assertEqual(self.call("answers", cwd="").value, ["Name? got you\n", "ResponseNotAccepted"])

    def test_what_is_not_there_says_so(self):
        for what, words in (("watchers", "watchers are not there on a node"), ("disown", "disown is not there"),
                            ("sftp", "Connection.sftp is not there: files come and go by put and get"),
                            ("forward_local", "Connection.forward_local is not there")):
            with self.subTest(what=what):
                ended = self.call("not_there", what)
                self.assertEqual((ended.state, ended.requests), ("failed", []))
                self.assertIn(words, ended.message)

    def test_collections_can_be_built(self):
        self.assertEqual(self.call("names").value, [["before", "chain"], "chain", "twice", False, "chain", ["d"], False])


if __name__ == "__main__":
    unittest.main(verbosity=2)
