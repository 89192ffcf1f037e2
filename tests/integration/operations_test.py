#!/usr/bin/env python3
"""What an operator does: retention, `loom db`, the daemon's log, draining and stopping."""
import contextlib
import json
import shutil
import signal
import sqlite3
import unittest

from loom_case import LoomCase, until


class OperationsTest(LoomCase):
    nodes_count = 1

    def job(self, name, command, **more):
        return f"  {name}: " + json.dumps({"command": command, "targets": "n1", **more}) + "\n"

    def waiting(self):
        """A command that begins, and ends once the file `go` is there."""
        return f"touch {self.folder}/begun; until [ -e {self.folder}/go ]; do sleep 0.05; done; echo went"

    def until_begun(self):
        until(lambda: (self.folder / "begun").exists(), "the command's beginning")

    def newest(self):
        return self.runs()[0]

    # Retention and the history's files.

    def test_a_daemon_removes_at_its_start_what_is_beyond_retention(self):
        self.configure(self.job("hello", "echo hello"))
        for _ in range(4):
            self.loom("run", "hello")
        kept = [run["id"] for run in self.runs()][:2]
        self.configure(self.job("hello", "echo hello"), settings="retention: {runs: 2}")
        daemon = self.serve()
        until(lambda: len(self.runs()) == 2, "the prune")
        self.assertEqual([run["id"] for run in self.runs()], kept)
        until(lambda: "store: 2 runs beyond retention removed" in daemon.log(), "the prune in the log")
        self.assertIn("hello", self.loom("logs", "last").out)
        self.assertIn("2 runs, 2 outputs (12 B), all sound", self.loom("db", "check").out)

    def test_prune_counts_first_and_then_removes_beside_a_daemon(self):
        self.configure(self.job("one", "echo one", retention={"runs": 1}) + self.job("two", "echo two"))
        self.serve()
        for _ in range(3):
            self.loom("run", "one")
            self.loom("run", "two")
        self.assertIn("Would remove 2 runs, with the results of 2 nodes.", self.loom("db", "prune", "--dry-run").err)
        self.assertEqual(len(self.runs()), 6)
        self.assertIn("Removed 2 runs", self.loom("db", "prune").err)
        self.assertEqual(sorted(run["job"] for run in self.runs()), ["one", "two", "two", "two"])
        pruned = self.json("db", "prune", "--job", "two", "--older-than", "1ms")
        self.assertEqual((pruned["runs"], pruned["dry_run"]), (2, False))
        self.assertEqual(sorted(run["job"] for run in self.runs()), ["one", "two"])
        self.assertIn('there is no job "tow" (did you mean "two"?)', self.loom("db", "prune", "--job", "tow", code=5).err)
        self.assertIn("--older-than", self.loom("db", "prune", "--older-than", "soon", code=2).err)
        self.loom("run", "two")
        self.loom("db", "check")

    def test_a_backup_of_a_working_daemon_is_restored(self):
        self.configure(self.job("hello", "echo hello") + self.job("long", self.waiting()))
        daemon = self.serve()
        self.loom("run", "hello")
        self.loom("run", "long", "--detach")
        self.until_begun()
        copy = self.folder / "copy"
        self.assertIn("2 runs", self.loom("db", "backup", copy).err)
        self.assertIn("is there already", self.loom("db", "backup", copy, code=7).err)
        self.assertIn("all sound", self.loom("db", "check", copy).out)
        (self.folder / "go").touch()
        until(lambda: self.newest()["state"] == "ok", "the run's end")
        self.loom("run", "hello")
        self.assertEqual(daemon.stop(), 0, daemon.log())
        shutil.rmtree(self.folder / "state")
        copy.rename(self.folder / "state")
        self.serve()
        states = [(run["job"], run["state"]) for run in self.runs()]
        self.assertEqual(states, [("long", "interrupted"), ("hello", "ok")])
        self.assertIn("hello", self.loom("logs", self.runs()[1]["id"]).out)
        self.loom("run", "hello")
        self.loom("db", "check")

    def test_a_check_says_what_is_wrong(self):
        self.configure(self.job("hello", "echo hello"))
        self.loom("run", "hello")
        with contextlib.closing(sqlite3.connect(self.folder / "state/loom.db")) as ledger, ledger:
            ledger.execute("UPDATE progress SET texts = CAST('HELLO' || char(10) AS BLOB) WHERE length(texts) > 0")
        done = self.loom("db", "check", code=1)
        self.assertRegex(done.out, "run [0-9a-f-]{36}, row [0-9]+ of its progress: other bytes than those that were written")
        self.assertIn("1 run, 1 output (6 B), 1 fault", done.out)
        self.assertEqual(self.loom("db", "check", "-o", "json", code=1).json()["fault_count"], 1)
        self.loom("db", "check", self.folder / "none", code=5)

    # The daemon's log.

    def test_levels_change_with_a_reload(self):
        self.configure(self.job("long", self.waiting()), settings="")
        daemon = self.serve()
        run = self.json("run", "long", "--detach")["id"]
        self.until_begun()
        self.loom("cancel", run)
        until(lambda: "info run: cancelled by user:" in daemon.log(), "the line")
        until(lambda: self.newest()["state"] == "cancelled", "the end")
        self.assertIn(f" run={run} job=long", daemon.log())
        self.write("loom.yaml", self.config.read_text().replace("log: {format: text}", "log: {format: text, levels: {run: error}}"))
        self.loom("reload")
        (self.folder / "begun").unlink()
        quiet = self.json("run", "long", "--detach")["id"]
        self.until_begun()
        self.loom("cancel", quiet)
        until(lambda: self.newest()["state"] == "cancelled", "the end")
        self.assertEqual(daemon.stop(), 0)
        self.assertNotIn(quiet, daemon.log())

    def test_lines_are_json_where_nobody_watches(self):
        self.configure(self.job("hello", "echo hello"))
        self.write("loom.yaml", self.config.read_text().replace("log: {format: text}\n", ""))
        daemon = self.serve()
        self.assertEqual(daemon.stop(), 0)
        lines = [json.loads(line) for line in daemon.log().splitlines()]
        self.assertEqual((lines[-1]["level"], lines[-1]["subsystem"], lines[-1]["message"]), ("info", "daemon", "ended"))

    # Draining and stopping.

    def test_a_drain_lets_runs_end_and_begins_nothing_new(self):
        self.configure(self.job("long", self.waiting()) + self.job("tick", "true", schedule="* * * * * *"))
        daemon = self.serve()
        self.loom("run", "long", "--detach")
        self.until_begun()
        until(lambda: self.runs("--job", "tick", "--state", "ok"), "a tick")
        self.loom("drain")
        refused = self.loom("run", "long", code=7).err
        self.assertIn("Loom is draining, by user:", refused)
        self.assertIn("loom drain --undo", refused)
        for command in (("jobs",), ("runs",), ("next",), ("why", "tick")):
            self.assertIn("The daemon is draining, by user:", self.loom(*command).err)
        self.assertRegex(self.loom("doctor").out, "; draining, by user:.*: nothing new starts")
        until(lambda: not self.runs("--job", "tick", "--state", "running"), "the last tick's end")
        ticks = len(self.runs("--job", "tick"))
        (self.folder / "go").touch()
        until(lambda: self.runs("--job", "long")[0]["state"] == "ok", "the run's end")
        self.loom("reload")
        self.assertEqual(len(self.runs("--job", "tick")), ticks, "an instant fired")
        self.loom("drain", "--undo")
        until(lambda: len(self.runs("--job", "tick")) > ticks, "the next tick")
        self.assertNotIn("draining", self.loom("jobs").err)
        dues = [run["due"] for run in self.runs("--job", "tick")]
        self.assertEqual(len(dues), len(set(dues)), "one instant ran twice")
        self.assertEqual(daemon.stop(), 0, daemon.log())

    def test_a_stop_lets_runs_end_by_themselves(self):
        self.configure(self.job("long", self.waiting()))
        self.write("loom.yaml", self.config.read_text().replace("{drain: off}", "{drain: 100s}"))
        daemon = self.serve()
        self.loom("run", "long", "--detach")
        self.until_begun()
        daemon.process.send_signal(signal.SIGTERM)
        until(lambda: "nothing new begins, what runs has 1m40s to end" in daemon.log(), "the signal in the log")
        for refused in (("run", "long"), ("drain", "--undo")):
            self.assertIn("Loom is shutting down", self.loom(*refused, code=7).err)
        (self.folder / "go").touch()
        self.assertEqual(daemon.process.wait(120), 0, daemon.log())
        self.assertEqual(self.newest()["state"], "ok")

    def test_who_waits_for_a_run_is_told_its_end_though_the_daemon_stops(self):
        for drain, code, state in (("100s", 0, "ok"), ("off", 130, "interrupted")):
            with self.subTest(drain=drain):
                for name in ("begun", "go"):
                    (self.folder / name).unlink(missing_ok=True)
                self.configure(self.job("long", self.waiting()))
                self.write("loom.yaml", self.config.read_text().replace("{drain: off}", f"{{drain: {drain}}}"))
                daemon = self.serve()
                waiting = self.start("run", "long")
                self.until_begun()
                following = self.start("logs", "-f", "last", "-o", "json")
                self.assertIn(b"snapshot", following.stdout.readline())
                daemon.process.send_signal(signal.SIGTERM)
                if code == 0:
                    until(lambda: "nothing new begins" in daemon.log(), "the signal in the log")
                    (self.folder / "go").touch()
                done = self.finish(waiting, code)
                self.assertIn(f"1 {state} of 1", done.err)
                self.assertEqual("went" in done.out, code == 0)
                self.assertIn("run.finished", self.finish(following).out.splitlines()[-1])
                self.assertEqual(daemon.process.wait(120), 0, daemon.log())

    def test_a_second_signal_and_the_end_of_the_time_end_what_runs(self):
        for drain, signals in (("100s", 2), ("100ms", 1)):
            with self.subTest(drain=drain):
                (self.folder / "begun").unlink(missing_ok=True)
                self.configure(self.job("long", self.waiting()))
                self.write("loom.yaml", self.config.read_text().replace("{drain: off}", f"{{drain: {drain}}}"))
                daemon = self.serve()
                self.loom("run", "long", "--detach")
                self.until_begun()
                daemon.process.send_signal(signal.SIGTERM)
                until(lambda: "nothing new begins" in daemon.log(), "the first signal in the log")
                if signals == 2:
                    daemon.process.send_signal(signal.SIGTERM)
                self.assertEqual(daemon.process.wait(120), 0, daemon.log())
                run = self.newest()
                self.assertEqual((run["state"], run["counts"]), ("interrupted", {"interrupted": 1}))


if __name__ == "__main__":
    unittest.main(verbosity=2)
