#!/usr/bin/env python3
"""Many nodes at once: real ones, refusing ones and silent ones, each told apart."""
import json
import socket
import unittest

from loom_case import SHORT, LoomCase

REAL, REFUSING, SILENT = (20, 180, 20) if SHORT else (200, 1800, 200)
CONNECT_SECONDS = 2


def addresses(block, count):
    return [f"127.{block}.{i // 250}.{i % 250 + 1}" for i in range(count)]


class Silence:
    """A port on every loopback address that lets nobody in: its queue of one is full, so the kernel drops what comes."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("0.0.0.0", 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.callers = []
        for _ in range(8):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", self.port))
            self.callers.append(caller)

    def close(self):
        for opened in [self.listener, *self.callers]:
            opened.close()


def closed_port():
    """A port that nobody listens on: bound, so that nobody else takes it, but not listening."""
    holder = socket.socket()
    holder.bind(("0.0.0.0", 0))
    return holder


class FanOutTest(LoomCase):
    nodes_count = REAL

    def test_each_node_ends_in_its_right_state(self):
        silence = Silence()
        self.addCleanup(silence.close)
        refusing = closed_port()
        self.addCleanup(refusing.close)
        nodes = self.nodes_yaml([f"real{i:04}" for i in range(REAL)])
        for kind, block, count, port in (("refusing", 91, REFUSING, refusing.getsockname()[1]),
                                         ("silent", 92, SILENT, silence.port)):
            for i, address in enumerate(addresses(block, count)):
                nodes += self.node_yaml(f"{kind}{i:04}", address, port=port)
        self.configure("  all: " + json.dumps({
            "command": "echo fine", "targets": "@*", "limits": {"parallel": 16}, "retry": {"connect": 1},
            "timeout": {"connect": f"{CONNECT_SECONDS}s"}}) + "\n", nodes=nodes)

        run = self.json("run", "all", code=1)["run"]
        self.assertEqual(run["counts"], {"ok": REAL, "unreachable": REFUSING + SILENT})
        wanted = {("real", "ok", ""): REAL, ("refusing", "unreachable", "refused"): REFUSING,
                  ("silent", "unreachable", "connect_timeout"): SILENT}
        found = {}
        for result in self.results(run["id"]):
            kind = result["node"].rstrip("0123456789")
            cause = "" if result["cause"] == "none" else result["cause"]
            found[kind, result["state"], cause] = found.get((kind, result["state"], cause), 0) + 1
        self.assertEqual(found, wanted)

    def results(self, run):
        return self.json("runs", "show", run)["nodes"]


if __name__ == "__main__":
    unittest.main(verbosity=2)
