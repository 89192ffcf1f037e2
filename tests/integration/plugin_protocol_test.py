#!/usr/bin/env python3
"""The plugin protocol as it is documented: a worker in another language, and workers that break it at every step."""
import re
import unittest

from loom_case import ROOT
from plugin_case import PluginCase

RAW = """
import json, os, socket, struct, sys, time

mode = sys.argv[1]
line = socket.socket(fileno=int(os.environ["LOOM_WORKER_FD"]))

def read():
    head = line.recv(4, socket.MSG_WAITALL)
    if len(head) < 4:
        sys.exit(0)
    return json.loads(line.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL))

def say(**message):
    body = json.dumps(message).encode()
    line.sendall(struct.pack(">I", len(body)) + body)

if mode == "exit_at_start": sys.exit(1)
if mode == "never": time.sleep(1000)
assert read()["type"] == "hello"
if mode == "exit_at_hello": sys.exit(1)
say(type="hello", protocol=2 if mode == "version" else 1, worker="a test")
while True:
    call = read()
    if call["type"] != "call": continue
    if mode == "exit_at_call": sys.exit(4)
    if mode == "other_call": say(type="result", call=call["id"] + 1, state="ok")
    if mode == "unknown": say(type="surprise", call=call["id"])
    if mode == "other_node": say(type="remote", call=call["id"] + 5, id=1, do="run", command="id")
    say(type="remote", call=call["id"], id=1, do="run", command="echo $$ > %s/ran; exec sleep 0")
    if mode == "exit_at_request": os._exit(5)
    reply = read()
    if mode == "exit_at_reply": os._exit(6)
    say(type="result", call=call["id"], state="ok", value=reply["state"])
    if mode == "twice": say(type="result", call=call["id"], state="ok")
    if mode == "exit_after": os._exit(7)
"""


class OtherLanguages(PluginCase):
    nodes_count = 1

    def call(self, mode, code):
        (self.folder / "plugins" / "raw.py").write_text(RAW % self.folder)
        self.settings = f"plugins: {{raw: {{paths: plugins, command: [python3, -B, {self.folder}/plugins/raw.py, {mode}], tasks: [any]}}}}"
        self.job("any.thing", more="timeout: {command: 20s}")
        return self.outcome(code=code)

    def test_a_worker_of_any_language_is_a_few_lines(self):
        self.assertEqual(self.call("well", 0)["out"], '"ok"\n')

    def test_the_worker_of_the_documentation_works(self):
        page = (ROOT / "docs" / "plugin-protocol.md").read_text()
        worker = self.write("plugins/small.py", re.search(r"## A whole worker\n\n```python\n(.*?)```", page, re.S)[1])
        self.settings = f"plugins: {{small: {{paths: plugins, command: [python3, {worker}], tasks: [any]}}}}"
        self.job("any.thing")
        self.assertIn("load average", self.outcome()["out"])
        self.loom("check")

    def test_a_worker_that_ends_at_any_step_or_says_what_it_may_not_is_its_nodes_failure(self):
        expected = {
            "exit_at_start": "its worker did not come up",
            "exit_at_hello": "its worker did not come up",
            "version": "it does not speak version 1 of the protocol",
            "exit_at_call": "its worker ended with exit status 4",
            "exit_at_request": "its worker ended with exit status 5",
            "exit_at_reply": "its worker ended with exit status 6",
            "other_call": "a result of another call",
            "unknown": 'a message of an unknown type, "surprise"',
            "other_node": "a request for call",
        }
        for mode, message in expected.items():
            with self.subTest(mode=mode):
                node = self.call(mode, 1)
                self.assertEqual(node["state"], "failed")
                self.assertIn(message, node["message"])

    def test_what_it_says_behind_its_result_changes_nothing(self):
        for mode in ("twice", "exit_after"):
            with self.subTest(mode=mode):
                self.assertEqual(self.call(mode, 0)["state"], "ok")


if __name__ == "__main__":
    unittest.main(verbosity=2)
