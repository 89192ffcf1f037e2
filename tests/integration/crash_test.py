#!/usr/bin/env python3
"""The daemon dies at each of its failpoints, and the next start makes everything right: nothing that was committed or told is
lost, nothing stays open, nothing runs twice. The nodes are simulated; their own log is the witness."""
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

from crash_case import TERMINAL, Life, Place, copy_template, make_template
from fleet_test import Fleet
from loom_case import LONG, LOOM, PATIENCE, ROOT, SHORT, drawn_by_lot, until

AT_ONCE = 4
"""A life waits as much as it works: commits, the second that a schedule takes."""


def failpoints():
    """As the source lists them."""
    text = (ROOT / "src/core/base/failpoint.hpp").read_text()
    table = text.split("failpoints[] = {", 1)[1].split("};", 1)[0]
    return re.findall(r'^\s*"([a-z_.]+)",', table, re.MULTILINE)


class CrashTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="loom-crash-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.identity = cls.folder / "identity"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(cls.identity)], check=True)
        cls.fleet = Fleet(cls.folder)
        cls.addClassCleanup(cls.fleet.end)
        cls.template = Place(cls.folder / "template", cls.fleet, cls.identity, 0)
        cls.addClassCleanup(cls.template.end)
        make_template(cls.template)
        cls.count, cls.lock = 0, threading.Lock()

    def place(self):
        with self.lock:
            CrashTest.count += 1
            number = self.count
        return Place(self.folder / f"life-{number}", self.fleet, self.identity, number)

    def round(self, point, hit):
        """One life that dies at the point, and the next. Returns whether it came to that; an AssertionError says what was lost."""
        place = self.place()
        try:
            if not point.startswith("migrate."):
                copy_template(self.template, place)
            before = place.committed()
            life = Life(place)
            end = life.live(f"{point}@{hit}")
            died = f"failpoint {point}\n" in place.log()
            self.assertEqual(end, -9 if died else 0, place.log())
            committed = before | place.committed()
            place.serve()
            self.check(place, life, committed)
            shutil.rmtree(place.folder, ignore_errors=True)
            return died
        finally:
            place.end()

    def check(self, place, life, committed):
        self.assertEqual(place.query("PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(committed - place.committed(), set(), "what was committed is lost")
        sound = place.check_ledger()
        self.assertEqual(sound.returncode, 0, sound.stdout + sound.stderr)
        made_up = place.query("SELECT count(*) FROM runs WHERE job = 'absent' AND reason = 'node_catch_up'")
        self.assertLessEqual(made_up[0][0], 1, "a node got the run that it is owed twice")
        own = place.executions()
        recorded = {row[0] for row in place.query("SELECT id FROM runs")}
        self.assertEqual({id for id, _ in own} - recorded, set(), "a node got a command of a run that has no row")
        executions = own + self.template.executions()
        runs = {run["id"]: run for run in (place.ask("GET", f"/runs/{row[1]}") for row in committed if row[0] == "run")}
        self.assertEqual(life.told_runs - runs.keys(), set(), "what a client was told is not there")
        for id, run in runs.items():
            self.assertNotIn(run["state"], ("waiting", "running"), run)
            self.assertEqual(sum(run["counts"].values()), run["targets"], run)
            if run["state"] in ("missed", "skipped"):
                continue
            lost = run["message"] == "Loom stopped while it was running"
            if run["job"] == "work":
                self.assertEqual(len(until(lambda id=id: self.followers(place, id), "what follows")), 1, run)
            again = place.query(f"SELECT id FROM runs WHERE retry_of = '{id}' AND reason = 'rerun'")
            self.assertEqual(len(again), 1 if lost and run["job"] == "again" else 0, f"{run}: {again}")
            for node in place.ask("GET", f"/runs/{id}/nodes")["items"]:
                ran = executions[(id, node["node"])]
                self.assertIn(node["state"], TERMINAL, node)
                self.assertEqual(node["state"], life.told_nodes.get((id, node["node"]), node["state"]), "told otherwise")
                self.assertLessEqual(ran, 1, f"{node} ran twice")
                if node["state"] == "ok":
                    self.assertEqual(ran, 1, f"{node} did not run")
                if node["state"] == "not_started":
                    self.assertEqual(ran, 0, f"{node} ran")
        self.assertEqual(len(place.query("SELECT id FROM runs WHERE job = 'boot'")), 1, "a boot is one run")

    def followers(self, place, id):
        """The runs of `then` that follow this one."""
        return [run for run in place.ask("GET", "/runs?job=then")["items"] if id in run["upstream"]]

    def rounds(self, plan):
        """Runs (point, hit) pairs some at a time; gives how often each point was reached."""
        reached = collections.Counter()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for (point, hit), done in [(each, pool.submit(self.round, *each)) for each in plan]:
                with self.subTest(point=point, hit=hit):
                    reached[point] += done.result()
        return reached

    def test_a_death_at_any_failpoint_loses_nothing(self):
        points = failpoints()
        self.assertGreater(len(points), 40)
        chance = drawn_by_lot()
        later = [2, 3, 5, 8, 13] if LONG else []
        plan = [(point, hit) for point in points for hit in [1, *later]]
        if not LONG and not SHORT:
            plan += [(point, chance.randint(2, 9)) for point in points]
        reached = self.rounds(plan)
        self.assertEqual([point for point in points if not reached[point]], [], "no life comes to these")

    def test_a_name_that_is_no_failpoint_is_refused(self):
        for text, words in (("claim.recoded", "claim.recorded"), ("claim.recorded@0", "from 1 on")):
            done = subprocess.run([LOOM, "nodeset", "a[1-2]"], capture_output=True, text=True, timeout=PATIENCE, check=False,
                                  env=dict(os.environ, LOOM_FAILPOINT=text))
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
