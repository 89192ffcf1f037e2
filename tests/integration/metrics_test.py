#!/usr/bin/env python3
"""Metrics: what the real daemon exports, judged by promtool, and by the dashboard and the alerts that are shipped."""
import json
import re
import shutil
import subprocess
import unittest

from loom_case import PATIENCE, ROOT, LoomCase, until

NAME = re.compile(r"\b(?:loom|process)_[a-z0-9_]+")


def families(page):
    """Name -> type."""
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))


def series_names(page):
    """As queries name them: a histogram's with their suffixes."""
    return {re.match(r"[a-z0-9_]+", line)[0] for line in page.splitlines() if line and not line.startswith("#")}


def value(page, series):
    for line in page.splitlines():
        if line.startswith(series + " "):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no {series} in\n{page}")


class MetricsTest(LoomCase):
    nodes_count = 2

    def scrape(self):
        done = subprocess.run(["curl", "-sSi", "--unix-socket", str(self.socket), "http://loom/metrics"], capture_output=True, text=True,
                              timeout=PATIENCE, check=True)
        head, _, page = done.stdout.partition("\n\n")  # text mode reads \r\n so
        self.assertIn("200 OK", head)
        self.assertIn("text/plain; version=0.0.4", head)
        return page

    def lived(self):
        """A page of a daemon in which everything has happened that has a metric."""
        nodes = self.nodes_yaml() + self.node_yaml("away", "127.0.0.1", port=1)
        jobs = ('  tick: {command: "true", targets: n1, schedule: "* * * * * *"}\n'
                '  bad: {command: "exit 3", targets: "n1,away", retry: {connect: 1}}\n'
                '  hooked: {command: "true", targets: n1}\n')
        self.configure(jobs, nodes=nodes, settings=(
            "hooks: {push: {job: hooked, verify: bearer, secret: s3cret}}\n"
            "notify: {nobody: {webhook: {url: 'http://127.0.0.1:1/', allow_private: true}, jobs: bad}}\n"))
        self.socket = self.serve().socket()
        self.loom("run", "bad", code=1)
        subprocess.run(["curl", "-sS", "--unix-socket", str(self.socket), "-H", "Authorization: Bearer s3cret", "-d", "", "http://loom/hooks/push"],
                       capture_output=True, timeout=PATIENCE, check=True)
        until(lambda: any(run["job"] == "tick" and run["state"] == "ok" for run in self.runs()), "a run by schedule")
        return until(lambda: (page := self.scrape()) if 'loom_notifications_total{rule="nobody",outcome="failed"}' in self.scrape() else None, "a try to tell")

    def test_what_has_happened_is_counted(self):
        page = self.lived()
        self.assertEqual(value(page, 'loom_runs_total{state="failed"}'), 1)
        self.assertGreaterEqual(value(page, 'loom_runs_total{state="ok"}'), 1)
        self.assertEqual(value(page, 'loom_targets_total{state="failed",cause=""}'), 1)
        self.assertEqual(value(page, 'loom_targets_total{state="unreachable",cause="refused"}'), 1)
        self.assertEqual(value(page, 'loom_connects_total{result="refused"}'), 1)
        self.assertGreaterEqual(value(page, 'loom_connects_total{result="ok"}'), 2)
        self.assertEqual(value(page, 'loom_job_failures_in_a_row{job="bad"}'), 1)
        self.assertEqual(value(page, 'loom_hook_deliveries_total{hook="push",outcome="started"}'), 1)
        self.assertEqual(value(page, "loom_notifications_waiting"), 1)
        self.assertGreater(value(page, "loom_schedule_lag_seconds_count"), 0)
        self.assertGreater(value(page, "loom_store_commits_total"), 0)
        self.assertGreater(value(page, "loom_sessions_kept"), 0)
        self.assertEqual(value(page, "loom_config_last_reload_successful"), 1)
        self.assertEqual(value(page, "loom_config_jobs"), 3)
        self.assertGreater(value(page, "process_resident_memory_bytes"), 1e6)
        self.write("loom.yaml", "nodesfile: [broken\n")
        until(lambda: value(self.scrape(), "loom_config_last_reload_successful") == 0, "the reload that fails")

    @unittest.skipUnless(shutil.which("promtool"), "promtool comes with Debian's prometheus")
    def test_promtool_finds_nothing_wrong(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=self.lived(), capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        alerts = ROOT / "share" / "prometheus" / "alerts.yaml"
        done = subprocess.run(["promtool", "check", "rules", str(alerts)], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_dashboard_and_the_alerts_name_what_is_exported(self):
        # What a job has after its first success alone is named by its family.
        known = series_names(self.lived()) | {"loom_job_last_success_timestamp_seconds"}
        dashboard = json.loads((ROOT / "share" / "grafana" / "loom.json").read_text())
        queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
        self.assertGreater(len(queries), 10)
        alerts = (ROOT / "share" / "prometheus" / "alerts.yaml").read_text()
        for text in [*queries, *re.findall(r"expr: (.*)", alerts)]:
            with self.subTest(text=text):
                self.assertTrue(NAME.findall(text), "it names no metric")
                self.assertEqual(set(NAME.findall(text)) - known, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
