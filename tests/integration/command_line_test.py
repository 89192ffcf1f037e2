#!/usr/bin/env python3
"""The command line without a daemon: what it answers, in words, in JSON and by its exit code."""
import json
import os
import pty
import signal
import subprocess
import unittest

from loom_case import LOOM, LoomCase, until


class CommandLineTest(LoomCase):
    def configured(self, command="echo hello", **more):
        self.configure("  hello: " + json.dumps({"command": command, "targets": "@*", **more}) + "\n")

    def test_a_slip_is_named_and_the_near_word_offered(self):
        self.configured()
        for arguments, code, words in (
            (["rum"], 2, ["rum", "run"]),
            (["run", "hello", "--limt", "n1"], 2, ["--limt"]),
            (["run"], 2, []),
            (["run", "helo"], 5, ["helo", "hello"]),
            (["exec", "n9", "--", "true"], 5, ["n9"]),
            (["exec", "n[1-", "--", "true"], 2, ["n[1-"]),
            (["run", "hello", "--limit", "@nosuch"], 5, ["--limit: ", "nosuch"]),
            (["exec", "n1", "--limit", "@nosuch", "--", "true"], 5, ["--limit: column 1: unknown group @nosuch"]),
            (["exec", "@nosuch", "--", "true"], 5, ["TARGETS: column 1: unknown group @nosuch"]),
            (["logs", "0190", "n1"], 5, ["0190"]),
            (["runs", "--state", "okay"], 2, ["okay"]),
            (["next", "--cron", "61 * * * *"], 2, ["minute", "61"]),
            (["next", "--cron", "0 0 30 2 *"], 2, []),
            (["-o", "xml", "jobs"], 2, ["xml"]),
            (["cancel", "00000000"], 3, ["daemon"]),
        ):
            with self.subTest(arguments=arguments):
                done = self.loom(*arguments, code=None)
                self.assertEqual(done.code, code, f"\n{done}")
                self.assertEqual(done.out, "", "messages belong on stderr")
                for word in words:
                    self.assertIn(word, done.err)

    def test_a_fault_in_the_configuration_has_its_place(self):
        good_nodes = self.nodes_yaml()
        for file, text, words in (
            ("loom.yaml", "nodesfil: nodes.yaml\n", ["loom.yaml:1:1", "nodesfil", "nodesfile"]),
            ("loom.yaml", "nodesfile: nodes.yaml\nmax_workers: many\n", ["loom.yaml:2:14", "many"]),
            ("nodes.yaml", "n1: {user: [}\n", ["nodes.yaml:1"]),
            ("nodes.yaml", "n1: {user: a}\nn1: {user: b}\n", ["nodes.yaml:2:1", "n1"]),
            ("nodes.yaml", "n1: {usr: a}\n", ["nodes.yaml:1:6", "usr", "user"]),
            ("jobs/jobs.yaml", "jobs:\n  a: {command: x, targets: n1, schedule: 99 * * * *}\n", ["jobs.yaml:2", "99"]),
            ("jobs/jobs.yaml", "jobs:\n  a: {command: x, targets: n1, command: y}\n", ["jobs.yaml:2", "command"]),
            ("jobs/jobs.yaml", "jobs:\n  a: {command: x, targets: [nowhere]}\n", ["jobs.yaml:2", "nowhere"]),
            ("jobs/jobs.yaml", "jobs:\n  a: {task: fabric.api.rum, args: [x], targets: n1}\n", ["jobs.yaml:2", "fabric.api.run"]),
            ("jobs/jobs.yaml", "jobs:\n\ta: 1\n", ["jobs.yaml:2"]),
            ("jobs/jobs.yaml", "jobs:\n  a: {command: 'x {{ job.nam }}', targets: n1}\n", ["jobs.yaml:2", "job.nam"]),
        ):
            with self.subTest(file=file, text=text):
                self.configured()
                self.write("nodes.yaml", good_nodes)
                self.write(file, text)
                done = self.loom("check", code=6)
                for word in words:
                    self.assertIn(word, done.out + done.err)

    def test_the_same_job_in_two_files_names_both(self):
        self.configured()
        self.write("jobs/again.yaml", "jobs:\n  hello: {command: echo, targets: n1}\n")
        done = self.loom("check", code=6)
        self.assertIn("again.yaml:2", done.out + done.err)
        self.assertIn("jobs.yaml:2", done.out + done.err)

    def test_what_cannot_be_printed_is_an_error(self):
        self.configured()
        for arguments in (["jobs"], ["-o", "json", "jobs"], ["--help"], ["exec", "n1", "--", "echo hello"]):
            with self.subTest(arguments=arguments):
                with open("/dev/full", "wb") as full:
                    done = subprocess.run([LOOM, "-c", str(self.config), *arguments], stdin=subprocess.DEVNULL, stdout=full,
                                          stderr=subprocess.PIPE, timeout=60)
                self.assertEqual(done.returncode, 3)
                self.assertIn(b"loom: cannot write to standard output", done.stderr)

    def test_a_closed_standard_output_is_no_place_for_other_files(self):
        self.configured()
        done = subprocess.run([LOOM, "-c", str(self.config), "exec", "n1", "--", "echo into the ledger"],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1), timeout=60)
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"loom: cannot write to standard output", done.stderr)
        self.assertIn("into the ledger", self.loom("logs", "last").out)

    def test_a_reader_that_has_seen_enough_is_no_error(self):
        self.configured()
        done = subprocess.Popen([LOOM, "-c", str(self.config), "nodeset", "expand", "a[1-100000]"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        done.stdout.read(1)
        done.stdout.close()
        self.assertEqual(done.stderr.read(), b"")
        done.stderr.close()
        self.assertEqual(done.wait(60), 0)

    def test_a_missing_configuration_is_named(self):
        self.config = self.folder / "nosuch.yaml"
        done = self.loom("check", code=6)
        self.assertIn("nosuch.yaml", done.err)

    def test_the_first_configuration_that_exists_wins(self):
        self.configured()
        self.config = f"{self.folder}/nosuch.yaml,{self.folder}/loom.yaml"
        self.assertEqual([job["name"] for job in self.json("jobs")["items"]], ["hello"])

    def test_a_good_configuration_checks_well(self):
        self.configured()
        self.loom("check")
        self.loom("doctor")

    def test_the_list_of_jobs_says_what_is_missing_in_it(self):
        self.configured()
        self.write("jobs/bad.yaml", "jobs:\n  bad: {shedule: x, trgets: y, command: z, targets: n1}\n")
        self.write("jobs/broken.yaml", "jobs:\n  gone: [\n")
        self.assertEqual([job["name"] for job in self.json("jobs")["items"]], ["bad", "hello"])
        done = self.loom("jobs")
        self.assertIn("jobs/broken.yaml:3:1: quarantined: ", done.err)
        self.assertNotIn("bad.yaml", done.err, "a job that is listed tells it there")

    def test_doctor_looks_whether_the_daemon_could_work(self):
        self.configured()
        good = self.config.read_text()
        for more, words in ((f"state_dir: {self.config}/x\n", "is not a folder"), ("socket_group: no-such-group\n", "no-such-group")):
            with self.subTest(more=more):
                self.write("loom.yaml", "".join(line + "\n" for line in good.splitlines() if not line.startswith(more.split(":")[0])) + more)
                done = self.loom("doctor", code=1)
                self.assertIn(words, done.out)
                self.assertEqual(done.out.count("FAIL"), 1)

    def test_exec_needs_no_configuration(self):
        address = self.fleet.addresses[0]
        options = ["--user", self.fleet.user, "--port", str(self.fleet.port), "--identity", self.fleet.identity]
        self.config = ""
        self.assertIn("hello", self.loom("exec", address, *options, "--", "echo", "hello").out)
        self.assertIn("a b", self.loom("exec", address, *options, "--", "printf", "%s\\n", "a b").out)
        self.assertEqual(self.loom("exec", address, *options, "--", "exit 7", code=1).code, 1)

    def test_words_are_quoted_and_one_word_is_a_shell_line(self):
        self.configured()
        self.assertIn("$HOME;", self.loom("exec", "n1", "--", "echo", "$HOME;", "x").out)
        self.assertIn("1 2", self.loom("exec", "n1", "--", "x=1; echo $x 2").out)

    def test_equal_output_is_gathered_and_failures_come_first(self):
        self.configured("[ {{ node.name }} != n2 ] || { echo broken; exit 3; }; echo fine")
        done = self.loom("run", "hello", code=1)
        self.assertIn("n[1,3]", done.out)
        self.assertLess(done.out.index("broken"), done.out.index("fine"))

    def test_the_json_keeps_its_shape(self):
        self.configured("echo hello", schedule="0 4 * * *")
        run = self.json("run", "hello")["run"]
        self.assertLessEqual({"id", "job", "due", "reason", "by", "state", "started", "finished", "counts", "targets"}, set(run))
        self.assertEqual((run["job"], run["state"], run["counts"], run["targets"]), ("hello", "ok", {"ok": 3}, 3))
        self.assertEqual([item["id"] for item in self.json("runs")["items"]], [run["id"]])
        job = self.json("jobs")["items"][0]
        self.assertEqual((job["name"], job["nodes"], job["status"], job["last_state"]), ("hello", 3, "active", "ok"))
        node = self.json("nodes")["items"][0]
        self.assertEqual((node["name"], node["address"], node["port"], node["password"]),
                         ("n1", self.fleet.addresses[0], self.fleet.port, False))
        due = self.json("next", "hello", "--count", "2")["items"]
        self.assertEqual([item["job"] for item in due], ["hello", "hello"])
        output = self.json("logs", run["id"], "n1")
        self.assertEqual((output["out"], output["result"]["exit_status"]), ("hello\n", 0))

    def test_node_expressions_choose_nodes(self):
        names = [f"web{i}" for i in range(1, 13)] + ["db1", "db2"]
        self.configure(nodes=self.nodes_yaml(names), settings='groups: {front: "web[1-4]"}')
        for expression, wanted in (
            ("web[9-11]", ["web9", "web10", "web11"]),
            ("web[2-10/4]", ["web2", "web6", "web10"]),
            ("@front!web2", ["web1", "web3", "web4"]),
            ("@front&web[3-9]", ["web3", "web4"]),
            ("db[1-2]^db2", ["db1"]),
            ("@*!web[1-12]", ["db1", "db2"]),
        ):
            with self.subTest(expression=expression):
                self.assertEqual([node["name"] for node in self.json("nodes", "--limit", expression)["items"]], wanted)
                self.assertEqual(self.json("nodeset", "expand", expression)["items"], wanted)
        self.assertEqual(self.loom("nodeset", "fold", "web1,web3,web2,db1").out, "db1,web[1-3]\n")
        self.assertEqual(self.loom("nodeset", "count", "@*").out, "14\n")

    def test_the_next_instants_follow_daylight_saving(self):
        self.configured()
        for cron, after, wanted in (
            ("30 2 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),  # the gap
            ("30 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),  # the fold
            ("*/30 * * * *", "2026-10-25T00:15:00Z", ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"]),
        ):
            with self.subTest(cron=cron, after=after):
                due = self.json("next", "--cron", cron, "--tz", "Europe/Berlin", "--after", after, "--count", "2")
                self.assertEqual([item["due"] for item in due["items"]], wanted)

    def test_a_key_that_others_can_read_is_refused(self):
        key = self.folder / "open_key"
        key.write_bytes(open(self.fleet.identity, "rb").read())
        key.chmod(0o644)
        self.configure(nodes=self.node_yaml("n1", self.fleet.addresses[0], identity=str(key)))
        done = self.loom("exec", "n1", "--", "true", code=1)
        self.assertIn(f"chmod 600 {key}", done.out + done.err)

    def test_strict_host_keys_refuse_what_is_unknown_and_take_what_is_known(self):
        known = self.folder / "known"
        known.write_text("")
        self.configure(settings=f"ssh: {{host_keys: strict, known_hosts: [{known}]}}")
        run = self.json("exec", "n1", "--", "true", code=1)["run"]
        self.assertEqual(run["counts"], {"unreachable": 1})
        known.write_text(self.fleet.known_hosts_line(self.fleet.addresses[0]))
        self.loom("exec", "n1", "--", "true")

    def test_a_new_host_key_is_recorded_and_a_changed_one_refused(self):
        self.configure()
        self.loom("exec", "n1", "--", "true")
        recorded = (self.folder / "state" / "known_hosts").read_text()
        self.assertIn(self.fleet.host_key, recorded)
        kind, blob = self.fleet.host_key.split()
        other = blob[:-8] + ("AAAAAAAA" if not blob.endswith("AAAAAAAA") else "BBBBBBBB")
        (self.folder / "state" / "known_hosts").write_text(recorded.replace(f"{kind} {blob}", f"{kind} {other}"))
        done = self.loom("exec", "n1", "--", "true", code=1)
        self.assertIn("host key", (done.out + done.err).lower())

    def test_the_runs_own_deadline_is_its_own_exit_code(self):
        self.configured("sleep 3600", timeout={"run": "1s", "grace": "1s"})
        self.loom("run", "hello", code=124)
        run = self.runs()[0]
        self.assertEqual((run["state"], run["counts"]), ("timed_out", {"timed_out": 3}))

    def test_an_interrupt_cancels_what_runs_here(self):
        self.configured(f"echo $$ > {self.folder}/{{{{ node.name }}}}.pid; exec sleep 3600")
        process = self.start("run", "hello")
        until(lambda: len([p for p in self.folder.glob("n*.pid") if p.read_text()]) == 3, "the commands")
        process.send_signal(signal.SIGINT)
        self.finish(process, 130)
        run = self.runs()[0]
        self.assertEqual((run["state"], run["counts"]), ("cancelled", {"cancelled": 3}))
        pids = [path.read_text().strip() for path in self.folder.glob("n*.pid")]
        until(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids), "the end of the remote commands")

    def test_an_interrupt_at_the_password_prompt_ends_the_command_at_once(self):
        self.configured()
        pid, ours = pty.fork()
        if pid == 0:
            os.execve(LOOM, [LOOM, "-c", str(self.config), "exec", "n1", "--ask-become-pass", "--", "true"], self.environment)
        said = b""
        while b"password on the nodes: " not in said:
            said += os.read(ours, 4096)
        os.write(ours, b"half a word\x03")  # no Enter
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 130)
        os.close(ours)
        self.assertEqual(self.runs(), [])

    def test_what_a_job_logs_goes_to_its_file(self):
        self.configured("echo kept", log="logs/{{ job.name }}/{{ node.name }}.log")
        self.loom("run", "hello")
        logs = sorted(self.folder.rglob("logs/hello/*.log"))
        self.assertEqual([path.name for path in logs], ["n1.log", "n2.log", "n3.log"])
        self.assertIn("kept", logs[0].read_text())

    def test_control_sequences_of_a_node_do_not_reach_the_terminal(self):
        self.configured("printf 'a\\033]0;title\\007b\\033[2Jc\\n'")
        ours, theirs = pty.openpty()
        command = [LOOM, "-c", str(self.config), "--no-color", "run", "hello"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE) as loom:
            os.close(theirs)
            out = b""
            while b"c\r\n" not in out:
                out += os.read(ours, 4096)
            loom.communicate(timeout=60)
        os.close(ours)
        self.assertNotIn(b"\033]", out)
        self.assertNotIn(b"\033[2J", out)
        self.assertNotIn(b"\007", out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
