#!/usr/bin/env python3
"""Tasks of Fabric 2 and Invoke as Loom calls them: what goes before and after, sudo, and what is refused."""
import unittest

from fake_daemon import FakeDaemon

TASKS = '''
import invoke
from fabric import Connection, Config, Group, SerialGroup, task
from fabric.exceptions import NetworkError
from invoke import Collection, Exit, FailingResponder, Responder, call
import fabric.tasks

elsewhere = Connection("db1", user="somebody", connect_kwargs={"key_filename": "x"})

@task
def turns(c, what):
    c.connect_kwargs.password = "not used"
    if what == "user":
        c.user = "iuser"
        c.run("id")
    elsewhere.put("x", "y")

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


class Fabric2Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = FakeDaemon({"tasks.py": TASKS})
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
        self.assertIn("Connection as iuser to port 22", self.call("turns", "user").message)
        self.assertIn("Connection to db1: a task speaks to its own node only", self.call("turns", "node").message)
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
