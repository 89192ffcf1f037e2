#!/usr/bin/env python3
"""`loom why` and `loom simulate` beside a real daemon and its ledger."""
import unittest

from loom_case import LoomCase, until


class WhyTest(LoomCase):
    nodes_count = 1

    def configure_jobs(self):
        self.configure("  tick: {command: echo tock, targets: n1, schedule: {cron: '* * * * * *', tz: UTC}}\n"
                       "  slow: {command: sleep 30, targets: n1, schedule: {cron: '* * * * * *', tz: UTC}}\n"
                       "  deploy: {command: 'true', targets: n1}\n")

    def newest(self, job, state):
        return until(lambda: next(iter(self.json("runs", "--job", job, "--state", state)["items"]), None), f"{job}: {state}")

    def test_what_ran_and_what_did_not_is_told_with_and_without_the_daemon(self):
        self.configure_jobs()
        daemon = self.serve()
        ran, skipped = self.newest("tick", "ok"), self.newest("slow", "skipped")

        why = self.json("why", f"tick@{ran['due']}")
        self.assertEqual((why["verdict"], why["run"], why["tz"]), ("ran", ran["id"], "UTC"))
        self.assertIn("It was due at", why["because"][0])
        self.assertTrue(why["because"][1].startswith("It ended ok after"), why["because"])
        why = self.json("why", f"slow@{skipped['due']}")
        self.assertEqual((why["verdict"], why["run"]), ("skipped", skipped["id"]))
        self.assertIn("In the way was run", why["because"][1])

        self.loom("run", "deploy")
        self.assertIn("started it by hand at", self.loom("why", "deploy").out)
        self.assertEqual(self.json("why", "deploy@02:00")["verdict"], "never_ran")
        self.assertEqual(self.loom("why", "dploy", code=5).err, 'loom: there is no job "dploy" (did you mean "deploy"?)\n')

        simulated = self.json("simulate", "slow", "--days", "1", "--summary")["summary"]["jobs"][0]
        self.assertTrue(simulated["assumed"], "its run has not ended")
        simulated = self.json("simulate", "tick", "--days", "1", "--summary")["summary"]["jobs"][0]
        self.assertFalse(simulated["assumed"])

        daemon.stop()
        self.assertEqual(self.json("why", ran["id"])["verdict"], "ran")
        later = self.json("why", "tick@2190-01-01T00:00Z")
        self.assertEqual(later["verdict"], "will_run")
        self.assertIn("No daemon is running", " ".join(later["because"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
