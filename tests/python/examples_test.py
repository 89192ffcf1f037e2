#!/usr/bin/env python3
"""The tasks of examples/fabric_tasks, as they stand there, and what public fabfiles are used to doing."""
import unittest

from fake_daemon import ROOT, FakeDaemon

TASKS = ROOT / "examples" / "fabric_tasks" / "tasks"

IDIOMS = '''
"""What fabfiles do, in one place."""
from __future__ import print_function, with_statement

import os, sys, time
from contextlib import contextmanager
from fabric.api import *
from fabric.api import env, run, sudo, local, settings
from fabric.colors import red, green, yellow
from fabric.context_managers import cd, prefix, settings, hide, quiet
from fabric.contrib import console, files, project
from fabric.contrib.files import exists, append, contains, sed, upload_template
from fabric.decorators import hosts, roles, runs_once, task
from fabric.operations import put, get, require
from fabric.state import output
from fabric.tasks import Task, execute
from fabric.utils import abort, puts, warn, fastprint
import fabric.api as fab

env.user = "deploy"
env.forward_agent = True
env.key_filename = ["~/.ssh/id_rsa"]
env.roledefs.update({"app": ["web1"], "db": ["web2"]})
env.project_root = os.path.expanduser("~/project")
output["running"] = False

@contextmanager
def virtualenv():
    with cd(env.project_root), prefix("export VENV=on"):
        yield

def production():
    env.hosts = ["web1", "web2"]
    env.branch = "main"

def setup():
    require("project_root", provided_by=[production])
    run("mkdir -p %(project_root)s" % env)
    with cd(env.project_root):
        if run("test -d .git", warn_only=True).failed:
            run("mkdir .git")
        if not exists(".git/HEAD"):
            append(".git/HEAD", "ref")

@task
def deploy(branch="main"):
    """Deploys."""
    production()
    setup()
    with virtualenv():
        run("echo $VENV > state")
        result = run("cat state")
        if result != "on":
            abort("not on")
        with settings(hide("warnings", "running", "stdout", "stderr"), warn_only=True):
            missing = run("cat nothing")
        if missing.failed and missing.return_code == 1:
            print(yellow("nothing there"))
    execute(migrate)
    execute(restart, "app")
    with quiet():
        have = run("which sh")
    return have.succeeded and not have.failed

@roles("db")
def migrate():
    run("echo migrated >> migrations")

@roles("app")
def restart(name):
    sudo("echo restarted %s >> restarts" % name, user="root")

@runs_once
@task
def notify():
    local("echo notified")

class Backup(Task):
    """Backs up."""
    name = "backup"
    def run(self, what="all"):
        with lcd("/tmp"):
            local("pwd")
        return what

backup = Backup()

def hosts_file():
    for line in ["10.0.0.1 a", "10.0.0.2 b"]:
        append("hosts", line, use_sudo=True)
    append("hosts", ["10.0.0.1 a", "10.0.0.3 c"], use_sudo=True)
    sed("hosts", "10.0.0.2", "10.9.9.9", use_sudo=True)
    return fab.run("cat hosts").splitlines()
'''


class ExamplesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = FakeDaemon(paths=[TASKS])
        cls.addClassCleanup(cls.daemon.close)
        cls.daemon.greet()

    def test_a_release_and_the_way_back(self):
        root = self.daemon.home / "app"
        for version in ("1", "2", "3", "4"):
            ended = self.daemon.call("deploy.release", version=version, root=str(root))
            self.assertEqual(ended.state, "ok", ended)
            self.assertTrue(ended.out.endswith(f"\033[32mweb1 serves {version}\033[0m\n"), ended)
            self.assertEqual((root / "current" / "VERSION").read_text(), f"release = {version}\n")
        self.assertEqual(len(list((root / "releases").iterdir())), 3)
        self.assertEqual((root / "current" / "site.conf").read_text(), "server_name web1;\n# 4\n")
        self.assertEqual((root / "current" / "settings").read_text(), "debug = no\nworkers = 4\n")
        self.assertEqual((root / "current" / "run.sh").stat().st_mode & 0o777, 0o750)
        self.daemon.call("deploy.rollback", root=str(root))
        self.assertEqual((root / "current" / "VERSION").read_text(), "release = 3\n")
        self.daemon.call("deploy.rollback", root=str(root))
        ended = self.daemon.call("deploy.rollback", root=str(root))
        self.assertEqual((ended.state, ended.message), ("failed", "There is no release to go back to."))

    def test_health(self):
        ended = self.daemon.call("health.disk", limit=100)
        self.assertEqual((ended.state, ended.value["path"]), ("ok", "/"), ended)
        self.assertIn("/ is ", ended.out)
        ended = self.daemon.call("health.disk", limit=-1)
        self.assertEqual((ended.state, ended.exit_status), ("failed", 3), ended)
        self.assertRegex(ended.message, r"^/ is \d+% full, more than -1%$")

    def test_a_report_and_a_task_that_knows_check(self):
        ended = self.daemon.call("report.collect", ["echo one", "false"])
        self.assertEqual(ended.value, {"node": "web1", "answers": {"echo one": "one", "false": None}})
        self.assertEqual(ended.progress[-1], ("2 of 2", 1.0))
        file = self.daemon.home / "motd"
        states = [self.daemon.call("report.greeting", "motd", "Hello", check=check).state for check in (True, False, False, True)]
        self.assertEqual((states, file.read_text()), (["changed", "changed", "ok", "ok"], "Hello\n"))

    def test_every_task_of_the_jobs_can_be_inspected(self):
        for task in ("deploy.release", "deploy.rollback", "health.disk", "report.collect", "report.greeting"):
            found = self.daemon.inspect(task)
            self.assertTrue(found.state == "ok" and found.value["summary"], (task, found))


class IdiomsTest(unittest.TestCase):
    def test_what_fabfiles_do(self):
        with FakeDaemon({"fabfile.py": IDIOMS}) as daemon:
            project = daemon.home / "project"
            source = (daemon.plugin / "fabfile.py").read_text().replace('os.path.expanduser("~/project")', repr(str(project)))
            daemon.write("fabfile.py", source)
            ended = daemon.call("fabfile.deploy")
            self.assertEqual((ended.state, ended.value), ("ok", True), ended)
            self.assertIn("nothing there", ended.out)
            self.assertEqual((daemon.home / "restarts").read_text(), "restarted app\n")
            self.assertFalse((daemon.home / "migrations").exists())
            daemon.call("fabfile.deploy", node={"name": "web2"})
            self.assertEqual((daemon.home / "migrations").read_text(), "migrated\n")
            self.assertEqual(daemon.call("fabfile.notify").out, "notified\n")
            self.assertEqual(daemon.call("fabfile.notify", targets=["web0", "web1"]).out, "")
            ended = daemon.call("fabfile.backup", what="db")
            self.assertEqual((ended.value, ended.out), ("db", "/tmp\n"))
            self.assertEqual(daemon.call("fabfile.hosts_file").value, ["10.0.0.1 a", "10.9.9.9 b", "10.0.0.3 c"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
