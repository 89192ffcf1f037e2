#!/usr/bin/env python3
"""Runs that meet, follow and make up for each other, in several processes."""
import json
import signal
import unittest

from loom_case import LoomCase, until


class RunsMeetTest(LoomCase):
    nodes_count = 2

    def job(self, name, command, targets="n1", **more):
        return f"  {name}: " + json.dumps({"command": command, "targets": targets, **more}) + "\n"

    def gate(self):
        """A command that goes on until the test opens its gate."""
        return f"echo >> {self.folder}/{{{{ node.name }}}}.here; while [ ! -e {self.folder}/open ]; do sleep 0.05; done"

    def open_gate(self):
        (self.folder / "open").touch()

    def until_here(self, node="n1", times=1):
        path = self.folder / f"{node}.here"
        until(lambda: path.exists() and len(path.read_text().splitlines()) >= times, f"{node}'s command")

    def state_of(self, job, state):
        return until(lambda: next((run for run in self.runs("--job", job) if run["state"] == state), None),
                     f"a run of {job} that is {state}")

    def test_a_command_without_a_daemon_waits_for_another(self):
        self.configure(self.job("sync", self.gate(), overlap="buffer_one"))
        first = self.start("run", "sync")
        self.until_here()
        second = self.start("run", "sync")
        waiting = self.state_of("sync", "waiting")
        self.assertEqual(waiting["counts"], {"queued": 1})
        third = self.start("run", "sync")
        replaced = self.finish(second, code=7)
        self.assertIn(f"waits for run {self.state_of('sync', 'running')['id']}", replaced.err)
        self.assertIn("takes its place (overlap: buffer_one)", replaced.err)
        self.open_gate()
        self.finish(first)
        self.finish(third)
        self.assertEqual([run["state"] for run in self.runs()], ["ok", "skipped", "ok"])

    def test_a_run_in_the_way_is_named(self):
        self.configure(self.job("sync", self.gate()))
        first = self.start("run", "sync")
        self.until_here()
        run = self.state_of("sync", "running")
        done = self.loom("run", "sync", code=7)
        self.assertIn(f'job "sync" is running already: run {run["id"]} has not ended (overlap: skip)', done.err)
        self.open_gate()
        self.finish(first)

    def test_a_busy_node_waits_while_the_others_go_ahead(self):
        self.configure(self.job("drain", self.gate(), "@*", overlap={"policy": "buffer_all", "scope": "node"}))
        first = self.start("run", "drain", "--limit", "n1")
        self.until_here("n1")
        second = self.start("run", "drain")
        self.until_here("n2")
        self.assertEqual(self.runs()[0]["counts"], {"queued": 1, "running": 1})
        self.open_gate()
        self.finish(first)
        self.finish(second)
        self.assertEqual((self.folder / "n1.here").read_text().count("\n"), 2)

    def test_the_daemon_ends_what_waits_when_it_stops(self):
        self.configure(self.job("sync", self.gate(), overlap="buffer_all"))
        daemon = self.serve()
        first = self.json("run", "sync", "--detach")
        self.until_here()
        second = self.json("run", "sync", "--detach")
        self.assertEqual(second["state"], "waiting")
        self.assertEqual(second["message"], f"waits for run {first['id']} (overlap: buffer_all)")
        daemon.stop(signal.SIGTERM)
        runs = {run["id"]: run for run in self.runs()}
        self.assertEqual(runs[first["id"]]["state"], "interrupted")
        self.assertEqual((runs[second["id"]]["state"], runs[second["id"]]["counts"]), ("interrupted", {"not_started": 1}))

    def test_what_waited_in_a_daemon_that_died_ends_at_the_next_start(self):
        self.configure(self.job("sync", self.gate(), overlap="buffer_all"))
        daemon = self.serve()
        self.loom("run", "sync", "--detach")
        self.until_here()
        self.loom("run", "sync", "--detach")
        daemon.kill()
        self.open_gate()
        self.serve()
        self.assertEqual([(run["state"], run["counts"]) for run in self.runs()],
                         [("interrupted", {"not_started": 1}), ("interrupted", {"interrupted": 1})])
        self.loom("run", "sync")

    def test_jobs_follow_a_run_also_when_the_daemon_comes_later(self):
        self.configure(self.job("backup", "exit 3") + self.job("checks", "true", after="backup") +
                       self.job("alert", "echo alarm", after={"backup": "failure"}) +
                       self.job("report", "true", after={"checks": "always", "alert": "success"}))
        self.loom("run", "backup", code=1)
        backup = self.runs()[0]
        self.assertEqual(len(self.runs()), 1)
        self.serve()
        report = self.state_of("report", "ok")
        checks, alert = self.state_of("checks", "skipped"), self.state_of("alert", "ok")
        self.assertEqual((alert["reason"], alert["upstream"]), ("after", [backup["id"]]))
        self.assertEqual(checks["message"], f'run {backup["id"]} of job "backup" ended failed (after: success)')
        self.assertEqual(report["upstream"], [checks["id"], alert["id"]])
        self.assertIn(f"follows:  {backup['id']}", self.loom("runs", "show", alert["id"]).out)
        self.assertIn("after:       checks (always), alert", self.loom("jobs", "show", "report").out)
        self.assertEqual(len(self.runs()), 4)

    def test_a_backfill_makes_up_for_instants_in_their_order(self):
        self.configure(self.job("usage", "echo day {{ run.due }}", schedule={"cron": "0 1 * * *", "tz": "UTC"}))
        span = ["backfill", "usage", "--from", "2026-01-01", "--to", "2026-01-04"]
        listed = self.json(*span, "--dry-run")["items"]
        self.assertEqual([(item["due"], item["runs"]) for item in listed],
                         [(f"2026-01-0{day}T01:00:00Z", True) for day in (1, 2, 3)])
        self.assertEqual(self.runs(), [])
        done = self.loom(*span)
        self.assertLess(done.out.index("day 2026-01-01T01:00:00Z"), done.out.index("day 2026-01-03T01:00:00Z"))
        runs = self.runs()
        self.assertEqual([run["due"] for run in runs], [f"2026-01-0{day}T01:00:00Z" for day in (3, 2, 1)])
        self.assertEqual({run["reason"] for run in runs}, {"backfill"})
        self.assertIn("--again runs it anew", self.loom(*span).err)
        self.assertIn(f"ok in run {runs[2]['id']}", self.loom(*span, "--dry-run").out)
        self.loom(*span, "--max", "2", "--again", code=2)
        self.loom(*span, "--again")
        self.assertEqual(len(self.runs()), 6)
        self.serve()
        self.loom("backfill", "usage", "--from", "2025-12-31", "--to", "2026-01-02")
        self.assertEqual(len(self.runs()), 7)

    def test_a_run_that_takes_too_long_is_noted(self):
        self.configure(self.job("slow", self.gate(), expect={"finish_within": "100ms"}))
        self.serve()
        run = self.json("run", "slow", "--detach")
        noted = until(lambda: next((one for one in self.runs() if one["note"]), None), "the note")
        self.assertEqual((noted["id"], noted["state"], noted["note"]), (run["id"], "running", "overdue: not finished within 100ms"))
        self.assertIn("overdue: not finished within 100ms", self.loom("runs").out)
        self.open_gate()
        self.state_of("slow", "ok")
        self.assertIn("note:     overdue", self.loom("runs", "show", run["id"]).out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
