#!/usr/bin/env python3
"""Other clients against the fleet simulator: what it speaks must be SSH, not only what libssh2 takes for it."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLEET = os.environ.get("FLEET", str(pathlib.Path(os.environ.get("LOOM", ROOT / "build" / "release" / "loom")).parent /
                                    "bench" / "fleet"))
SSH = shutil.which("ssh")
PATIENCE = 120


def python_with(module):
    """An interpreter that has the module: Debian's own where another one stands before it in the path."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.access(python, os.X_OK) and subprocess.run([python, "-c", f"import {module}"], capture_output=True,
                                                         check=False).returncode == 0:
            return python
    return None


class Fleet:
    """A running simulator on all of 127.0.0.0/8; ended by its process id."""

    def __init__(self, folder, *arguments):
        self.log = folder / "commands.log"
        self.process = subprocess.Popen([FLEET, "--with-parent", "--address", "all", "--log", str(self.log), *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"the simulator did not start: {line}{self.process.communicate()[1]}")
        self.port = int(line.rsplit(":", 1)[1])

    def end(self):
        """Ends it and gives the counters by name."""
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=PATIENCE)
        return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", err.strip().splitlines()[-1])}


@unittest.skipUnless(SSH, "needs OpenSSH's client")
class FleetTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="loom-fleet-")
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.identity = cls.folder / "identity"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(cls.identity)], check=True)
        cls.addClassCleanup(cls.temporary.cleanup)

    def fleet(self, *arguments):
        fleet = Fleet(self.folder, *arguments)
        self.addCleanup(lambda: fleet.process.poll() is None and fleet.end())
        return fleet

    def arguments(self, fleet, address, *options):
        return [SSH, "-F", "none", "-i", str(self.identity), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o",
                "StrictHostKeyChecking=accept-new", "-o", f"UserKnownHostsFile={self.folder / 'known_hosts'}", "-o",
                "LogLevel=ERROR", "-p", str(fleet.port), *options, f"anna@{address}"]

    def ssh(self, fleet, address, command, *options, stdin=b""):
        return subprocess.run([*self.arguments(fleet, address, *options), command], input=stdin, capture_output=True,
                              timeout=PATIENCE, check=False)

    def test_a_command_is_logged_in_for_by_key_and_its_status_comes_back(self):
        fleet = self.fleet()
        done = self.ssh(fleet, "127.3.2.1", "echo one two; err three; exit 7")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, b"one two\n", b"three\n"))
        self.assertRegex(fleet.log.read_text().splitlines()[-1], r"^\d+\.\d{6} 127\.3\.2\.1 echo one two; err three; exit 7$")
        counters = fleet.end()
        self.assertEqual((counters["authenticated"], counters["execs"]), (1, 1))

    def test_input_comes_back_under_every_cipher_and_through_new_keys(self):
        fleet = self.fleet("--rekey-bytes", "700000")
        given = os.urandom(1_500_000)
        for options in (["-c", "aes128-gcm@openssh.com"], ["-c", "aes256-gcm@openssh.com", "-o", "RekeyLimit=500K"],
                        ["-c", "aes128-ctr", "-m", "hmac-sha2-256-etm@openssh.com"],
                        ["-c", "aes256-ctr", "-m", "hmac-sha2-256"]):
            with self.subTest(options=options):
                done = self.ssh(fleet, "127.0.0.2", "cat", *options, stdin=given)
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertTrue(done.stdout == given)
        self.assertGreater(fleet.end()["rekeys"], 8)

    def test_eight_nodes_at_once(self):
        fleet = self.fleet("--threads", "2", "--host-key-each")
        children = [subprocess.Popen([*self.arguments(fleet, f"127.5.0.{i + 1}"), f"sleep 0.3; echo {i}"], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE) for i in range(8)]
        said = [child.communicate(timeout=PATIENCE)[0] for child in children]
        self.assertEqual(said, [b"%d\n" % i for i in range(8)])
        self.assertEqual(fleet.end()["execs"], 8)

    def test_a_jump_leads_to_a_node_of_the_same_fleet(self):
        fleet = self.fleet()
        bastion = self.arguments(fleet, "127.0.0.9", "-W", "%h:%p")
        given = os.urandom(600_000)
        done = self.ssh(fleet, "127.0.0.10", "cat", "-o", "ProxyCommand=" + " ".join(bastion), stdin=given)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(done.stdout == given)

    def test_a_fault_of_one_address_leaves_the_others_alone(self):
        fleet = self.fleet("--fault", "127.0.0.3=exec:reset", "--fault", "127.0.0.4=auth:refuse*1")
        self.assertEqual(self.ssh(fleet, "127.0.0.3", "true").returncode, 255)
        self.assertIn(b"Permission denied", self.ssh(fleet, "127.0.0.4", "true").stderr)
        self.assertEqual(self.ssh(fleet, "127.0.0.4", "true").returncode, 0)
        self.assertEqual(self.ssh(fleet, "127.0.0.5", "true").returncode, 0)


# Prints what each command said and its exit status; the second one runs while the first one waits for its input.
ASYNCSSH = """
import asyncio, asyncssh, sys
async def main(address, port, key, user_key):
    trusted = asyncssh.import_public_key(key)
    async with asyncssh.connect(address, int(port), config=None, username="anna", agent_path=None, client_keys=[user_key],
                                known_hosts=([trusted], [], [])) as connection:
        async with connection.create_process("cat") as cat:
            done = await connection.run("echo one two; err three; exit 7")
            print(done.stdout, done.stderr, done.exit_status, sep="|", end="|")
            out, _ = await cat.communicate("x" * 700_000)
            print(len(out), cat.exit_status)
asyncio.run(main(*sys.argv[1:]))
"""


class AsyncsshTest(unittest.TestCase):
    def test_two_commands_at_once_on_one_connection(self):
        python = python_with("asyncssh")
        if not python:
            self.skipTest("needs asyncssh (Debian: python3-asyncssh)")
        with tempfile.TemporaryDirectory(prefix="loom-fleet-") as name:
            folder = pathlib.Path(name)
            identity = folder / "identity"
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(identity)], check=True)
            host_key = subprocess.run([FLEET, "--host-key"], check=True, capture_output=True, text=True).stdout.strip()
            fleet = Fleet(folder)
            self.addCleanup(lambda: fleet.process.poll() is None and fleet.end())
            done = subprocess.run([python, "-c", ASYNCSSH, "127.9.8.7", str(fleet.port), host_key, str(identity)],
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(done.stdout, "one two\n|three\n|7|700000 0\n", done.stderr)
            self.assertEqual(fleet.end()["execs"], 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
