#!/usr/bin/env python3
"""loom put and loom get, and the tasks of the same name, against real servers."""
import os
import resource
import unittest

from loom_case import LONG, LoomCase

MEMORY_BYTES = 200 << 20
"""What a process may take for files of any size: a sanitizer's own is not counted by this test."""


class Files(LoomCase):
    def setUp(self):
        super().setUp()
        self.there = self.folder / "there"
        self.there.mkdir()

    def test_a_file_goes_to_every_node_and_comes_back_below_their_names(self):
        self.configure()
        source = self.folder / "a file"
        source.write_bytes(os.urandom(300_000))
        # The nodes share one disk, so each gets a name of its own.
        where = f"{self.there}/{{{{ node.name }}}}"
        put = self.json("put", "n[1-3]", "a file", where, "--mode", "0640")
        self.assertEqual(put["run"]["counts"], {"changed": 3})
        self.assertEqual(put["run"]["task"], f"put {source} → {where}")
        for node in ("n1", "n2", "n3"):
            self.assertEqual((self.there / node).read_bytes(), source.read_bytes())
            self.assertEqual((self.there / node).stat().st_mode & 0o7777, 0o640)
        again = self.json("put", "n[1-3]", "a file", where, "--mode", "0640")
        self.assertEqual(again["run"]["counts"], {"ok": 3})

        shown = self.loom("get", "n[1-3]", self.there / "n1", "--to", "logs")
        self.assertIn(f"get {self.there}/n1 (293.0 KiB)", shown.out)
        for node in ("n1", "n2", "n3"):
            self.assertEqual((self.folder / "logs" / node / "n1").read_bytes(), source.read_bytes())
        self.assertEqual([run["reason"] for run in self.runs()], ["exec"] * 3)

    def test_wrong_requests_are_refused_before_any_node_is_asked(self):
        self.configure()
        self.assertIn("there is no", self.loom("put", "n1", "none", "/tmp/x", code=5).err)
        (self.folder / "a").write_text("x")
        self.assertIn("mode: expected octal permissions such as 0644", self.loom("put", "n1", "a", "/tmp/x", "--mode", "9", code=2).err)
        self.assertIn("PATHS", self.loom("put", "n1", "a", code=2).err)
        planned = self.json("put", "n1", "a", "/tmp/x", "--dry-run")
        self.assertEqual((planned["targets"], planned["task"]), ("n1", f"put {self.folder}/a → /tmp/x"))
        self.assertEqual(self.runs(), [])

    def test_any_host_is_a_target_without_a_configuration(self):
        self.config = None
        (self.folder / "a").write_text("x")
        login = ["--port", self.fleet.port, "--user", self.fleet.user, "--identity", self.fleet.identity]
        self.loom("put", self.fleet.addresses[0], "a", self.there / "a", *login)
        self.assertEqual((self.there / "a").read_text(), "x")

    def test_jobs_put_and_get(self):
        (self.folder / "a").write_text("x")
        self.configure(jobs=f"""
  bring: {{task: fabric.api.put, args: ["{self.folder}/a", "{self.there}/{{{{ node.name }}}}"], kwargs: {{mode: 0600}}, targets: n1}}
  fetch: {{task: fabric.api.get, args: ["{self.there}/n1", "{self.folder}/got"], targets: n2}}
  wrong: {{task: fabric.api.put, args: [a, b], targets: n1}}
""")
        self.serve()
        self.assertEqual(self.json("run", "bring")["run"]["state"], "ok")
        self.assertEqual((self.there / "n1").stat().st_mode & 0o7777, 0o600)
        self.loom("run", "fetch")
        self.assertEqual((self.folder / "got" / "n2" / "n1").read_text(), "x")
        wrong = self.json("jobs", "show", "wrong")
        self.assertIn('local_path: expected a path of Loom\'s own host, from / or ~/, not "a"', wrong["message"])

    def test_a_failure_says_which_file_and_why(self):
        self.configure()
        failed = self.json("get", "n1", self.there / "none", code=1)
        self.assertEqual(failed["groups"][0]["message"], f"{self.there}/none: no such file or folder")

    @unittest.skipUnless(LONG, "LOOM_TEST_LONG=1 moves 3 GiB")
    def test_a_gigabyte_takes_no_more_memory_than_a_small_file(self):
        self.configure()
        source = self.folder / "large"
        with open(source, "wb") as file:
            for _ in range(1024):
                file.write(os.urandom(1 << 20))
        self.loom("put", "n1", source, self.there / "large", seconds=600)
        self.loom("get", "n1", self.there / "large", "--to", "got", seconds=600)
        self.loom("exec", "n1", "--", f"cat {source}", seconds=600)
        kept = self.loom("logs", self.runs()[0]["id"], "n1")
        self.assertIn(f"({1023 << 20} more bytes of stdout were not kept)", kept.err)
        self.assertLess(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10, MEMORY_BYTES)
        for copy in (self.there / "large", self.folder / "got" / "n1" / "large"):
            with open(source, "rb") as one, open(copy, "rb") as other:
                while True:
                    block = one.read(1 << 20)
                    self.assertEqual(block, other.read(1 << 20))
                    if not block:
                        break


if __name__ == "__main__":
    unittest.main(verbosity=2)
