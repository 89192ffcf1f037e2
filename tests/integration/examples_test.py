#!/usr/bin/env python3
"""Every example is a configuration that checks well, and the README's blocks are."""
import json
import re
import shutil
import unittest

from loom_case import ROOT, LoomCase


class ExamplesTest(LoomCase):
    nodes_count = 1

    def test_each_example_checks_well(self):
        examples = sorted(path.parent for path in (ROOT / "examples").rglob("loom.yaml"))
        self.assertTrue(examples)
        for example in examples:
            with self.subTest(example=example.name):
                copy = self.folder / example.name
                shutil.copytree(example, copy)
                template = copy / "nodes.yaml.in"
                if template.exists():
                    text = template.read_text()
                    for name, value in (("PORT", self.fleet.port), ("USER", self.fleet.user), ("IDENTITY", self.fleet.identity)):
                        text = text.replace(f"@{name}@", str(value))
                    (copy / "nodes.yaml").write_text(text)
                self.config = copy / "loom.yaml"
                self.loom("check")

    def test_each_policy_of_a_schedule_has_an_example(self):
        jobs = []
        for name in ("policies", "runs"):
            shutil.copytree(ROOT / "examples" / name, self.folder / name)
            self.config = self.folder / name / "loom.yaml"
            jobs += self.json("jobs")["items"]
        by_schedule = [job for job in jobs if job["schedule"]]
        self.assertEqual({job["catchup"]["policy"] for job in by_schedule}, {"skip", "last", "all"})
        self.assertTrue(any(job["catchup"]["nodes"] for job in by_schedule))
        self.assertEqual({job["overlap"]["policy"] for job in jobs}, {"skip", "buffer_one", "buffer_all", "cancel_other", "allow"})
        self.assertEqual({job["overlap"]["scope"] for job in jobs}, {"job", "node"})
        self.assertEqual({job["blackout"]["policy"] for job in jobs if job["blackout"]}, {"skip", "hold"})
        for key in ("start_within_ms", "finish_within_ms", "longer_than_usual"):
            self.assertTrue(any(job["expect"][key] for job in jobs if job["expect"]), key)
        self.assertTrue(any("," in job["after"] for job in jobs), "a job that follows several")
        texts = "".join(path.read_text() for path in sorted((ROOT / "examples").rglob("jobs/*.yaml")))
        for key in ("start:", "end:", "count:", "only:", "splay:", "starts_per_second:", "on_empty:", "on_lost:", "failure", "always",
                    '"@at ', '"@every ', '"H ', "dst:"):
            self.assertIn(key, texts)

    def test_the_library_says_what_the_nodes_are(self):
        copy = self.folder / "library"
        shutil.copytree(ROOT / "examples" / "library", copy)
        (copy / "nodes.yaml").write_text(self.nodes_yaml(["web1", "web2", "web3"]))
        self.config = copy / "loom.yaml"
        looked = self.json("run", "what-they-are", "--check")
        self.assertEqual((looked["run"]["reason"], looked["run"]["counts"]), ("check", {"ok": 3}))
        for group in self.json("run", "what-they-are")["groups"]:
            self.assertIn("kernel", json.loads(group["out"]))

    def test_the_simulated_night_shows_clock_changes_and_overlap(self):
        copy = self.folder / "simulate"
        shutil.copytree(ROOT / "examples" / "simulate", copy)
        self.config = copy / "loom.yaml"
        seen = self.json("simulate", "--from", "2027-03-27T12:00", "--days", "1", "--duration", "25m")
        whats = [item["what"] for item in seen["items"]]
        self.assertEqual((whats.count("run"), whats.count("skipped"), whats.count("clocks")), (6, 4, 3))
        clocks = {item["job"]: item["why"] for item in seen["items"] if item["what"] == "clocks"}
        self.assertEqual(clocks["backup"], "02:30 does not exist on 2027-03-28 in Europe/Berlin: runs at 03:00")
        self.assertEqual(clocks["close-the-books"], "02:30 does not exist on 2027-03-28 in Europe/Berlin: does not run")
        self.assertEqual(seen["summary"]["nodes_at_once"]["count"], 42)
        year = self.json("simulate", "--year", "2027", "--summary")
        self.assertEqual({job["job"]: job["runs"] for job in year["summary"]["jobs"]},
                         {"backup": 365, "close-the-books": 364, "collect": 4377})

    def test_the_readmes_first_job_checks_well(self):
        blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        self.assertEqual(len(blocks), 5)  # the last two show how to listen, and hooks
        for name, text in zip(("loom.yaml", "nodes.yaml", "jobs/disk.yaml"), blocks):
            self.write(name, text)
        self.loom("check")
        self.assertEqual(len(self.json("next", "disk-space", "--count", "1")["items"]), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
