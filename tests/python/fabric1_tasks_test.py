#!/usr/bin/env python3
"""Fabric 1's decorators, Task classes and execute: where a task runs, and where not."""
import unittest

from fabric1_case import Fabric1Case
from fake_daemon import FakeDaemon


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

    def test_what_fabfiles_take_from_connections(self):
        self.daemon.write("net.py", "from fabric.api import *\nfrom fabric import *\nfrom fabric.state import *\nfrom fabric.colors import *\n"
                          "from fabric.network import *\nfrom fabric.contrib import django\n"
                          "@task\ndef f():\n    disconnect_all()\n    django.project('site')\n"
                          "    return [normalize(host) for host in ('web1', 'me@web1:23', 'me@[::1]:23', '::1')] + "
                          "[join_host_strings('me', '::1', 23), denormalize('root@web1:22'), denormalize('me@web1:23')]\n")
        self.assertEqual(self.daemon.call("net.f").value, [
            ["root", "web1", "22"], ["me", "web1", "23"], ["me", "::1", "23"], ["root", "::1", "22"], "me@[::1]:23", "web1", "me@web1:23"])

    def test_importing_is_cheap_enough_to_be_lazy(self):
        self.daemon.write("light.py", "import sys\nfrom fabric.api import run\n"
                          "def f(): return [name for name in ('asyncio', 'invoke', 'tarfile', 'hashlib') if name in sys.modules]\n")
        with FakeDaemon(paths=[self.daemon.plugin]) as daemon:
            self.assertEqual(daemon.call("light.f").value, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
