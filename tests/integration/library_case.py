"""What the tests of the standard library share."""
import json

from loom_case import LoomCase


class Library(LoomCase):
    nodes_count = 1
    node = "n1"

    def setUp(self):
        super().setUp()
        self.there = self.folder / "there"
        self.there.mkdir()
        self.configure()

    def task(self, task_name, /, check=False, code=0, node=None, **arguments):
        """The one node's group after a run of the task, and the run."""
        words = []
        for key, value in arguments.items():
            words += ["--arg", f"{key}={json.dumps(value) if isinstance(value, (list, dict)) else value}"]
        done = self.json("exec", node or self.node, "--task", task_name, *words, *(["--check"] if check else []), code=code)
        self.assertEqual(len(done["groups"]), 1, done)
        return done["groups"][0]

    def goes(self, task_name, says, /, **arguments):
        """Looked at: it would change something. Then it does, and then it is so."""
        looked = self.task(task_name, check=True, **arguments)
        self.assertEqual(looked["state"], "changed", looked)
        self.assertIn("would " + says, looked["out"])
        again = self.task(task_name, check=True, **arguments)
        self.assertEqual((again["state"], again["out"]), (looked["state"], looked["out"]), "the look has changed something")
        changed = self.task(task_name, **arguments)
        self.assertEqual(changed["state"], "changed", changed)
        self.assertIn(says, changed["out"])
        for check in (False, True):
            same = self.task(task_name, check=check, **arguments)
            self.assertEqual((same["state"], same["message"]), ("ok", ""), same)
