#!/usr/bin/env python3
"""Nodes from other tools: inventory sources of a configuration, and loom import, by the real binary."""
import json
import os
import stat
import unittest

from loom_case import LoomCase, until

INI = """\
[web]
w[1:2] ansible_user=deploy rack=4
[all:vars]
ansible_port=2222
"""

PROGRAM = """\
#!/bin/sh
echo run >> runs
test -e broken && { echo "the cloud is down" >&2; exit 3; }
cat list.json
"""


class InventoryTest(LoomCase):
    nodes_count = 1

    def source(self, text, **more):
        self.configure(nodes="own: {}\n", settings="inventory: " + text, **more)

    def program(self, listing):
        self.write("list.json", json.dumps(listing))
        self.write("cloud.sh", PROGRAM).chmod(0o755)

    def names(self, *arguments):
        return [node["name"] for node in self.json("nodes", *arguments)["items"]]

    def runs_of_program(self):
        return len((self.folder / "runs").read_text().splitlines())

    def test_an_ansible_inventory_gives_nodes_and_groups(self):
        self.source("[{type: ansible, path: hosts.ini}]", jobs="  web: {command: 'echo {{ node.vars.rack }}', targets: '@web'}\n")
        self.write("hosts.ini", INI)
        self.write("group_vars/web.yml", "ansible_user: root\n")
        self.write("host_vars/w2/main.yml", "ansible_host: 10.0.0.2\n")
        self.loom("check")
        self.assertEqual(self.names(), ["own", "w1", "w2"])
        self.assertEqual(self.names("--limit", "@web"), ["w1", "w2"])
        node = self.json("nodes", "show", "w2")
        self.assertEqual((node["address"], node["port"], node["user"]), ("10.0.0.2", 2222, "deploy"))

    def test_a_node_of_an_inventory_can_be_reached(self):
        self.source("[{type: ansible, path: hosts}]")
        self.write("hosts", f"[web]\nn1 ansible_host={self.fleet.addresses[0]} ansible_port={self.fleet.port} "
                            f"ansible_user={self.fleet.user} ansible_ssh_private_key_file={self.fleet.identity}\n")
        self.assertIn("reached", self.loom("exec", "@web", "--", "echo reached").out)

    def test_an_ssh_config_gives_its_names(self):
        self.source("[{type: ssh_config, path: ~/.ssh/config}]")
        self.write("home/.ssh/config", "Include more\nHost bastion *.lan !x\n  User root\n")
        self.write("home/.ssh/more", "Host deep\n")
        self.loom("check")
        self.assertEqual(self.names(), ["bastion", "deep", "own"])

    def test_a_command_that_fails_leaves_its_last_good_nodes(self):
        self.program({"web": {"hosts": ["w1", "w2"]}, "_meta": {"hostvars": {"w1": {"ansible_password": "hunter2"}}}})
        self.source("[{type: command, command: [./cloud.sh, --list]}]",
                    jobs="  web: {command: id, targets: '@web', schedule: '0 0 1 1 *'}\n")
        self.loom("check")
        kept = list((self.folder / "state" / "inventory").iterdir())
        self.assertEqual(len(kept), 1)
        self.assertEqual(stat.S_IMODE(kept[0].stat().st_mode), 0o600)
        self.write("broken", "")
        done = self.loom("check", code=6)
        self.assertIn("exited with 3: the cloud is down", done.out)
        self.assertIn("the 2 nodes of its last good reading stay", done.out)
        self.assertNotIn("hunter2", done.out + done.err)
        self.assertEqual(self.names(), ["own", "w1", "w2"])
        self.assertEqual(self.names("--limit", "@web"), ["w1", "w2"])
        (self.folder / "broken").unlink()
        self.write("list.json", "{")
        self.assertIn("cloud.sh output.json:", self.loom("check", code=6).out)
        self.assertEqual(self.names(), ["own", "w1", "w2"])

    def test_one_bad_source_does_not_stop_the_rest(self):
        self.source("[{type: ansible, path: nowhere.ini}, {type: ansible, path: hosts.ini}, {type: command, command: [./nothing]}]")
        self.write("hosts.ini", INI)
        done = self.loom("check", code=6)
        for words in ("nowhere.ini", "gives no nodes, and never did", "nothing cannot be started"):
            self.assertIn(words, done.out)
        self.assertEqual(self.names(), ["own", "w1", "w2"])

    def test_a_commands_result_is_kept_for_as_long_as_is_said(self):
        self.program({"web": ["w1"], "_meta": {}})
        self.source("[{type: command, command: [./cloud.sh], cache: 1h}]")
        for _ in range(3):
            self.assertEqual(self.names(), ["own", "w1"])
        self.assertEqual(self.runs_of_program(), 1)
        old = next((self.folder / "state" / "inventory").iterdir())
        os.utime(old, (1, 1))
        self.assertEqual(self.names(), ["own", "w1"])
        self.assertEqual(self.runs_of_program(), 2)

    def test_a_daemon_notices_a_changed_inventory(self):
        self.source("[{type: ansible, path: hosts.ini}]")
        self.write("hosts.ini", INI)
        daemon = self.serve()
        self.write("hosts.ini", "[web]\nnew1\n")
        until(lambda: self.names() == ["new1", "own"], "the new node")
        self.write("group_vars/web.yml", "ansible_user: anna\n")
        until(lambda: self.json("nodes", "show", "new1")["user"] == "anna", "the group's variable")
        self.write("hosts.ini", "[web\n")
        until(lambda: "hosts.ini:1:1: expected [GROUP]" in daemon.log(), "the fault in the log")
        self.assertEqual(self.names(), ["new1", "own"])

    def test_an_imported_inventory_is_a_nodes_file_of_the_same_nodes(self):
        self.source("[{type: ansible, path: hosts.ini}]")
        self.write("hosts.ini", INI + "[more]\nx ansible_password='a: \"b\"' ansible_connection=local\n")
        expected = self.json("nodes")["items"]
        done = self.loom("import", "ansible", "hosts.ini")
        self.assertTrue(done.out.startswith("# From hosts.ini by loom import ansible. It holds passwords"), done.out)
        self.assertIn("hosts.ini:6:", done.err)
        for text in (done.out, self.loom("-o", "json", "import", "ansible", "hosts.ini").out):
            self.configure(nodes="own: {}\n" + text if text.startswith("#") else text)
            (self.folder / "nodes.yaml").chmod(0o600)
            self.loom("check")
            self.assertEqual([n for n in self.json("nodes")["items"] if n["name"] != "own"],
                             [n for n in expected if n["name"] != "own"])
        self.assertIn("hosts.bad:1:1", self.fault("[web\n"))

    def fault(self, text):
        self.write("hosts.bad", text)
        done = self.loom("import", "ansible", "hosts.bad", code=6)
        self.assertEqual(done.out, "")
        return done.err

    def test_an_imported_crontab_is_a_manifest_that_checks_well(self):
        self.configure()
        crontab = "MAILTO=root\nPATH=/bin:/usr/bin\n*/5 * * * * /opt/poll.sh -q\n@daily cat%one%two\nCRON_TZ=Europe/Berlin\n30 2 * * 1-5 date +\\%F\n"
        self.write("crontab", crontab)
        done = self.loom("import", "crontab", "crontab", "--targets", "n1")
        self.assertEqual(len(done.err.splitlines()), 1, done.err)
        self.write("jobs/crontab.yaml", done.out)
        self.loom("check")
        self.assertEqual([job["name"] for job in self.json("jobs")["items"]], ["cat", "date-f", "poll-q"])
        self.assertIn("one\ntwo\n", self.loom("run", "cat").out)
        self.loom("import", "crontab", "crontab", code=2)
        self.write("crontab", "61 * * * * x\n")
        self.assertIn("crontab:1:1: ", self.loom("import", "crontab", "crontab", "--targets", "n1", code=6).err)

    def test_a_systems_crontab_comes_from_standard_input_too(self):
        self.configure()
        done = self.loom("import", "crontab", "-", "--system", "--targets", "n1")
        self.assertIn("jobs:\n", done.out)
        self.write("crontab", "17 * * * * root run-parts /etc/cron.hourly\n")
        self.write("jobs/crontab.yaml", self.loom("import", "crontab", "crontab", "--system", "--targets", "n1").out)
        self.loom("check")
        self.assertIn("run-parts", self.json("jobs", "show", "run-parts-cron.hourly")["task"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
