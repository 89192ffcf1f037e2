#!/usr/bin/env python3
"""What an operator does: retention, `loom db`, the daemon's log, draining and stopping."""
import json
import shutil
import signal
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

if __name__ == "__main__":
    unittest.main(verbosity=2)
