#!/usr/bin/env python3
"""Tasks of Fabric 1, as its documentation has them, run by the worker."""
import unittest

from fake_daemon import FakeDaemon

FABFILE = '''
from __future__ import with_statement
import os
from io import BytesIO, StringIO
from fabric.api import *
from fabric.colors import green, red
from fabric.context_managers import settings
from fabric.state import output
from fabric.tasks import Task
from fabric.utils import indent, error

env.hosts = ["elsewhere"]
env.user = "nobody"
env.roledefs = {"web": ["web1", "web2"], "db": ["db1"], "here": ["root@web1:22"]}
env.mark = "module"

def facts():
    return [env.host, env.host_string, env.user, env.port, env.mark, list(env.all_hosts), env.command]

def change_env():
    env.mark = "task"
    env.roledefs["web"].append("more")
    env.shell_env["LEFT"] = "over"
    output.running = False

def see_env():
    return [env.mark, env.roledefs["web"], env.shell_env, output.running]

def result():
    ok = run("echo out; echo err >&2")
    with warn_only():
        bad = run("echo no >&2; exit 3", combine_stderr=False)
    return [ok, ok.failed, ok.succeeded, ok.return_code, ok.stderr, ok.command, ok.real_command, ok.stdout,
            bad, bad.failed, bad.succeeded, bad.return_code, bad.stderr, isinstance(ok, str), ok.split()]

def fails():
    run("exit 7")
    puts("never")

def commands():
    with cd("/tmp"):
        with cd("a b"):
            run("one")
        with prefix("source venv/bin/activate"), prefix("true"):
            run("two")
        with lcd("/var"):
            run("three $HOME `x` \\"q\\"")
    with path("/opt/bin"), path("/opt/more", behavior="append"):
        run("four")
    with path("/opt/bin", behavior="prepend"):
        run("five", shell=False)
    with shell_env(A="1", B="x y"):
        run("six")
    run("seven $X", shell_escape=False)
    run("eight", pty=True)
    sudo("nine")
    sudo("ten", user="www-data")
    with settings(sudo_user="postgres"):
        sudo("eleven", shell=False)
    sudo("twelve", user="app", group="web")
    with settings(shell="/bin/sh -c"):
        run("thirteen")
    with settings(use_shell=False, combine_stderr=False):
        run("fourteen")

def shown(what):
    with settings(hide(*what), warn_only=True):
        puts("user")
        run("echo out; echo err >&2; exit 1", combine_stderr=False)
        local("echo local")

def silent():
    return run("echo quietly; exit 4", quiet=True).return_code

def streams():
    kept = StringIO()
    run("echo kept", stdout=kept)
    return kept.getvalue()

def terminal():
    return run("test -t 1 && echo yes; echo more", pty=True)

def locally():
    with lcd(os.getcwd()), shell_env(GREETING="hello"):
        captured = local("echo $GREETING; echo err >&2", capture=True)
    shown = local("echo shown; exit 0")
    with warn_only():
        failed = local("exit 2")
    return [captured, captured.stderr, shown, failed.return_code]

def local_fails():
    local("exit 5")

def aborts():
    abort("No way.")

def aborts_as(_):
    class Own(Exception):
        pass
    with settings(abort_exception=Own):
        try:
            abort("caught")
        except Own as error:
            return str(error)

def warns():
    warn("careful")
    with settings(warn_only=True):
        error("not so bad")
    fastprint("no end")
    puts(red("r") + green("g", bold=True))
    puts(indent("a\\nb"))

def asks():
    prompt("Name?")

def asks_to_confirm():
    from fabric.contrib.console import confirm
    confirm("Sure?")

def opens_shell():
    open_shell()

def needs():
    require("mark")
    require("missing_thing", provided_by=[facts])

def other_host():
    with settings(host_string="db1"):
        run("echo never")

def other_user():
    with settings(user="postgres"):
        run("echo never")

@task
@roles("db")
def migrate():
    return "migrated"

@task
@roles("web")
def update():
    return "updated"

@hosts("web1")
def only_here():
    return "here"

@parallel(pool_size=5)
def wide():
    return "wide"

def orchestrate():
    return [execute(update), execute(only_here), execute(wide), execute("only_here"), execute(update, hosts=["web2"]),
            execute(update, roles=["here"]), execute(wide, exclude_hosts=["web1"]), execute(lambda x: x + 1, 2, role="nodegroup")]

def beyond():
    execute(migrate)

COUNT = []

@runs_once
def once():
    COUNT.append(1)
    return len(COUNT)

def calls_once():
    return [once(), once()]

@task(alias="d", default=True)
def decorated(x, y=2):
    """Decorated."""
    return x + int(y)

class Custom(Task):
    name = "custom"
    def run(self, who):
        return "hello " + who

custom = Custom()

@with_settings(warn_only=True)
def lenient():
    return run("exit 1").failed

def reboots(wait):
    reboot(wait=wait)
    return "back"

def captures_much():
    return len(local("head -c %d /dev/zero | tr '\\\\0' x" % (17 << 20), capture=True))

def times_out():
    run("sleep 5", timeout=1)
'''


class Fabric1Case(unittest.TestCase):
    files = {"fabfile.py": FABFILE}

    @classmethod
    def setUpClass(cls):
        cls.daemon = FakeDaemon(cls.files)
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.greet()

    def setUp(self):
        self.daemon.on_remote = None

    def call(self, name, *args, **kwargs):
        return self.daemon.call("fabfile." + name, *args, **kwargs)

    def value(self, name, *args, **kwargs):
        ended = self.call(name, *args, **kwargs)
        self.assertEqual(ended.state, "ok", ended)
        return ended.value

    def only_record(self):
        """Every request is a success; nothing is run."""
        self.daemon.on_remote = lambda _: {"state": "ok", "exit_status": 0, "out": "", "err": ""}


class EnvTest(Fabric1Case):
    def test_the_node_is_the_jobs_choice(self):
        self.assertEqual(self.value("facts"), ["web1", "web1", "root", "22", "module", ["web1", "web2"], "fabfile.facts"])

    def test_each_call_begins_as_the_module_left_it(self):
        fresh = ["module", ["web1", "web2"], {"FROM": "the job"}, True]
        self.assertEqual(self.value("see_env", env={"FROM": "the job"}), fresh)
        self.value("change_env")
        self.assertEqual(self.value("see_env", env={"FROM": "the job"}), fresh)

    def test_another_modules_settings_do_not_reach_it(self):
        self.daemon.write("other.py", "from fabric.api import env\nenv.mark = 'other'\nenv.extra = 1\ndef f(): return env.mark\n")
        self.assertEqual(self.daemon.call("other.f").value, "other")
        self.assertEqual(self.value("see_env")[0], "module")
        self.assertEqual(self.daemon.call("other.f").value, "other")

    def test_another_node_or_user_is_refused(self):
        self.assertEqual(self.call("other_host").message,
                         "env.host_string is 'db1': a task speaks to its own node only, which is web1")
        ended = self.call("other_user")
        self.assertIn("env.user is 'postgres', but Loom logs in to web1 as 'root'", ended.message)
        self.assertEqual(ended.requests, [])


class CommandTest(Fabric1Case):
    def test_a_result_is_a_text_that_says_how_it_went(self):
        self.assertEqual(self.value("result", cwd=""), [
            "out\nerr", False, True, 0, "", "echo out; echo err >&2", '/bin/bash -l -c "echo out; echo err >&2"', "out\nerr",
            "", True, False, 3, "no", True, ["out", "err"]])

    def test_a_failed_command_ends_the_task(self):
        ended = self.call("fails", cwd="")
        self.assertEqual((ended.state, ended.exit_status), ("failed", 7))
        self.assertEqual(ended.message, "run() received nonzero return code 7 while executing 'exit 7'")
        self.assertIn("Fatal error: run() received nonzero return code 7 while executing!\n\nRequested: exit 7\n"
                      'Executed: /bin/bash -l -c "exit 7"\n\nAborting.\n', ended.err)
        self.assertNotIn("never", ended.out)
        self.assertNotIn("Traceback", ended.err)

    def test_the_lines_that_contexts_make(self):
        self.only_record()
        ended = self.call("commands", cwd="")
        bash = '/bin/bash -l -c "%s" 2>&1'
        self.assertEqual(ended.commands, [
            bash % r"cd /tmp/a\ b >/dev/null && one",
            bash % "cd /tmp >/dev/null && source venv/bin/activate && true && two",
            bash % r"cd /tmp >/dev/null && three \$HOME \`x\` \"q\"",
            bash % r'export PATH=\$PATH:\"/opt/bin:/opt/more\" && four',
            'exec 2>&1; export PATH="/opt/bin":$PATH && five',
            bash % r'export A=\"1\" B=\"x y\" && six',
            bash % "seven $X",
            '/bin/bash -l -c "eight"',
            bash % "nine", bash % "ten", "exec 2>&1; eleven",
            "sudo -n -u app -g web -- /bin/sh -c '" + bash % "twelve" + "'",
            '/bin/sh -c "thirteen" 2>&1', "fourteen"])
        self.assertEqual([(request["sudo"] or {}).get("user") for request in ended.requests],
                         [None] * 8 + ["root", "www-data", "postgres", "root", None, None])
        self.assertEqual([request["pty"] for request in ended.requests], [False] * 7 + [True] + [False] * 6)

    def test_the_jobs_own_env_folder_and_user_hold(self):
        self.only_record()
        ended = self.call("lenient", cwd="/srv", env={"K": "v"}, become={"user": "app"})
        self.assertEqual(ended.commands, [r'/bin/bash -l -c "export K=\"v\" && cd /srv >/dev/null && exit 1" 2>&1'])
        self.assertEqual(ended.requests[0]["sudo"], {"user": "app"})

    def test_what_is_hidden(self):
        everything = self.call("shown", [])
        self.assertEqual(everything.out, "user\nrun: echo out; echo err >&2; exit 1\nout\nlocal: echo local\nlocal\n")
        self.assertIn("err\n\nWarning: run() received nonzero return code 1 while executing 'echo out;", everything.err)
        self.assertEqual(self.call("shown", ["running", "stdout"]).out, "user\n")
        self.assertEqual(self.call("shown", ["commands", "user"]).out, "")
        self.assertNotIn("err\n", self.call("shown", ["output"]).err.replace("echo err", ""))
        hidden = self.call("shown", ["everything"])
        self.assertEqual((hidden.out, hidden.err), ("", ""))
        self.assertEqual(self.call("shown", ["nonsense"]).message, "no output level is named nonsense")

    def test_quiet_streams_and_terminals(self):
        ended = self.call("silent")
        self.assertEqual((ended.value, ended.out), (4, ""))
        self.assertEqual(self.value("streams"), "kept\n")
        self.assertEqual(self.value("terminal"), "yes\nmore")
        self.assertIs(self.value("lenient"), True)

    def test_local_commands(self):
        ended = self.call("locally")
        self.assertEqual(ended.value, ["hello", "err", "", 2], ended)
        self.assertIn("shown\n", ended.out)
        ended = self.call("local_fails")
        self.assertEqual((ended.message, ended.exit_status),
                         ("local() encountered an error (return code 5) while executing 'exit 5'", 5))

    def test_a_local_command_is_kept_up_to_a_bound(self):
        self.assertIn("printed more than 16 MiB, which is not kept", self.call("captures_much").message)

    def test_what_is_missing_in_a_result_is_told(self):
        self.daemon.on_remote = lambda _: {"state": "ok", "exit_status": 0, "out": "some", "err": "", "dropped": 7}
        self.assertEqual(self.call("lenient").err, "exit 1: 7 bytes of its output are beyond what is kept\n")

    def test_reboot_waits_for_another_boot(self):
        answers = iter([{"out": "first\n"}, {}, {"state": "lost"}, {"out": "first\n"}, {"state": "failed", "exit_status": None, "message": "no route"},
                        {"out": "second\n"}])
        self.daemon.on_remote = lambda _: {"state": "ok", "exit_status": 0, "out": "", "err": "", **next(answers)}
        ended = self.call("reboots", 1)
        self.assertEqual((ended.value, len(ended.requests)), ("back", 6), ended)
        self.assertEqual(ended.requests[1]["sudo"], {"user": "root"})
        self.daemon.on_remote = lambda _: {"state": "ok", "exit_status": 0, "out": "first\n", "err": ""}
        self.assertEqual(self.call("reboots", 0.1).message, "reboot: web1 did not come back within 0.1 s")

    def test_a_timeout_is_an_exception(self):
        self.daemon.on_remote = lambda request: {"state": "timed_out", "message": "1 s passed"}
        self.assertEqual(self.call("times_out").message, "fabric.exceptions.CommandTimeout: the command did not end within 1 s")

    def test_a_lost_link_is_a_failure(self):
        self.daemon.on_remote = lambda request: {"state": "lost", "message": "the link died"}
        self.assertEqual(self.call("fails").message, "exit 7: the link died")


class WordsTest(Fabric1Case):
    def test_abort_and_warn(self):
        ended = self.call("aborts")
        self.assertEqual((ended.state, ended.message, ended.err), ("failed", "No way.", "\nFatal error: No way.\n\nAborting.\n"))
        self.assertEqual(self.value("aborts_as", 1), "caught")
        ended = self.call("warns")
        self.assertEqual(ended.err, "\nWarning: careful\n\n\nWarning: not so bad\n\n")
        self.assertEqual(ended.out, "no end\033[31mr\033[0m\033[1;32mg\033[0m\n    a\n    b\n")

    def test_questions_are_refused(self):
        self.assertEqual(self.call("asks").message, "prompt is refused, since nobody is there to answer: Name?")
        self.assertEqual(self.call("asks_to_confirm").message, "confirm is refused, since nobody is there to answer: Sure?")
        self.assertEqual(self.call("opens_shell").message, "open_shell is refused: nobody sits at a terminal")
        self.assertEqual(self.call("needs").message, "the command fabfile.needs needs env.missing_thing; provided by facts")


class TaskTest(Fabric1Case):
    def test_decorated_tasks_and_classes(self):
        self.assertEqual(self.value("decorated", 1, y="3"), 4)
        self.assertEqual(self.value("custom", "you"), "hello you")
        self.assertEqual(self.daemon.inspect("fabfile.decorated").value, {"signature": "(x, y=2)", "summary": "Decorated."})
        self.assertEqual(self.daemon.inspect("fabfile.custom").value["signature"], "(who)")
        self.assertEqual(self.value("migrate"), "migrated")  # The job says where, not the decorator.

    def test_execute_runs_on_this_node_where_it_is_wanted(self):
        self.assertEqual(self.value("orchestrate", node={"groups": ["nodegroup"]}), [
            {"web1": "updated"}, {"web1": "here"}, {"web1": "wide"}, {"web1": "here"}, {}, {"web1": "updated"}, {}, {"web1": 3}])

    def test_execute_beyond_the_runs_targets_is_refused_by_name(self):
        self.assertEqual(self.call("beyond").message, "execute(migrate): db1 is no target of this run, which has web1, web2")
        self.assertEqual(self.value("beyond", targets=["web1", "db1"]), None)

    def test_runs_once_is_for_the_runs_first_target(self):
        self.assertEqual(self.value("calls_once"), [1, 1])
        ended = self.call("calls_once", targets=["db1", "web1"])
        self.assertEqual((ended.value, ended.out), ([None, None], "once runs once, for db1\n" * 2))
        self.assertEqual(self.value("calls_once"), [2, 2])  # Another call is another run of it.

    def test_importing_is_cheap_enough_to_be_lazy(self):
        self.daemon.write("light.py", "import sys\nfrom fabric.api import run\n"
                          "def f(): return [name for name in ('asyncio', 'invoke', 'tarfile', 'hashlib') if name in sys.modules]\n")
        with FakeDaemon(paths=[self.daemon.plugin]) as daemon:
            self.assertEqual(daemon.call("light.f").value, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
