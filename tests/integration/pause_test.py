#!/usr/bin/env python3
"""Pauses: with a daemon and without, across a reload and a restart, and what is left of them."""
import json
import time
import unittest
from datetime import datetime

from loom_case import LoomCase, until


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class PauseTest(LoomCase):
    nodes_count = 1

    def job(self, name, **more):
        return f"  {name}: " + json.dumps({"command": "true", "targets": "@*", **more}) + "\n"

    def shown(self, name):
        return self.json("jobs", "show", name)

    def test_a_pause_survives_reload_and_restart_and_leaves_one_row(self):
        self.configure(self.job("tick", schedule="* * * * * *"))
        daemon = self.serve()
        until(lambda: [run for run in self.runs() if run["state"] == "ok"], "a run")
        pause = self.json("pause", "tick", "--reason", "the disk is full")
        self.assertEqual((pause["job"], pause["by"], pause["until"]), ("tick", f"user:{self.fleet.user}", None))
        self.configure(self.job("tick", schedule="* * * * * *") + self.job("other", schedule="0 0 1 1 *"))
        until(lambda: "other" in self.loom("jobs").out, "the reload")
        self.assertEqual(self.shown("tick")["status"], "paused")
        daemon.kill()
        self.serve()
        shown = self.shown("tick")
        self.assertEqual((shown["status"], shown["pause"]["reason"], shown["next"]), ("paused", "the disk is full", None))
        self.assertIn("tick is paused", self.loom("run", "tick").err)
        until(lambda: time.time() > seconds(pause["since"]) + 3, "some instants")
        self.loom("resume", "tick")
        resumed = time.time()
        row = until(lambda: next((run for run in self.runs() if "passed over" in run["message"]), None), "the pause's row")
        self.assertEqual(row["state"], "skipped")
        self.assertIn("the disk is full", row["message"])
        until(lambda: [run for run in self.runs("--job", "tick") if run["reason"] == "cron" and run["state"] == "ok"
                       and seconds(run["due"]) > seconds(row["due"])], "the next run")
        rows = self.query("SELECT due_ms FROM runs WHERE due_ms > ? AND due_ms < ?", seconds(pause["since"]) * 1000 + 1000,
                          resumed * 1000 - 1000)
        self.assertLessEqual(len(rows), 1, "an instant of the pause has a row besides the one that sums them up")

    def test_a_pause_needs_no_daemon(self):
        self.configure(self.job("backup", schedule="0 3 * * *") + self.job("report", schedule="0 4 * * *"))
        self.assertIn('did you mean "backup"', self.loom("pause", "bakup", "--reason", "x", code=5).err)
        self.assertIn("not paused", self.loom("resume", "backup", code=7).err)
        self.loom("pause", "backup", code=2)
        self.assertIn("backup is paused until", self.loom("pause", "backup", "--reason", "moving", "--until", "2h").err)
        self.assertIn("moving", self.loom("jobs").out)
        self.loom("pause", "backup", "--reason", "moved")
        self.assertEqual(self.shown("backup")["pause"]["reason"], "moved")
        self.loom("pause", "--all", "--reason", "storm")
        self.assertEqual([job["status"] for job in self.json("jobs")["items"]], ["paused", "paused"])
        self.loom("resume", "--all")
        self.assertEqual([job["status"] for job in self.json("jobs")["items"]], ["paused", "active"])
        self.loom("resume", "backup")
        self.assertEqual(self.shown("backup")["status"], "active")


if __name__ == "__main__":
    unittest.main(verbosity=2)
