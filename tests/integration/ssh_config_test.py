"""What the real binary makes of ~/.ssh/config, and how host keys are shown and trusted."""
import os
import pty
import subprocess
import unittest

from loom_case import LOOM, LoomCase, until


class SshConfigTest(LoomCase):
    nodes_count = 1

    def setUp(self):
        super().setUp()
        (self.home / ".ssh").mkdir(mode=0o700)
        self.configure(nodes="db1:\nweb1: {port: 2222, jump: none}\n")
        self.ssh_config(self.block())

    def ssh_config(self, text):
        path = self.home / ".ssh" / "config"
        path.write_text(text)
        path.chmod(0o600)

    def block(self, more=""):
        return (f"Host db1\n  HostName {self.fleet.addresses[0]}\n  Port {self.fleet.port}\n  User {self.fleet.user}\n"
                f"  IdentityFile {self.fleet.identity}\n{more}")

    def own_known_hosts(self):
        path = self.folder / "state" / "known_hosts"
        return path.read_text() if path.exists() else ""

    def other_key(self):
        kind, blob = self.fleet.host_key.split()
        return f"{kind} {blob[:-8]}{'AAAAAAAA' if not blob.endswith('AAAAAAAA') else 'BBBBBBBB'}"

    def fingerprint(self):
        told = subprocess.run(["ssh-keygen", "-l", "-f", str(self.fleet.folder / "host_key.pub")], check=True,
                              capture_output=True, text=True)
        return told.stdout.split()[1]

    def test_a_node_that_is_only_a_name_is_reached_as_ssh_reaches_it(self):
        self.assertIn("reached", self.loom("exec", "db1", "--", "echo reached").out)
        self.config = None  # without any configuration the same file counts
        self.assertIn("reached", self.loom("exec", "db1", "--", "echo reached").out)

    def test_another_file_or_none_is_read_by_setting(self):
        other = self.write("fleet_config", "Host db1\n  Port 4444\n")
        for setting, port in ((str(other), "4444"), ("none", "22")):
            self.configure(nodes="db1:\n", settings=f"ssh: {{config: {setting}}}")
            shown = {row["setting"]: row for row in self.json("nodes", "show", "db1")["settings"]}
            self.assertEqual(shown["port"]["value"], port)

    def test_show_tells_which_line_says_what(self):
        daemon = None
        for through in ("process", "daemon"):
            with self.subTest(through=through):
                if through == "daemon":
                    daemon = self.serve()
                shown = self.json("nodes", "show", "db1")
                self.assertEqual(shown["name"], "db1")
                rows = {row["setting"]: (row["value"], row["place"]) for row in shown["settings"]}
                self.assertEqual(rows["host"], (self.fleet.addresses[0], "~/.ssh/config:2"))
                self.assertEqual(rows["port"], (str(self.fleet.port), "~/.ssh/config:3"))
                self.assertEqual(rows["host keys"], ("accept-new", "default"))
                rows = {row["setting"]: (row["value"], row["place"]) for row in self.json("nodes", "show", "web1")["settings"]}
                self.assertEqual(rows["port"], ("2222", "nodes.yaml:2"))
                self.assertEqual(rows["jump"], ("none", "nodes.yaml:2"))
                self.assertIn("~/.ssh/config:2", self.loom("nodes", "show", "db1").out)
                self.assertIn("did you mean", self.loom("nodes", "show", "bd1", code=5).err)
        daemon.stop()

    def test_a_changed_file_counts_at_once_in_a_daemon(self):
        daemon = self.serve()
        self.json("nodes", "show", "db1")
        self.ssh_config("Host db1\n  Port 4444\n")
        rows = {row["setting"]: row["value"] for row in self.json("nodes", "show", "db1")["settings"]}
        self.assertEqual(rows["port"], "4444")
        daemon.stop()

    def test_what_cannot_be_obeyed_is_told(self):
        self.ssh_config(self.block("  BindAddress 127.0.0.1\n  ForwardX11 yes\nHost web1\n  ProxyCommand nc %h %p\n"))
        told = self.loom("check").out
        self.assertIn("~/.ssh/config:6: warning: BindAddress is passed over", told)
        self.assertNotIn("ForwardX11", told)
        self.configure(nodes="db1:\nweb1:\n")
        self.assertIn("~/.ssh/config:9", self.loom("nodes", "show", "web1", code=6).err)
        done = self.loom("exec", "web1", "--", "true", code=1)
        self.assertIn("ProxyCommand", done.out + done.err)
        daemon = self.serve()
        until(lambda: "BindAddress" in daemon.log(), "the warning")

    def test_a_key_is_shown_and_trusted(self):
        for through in ("process", "daemon"):
            with self.subTest(through=through):
                if through == "daemon":
                    (self.folder / "state" / "known_hosts").unlink()
                    self.serve()
                done = self.loom("nodes", "trust", "db1", code=2)  # nobody to ask
                self.assertIn(f"ssh-ed25519 {self.fingerprint()}", done.out)
                self.assertIn("--yes", done.err)
                self.assertEqual(self.own_known_hosts(), "")
                key = self.json("nodes", "trust", "db1", "--yes")
                self.assertEqual((key["fingerprint"], key["verdict"], key["recorded"]), (self.fingerprint(), "unknown", True))
                self.assertEqual(self.own_known_hosts(), self.fleet.known_hosts_line(self.fleet.addresses[0]))
                self.assertIn("listed already", self.loom("nodes", "trust", "db1").out)

    def test_a_changed_key_is_replaced_in_looms_own_file_only(self):
        self.loom("nodes", "trust", "db1", "--yes")
        listed = self.own_known_hosts()
        changed = listed.replace(self.fleet.host_key, self.other_key())
        (self.folder / "state" / "known_hosts").write_text(changed)
        done = self.loom("nodes", "trust", "db1", "--yes", code=7)
        self.assertIn("--replace", done.err)
        self.assertEqual(self.own_known_hosts(), changed)
        self.loom("nodes", "trust", "db1", "--yes", "--replace")
        self.assertEqual(self.own_known_hosts(), listed)
        theirs = self.home / ".ssh" / "known_hosts"
        theirs.write_text(changed)
        (self.folder / "state" / "known_hosts").write_text("")
        done = self.loom("nodes", "trust", "db1", "--yes", "--replace", code=7)
        self.assertIn(f"{theirs}:1", done.err)
        self.assertIn("cannot be replaced", done.err)
        self.assertEqual(theirs.read_text(), changed)

    def test_on_a_terminal_the_key_is_asked_about(self):
        for answer, code in ((b"n\n", 1), (b"y\n", 0)):
            ours, theirs = pty.openpty()
            process = subprocess.Popen([LOOM, "-c", str(self.config), "nodes", "trust", "db1"], stdin=theirs,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)
            os.close(theirs)
            os.write(ours, answer)
            self.finish(process, code)
            os.close(ours)
        self.assertIn(self.fleet.host_key, self.own_known_hosts())


if __name__ == "__main__":
    unittest.main(verbosity=2)
