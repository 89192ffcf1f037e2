"""A fabfile, and what the tests of Fabric 1 share."""
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
