#!/usr/bin/env python3
"""Every example is a configuration that checks well, and the README's blocks are."""
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

    def test_the_readmes_first_job_checks_well(self):
        blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        self.assertEqual(len(blocks), 3)
        for name, text in zip(("loom.yaml", "nodes.yaml", "jobs/disk.yaml"), blocks):
            self.write(name, text)
        self.loom("check")
        self.assertEqual(len(self.json("next", "disk-space", "--count", "1")["items"]), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
