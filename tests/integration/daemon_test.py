#!/usr/bin/env python3
"""The daemon: it fires, records, reloads, cancels, and survives."""
import json
import signal
import unittest

from loom_case import LONG, SHORT, LoomCase, drawn_by_lot, until

TERMINAL = {"ok", "changed", "failed", "unreachable", "timed_out", "lost", "cancelled", "skipped", "not_started",
            "interrupted"}


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class DaemonTest(LoomCase):
    def job(self, name, command, targets="@*", **more):
        return f"  {name}: " + json.dumps({"command": command, "targets": targets, **more}) + "\n"

    def until_run(self, what, *arguments):
        """The newest run for which `what` holds."""
        return until(lambda: next((run for run in self.runs(*arguments) if what(run)), None), "a run")

    def sleeper(self, seconds=3600):
        """A command that tells its process id and stays; the file names the node."""
        return f"echo $$ > {self.folder}/{{{{ node.name }}}}.pid; exec sleep {seconds}"

    def sleeper_pid(self, node):
        path = self.folder / f"{node}.pid"
        return int(until(lambda: path.exists() and path.read_text().strip(), f"{node}'s command"))

    def assert_whole(self, run):
        self.assertEqual(sum(run["counts"].values()), run["targets"], run)

    def test_a_job_fires_by_its_schedule_and_is_recorded(self):
        self.configure(self.job("tick", "echo tock", schedule="* * * * * *"))
        self.serve()
        run = self.until_run(lambda run: run["state"] == "ok")
        self.assertEqual((run["job"], run["reason"], run["by"]), ("tick", "cron", "schedule"))
        self.assertEqual(run["counts"], {"ok": 3})
        self.assertIsNotNone(run["due"])
        self.assertIn("tock", self.loom("logs", run["id"], "n2").out)
        due = [run["due"] for run in self.runs()]
        self.assertEqual(len(due), len(set(due)), "one instant ran twice")

    def test_a_job_is_run_by_hand_through_the_daemon(self):
        self.configure(self.job("hello", "echo hello from {{ node.name }}; echo oops >&2"))
        self.serve()
        done = self.loom("run", "hello")
        for node in ("n1", "n2", "n3"):
            self.assertIn(f"hello from {node}", done.out)
        run = self.runs()[0]
        self.assertEqual((run["state"], run["reason"], run["counts"]), ("ok", "manual", {"ok": 3}))
        self.assertTrue(run["by"].startswith("user:"), run)
        self.assertEqual(self.json("run", "hello")["run"]["state"], "ok")

    def test_an_overlapping_run_is_skipped_and_recorded(self):
        self.configure(self.job("slow", self.sleeper(), targets="n1", schedule="* * * * * *"))
        self.serve()
        self.sleeper_pid("n1")
        skipped = self.until_run(lambda run: run["state"] == "skipped")
        self.assertEqual(skipped["job"], "slow")
        self.assertEqual(sum(run["state"] == "running" for run in self.runs()), 1)

    def test_cancel_ends_the_remote_process(self):
        self.configure(self.job("long", self.sleeper()))
        self.serve()
        run = self.json("run", "long", "--detach")
        pids = [self.sleeper_pid(node) for node in ("n1", "n2", "n3")]
        self.assertTrue(all(alive(pid) for pid in pids))
        self.loom("cancel", run["id"])
        ended = self.until_run(lambda run: run["state"] != "running")
        self.assertEqual((ended["state"], ended["counts"]), ("cancelled", {"cancelled": 3}))
        until(lambda: not any(alive(pid) for pid in pids), "the end of the remote commands")
        self.loom("cancel", "00000000-none", code=5)

    def test_an_interrupt_detaches_and_a_second_one_cancels(self):
        self.configure(self.job("long", self.sleeper()))
        self.serve()
        process = self.start("run", "long")
        pids = [self.sleeper_pid(node) for node in ("n1", "n2", "n3")]
        process.send_signal(signal.SIGINT)
        self.assertIn(b"press Ctrl-C again", process.stderr.readline())
        self.assertTrue(all(alive(pid) for pid in pids))
        process.send_signal(signal.SIGINT)
        self.finish(process, 130)
        run = self.runs()[0]
        self.assertEqual((run["state"], run["counts"]), ("cancelled", {"cancelled": 3}))
        until(lambda: not any(alive(pid) for pid in pids), "the end of the remote commands")

    def test_a_stop_ends_what_runs_and_records_it(self):
        self.configure(self.job("long", self.sleeper()))
        daemon = self.serve()
        self.loom("run", "long", "--detach")
        pids = [self.sleeper_pid(node) for node in ("n1", "n2", "n3")]
        self.assertEqual(daemon.stop(), 0, daemon.log())
        run = self.runs()[0]
        self.assertEqual((run["state"], run["counts"]), ("interrupted", {"interrupted": 3}))
        until(lambda: not any(alive(pid) for pid in pids), "the end of the remote commands")

    def test_the_log_says_what_is_served_and_that_it_ended(self):
        self.configure(self.job("hello", "echo hello"))
        daemon = self.serve()
        self.assertEqual(daemon.stop(), 0, daemon.log())
        self.assertIn(f" info daemon: serving {self.config} on ", daemon.log())
        self.assertIn(" info daemon: ended\n", daemon.log())

    def test_a_second_daemon_is_refused(self):
        self.configure(self.job("hello", "echo hello"))
        daemon = self.serve()
        done = self.loom("serve", code=7)
        self.assertRegex(done.err, "another daemon serves with the state in /.* already")
        self.assertIsNone(daemon.process.poll())

    def test_a_new_job_a_changed_node_and_a_changed_datafile_count(self):
        self.configure("  one: {command: echo, targets: *some}\n", data="some: &some [n1]\n")
        self.serve()
        self.assertEqual(self.loom("run", "one").code, 0)
        self.write("jobs/deeper/two.yaml", "jobs:\n" + self.job("two", "echo second"))
        until(lambda: "two" in {job["name"] for job in self.json("jobs")["items"]}, "the new manifest")
        self.assertIn("second", self.loom("run", "two").out)

        self.write("data.yaml", "some: &some [n1, n2]\n")
        until(lambda: {j["name"]: j["nodes"] for j in self.json("jobs")["items"]}["one"] == 2, "the new datafile")

        self.write("nodes.yaml", self.nodes_yaml() + self.node_yaml("extra", self.fleet.addresses[0]))
        until(lambda: "extra" in {node["name"] for node in self.json("nodes")["items"]}, "the new node")
        self.assertEqual(self.json("run", "two")["run"]["targets"], 4)

        (self.folder / "jobs/deeper/two.yaml").unlink()
        until(lambda: "two" not in {job["name"] for job in self.json("jobs")["items"]}, "the job's end")

    def test_a_bad_text_keeps_the_last_good_configuration(self):
        self.configure(self.job("good", "echo fine"))
        daemon = self.serve()
        self.write("nodes.yaml", "n1: {user: [}\n")
        until(lambda: "nodes.yaml:1" in daemon.log(), "the complaint about the nodes file")
        self.assertIn("fine", self.loom("run", "good").out)

        self.write("nodes.yaml", self.nodes_yaml())
        self.write("jobs/bad.yaml", "jobs:\n  bad: {command: echo, targets: [nowhere]}\n")
        until(lambda: {j["name"]: j["status"] for j in self.json("jobs")["items"]}.get("bad") == "quarantined", "the bad job")
        self.assertIn("fine", self.loom("run", "good").out)
        self.assertIn("nowhere", self.loom("check", code=6).err + self.loom("check", code=6).out)

    def test_a_reload_can_be_asked_for(self):
        self.configure(self.job("one", "echo one"))
        daemon = self.serve()
        self.write("jobs/two.yaml", "jobs:\n" + self.job("two", "echo two"))
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: len(self.json("jobs")["items"]) == 2, "the second job")
        self.assertIsNone(daemon.process.poll(), daemon.log())

    def test_a_daemon_is_asked_before_anything_else_is_read(self):
        self.write("cloud.sh", "#!/bin/sh\necho run >> runs.txt\necho '{\"web\": [\"w1\"], \"_meta\": {}}'\n").chmod(0o755)
        self.configure(self.job("one", "echo one"), settings="inventory: [{type: command, command: [./cloud.sh]}]")
        self.serve()
        asked = (self.folder / "runs.txt").read_text()
        for arguments in (["jobs"], ["nodes"], ["runs"], ["run", "one", "--limit", "n1"]):
            self.loom(*arguments)
        self.assertEqual((self.folder / "runs.txt").read_text(), asked)

    def test_a_list_of_targets_may_be_long(self):
        self.configure(self.job("one", "echo one"))
        names = ",".join(f"n{1 + i % 3}" for i in range(20000))
        for serving in (False, True):
            if serving:
                self.serve()
            self.assertEqual(len(self.json("nodes", "--limit", names)["items"]), 3)
            self.assertEqual(self.json("exec", names, "--dry-run", "--", "id")["targets"], "n[1-3]")
            self.assertEqual(self.json("run", "one", "--limit", names, "--dry-run")["count"], 3)

    def test_a_reload_takes_a_secret_that_changed_and_tells_what_waits_for_the_next_start(self):
        secret = self.write("secret", "one")
        secret.chmod(0o600)
        self.configure(nodes="n1: {password: {file: secret}}\n")
        daemon = self.serve()
        secret.unlink()
        self.assertIn("secret", self.loom("reload", code=6).err)
        self.write("secret", "two").chmod(0o600)
        self.loom("reload")
        self.configure(nodes="n1:\n", settings="ssh: {keep: 5m}")
        until(lambda: "ssh.keep counts from the next start of the daemon" in daemon.log(), "the warning")
        self.assertIn("ssh.keep counts from the next start", self.loom("reload").err)

    def test_a_lost_link_is_lost_and_the_others_are_well(self):
        wait = f"touch {self.folder}/{{{{ node.name }}}}.up; while [ ! -e {self.folder}/go ]; do sleep 0.1; done; echo done"
        self.configure(self.job("wait", wait))
        self.serve()
        run = self.json("run", "wait", "--detach")
        until(lambda: len(list(self.folder.glob("n*.up"))) == 3, "the commands")
        lost = self.fleet.addresses[1]
        self.addCleanup(self.fleet.revive, lost)
        self.fleet.kill(lost)
        (self.folder / "go").touch()
        ended = self.until_run(lambda run: run["state"] != "running")
        self.assertEqual((ended["id"], ended["state"]), (run["id"], "failed"))
        self.assertEqual(ended["counts"], {"lost": 1, "ok": 2})

    def test_waves_stop_at_a_rule_and_a_retry_takes_the_rest(self):
        command = f"test -e {self.folder}/mended || [ {{{{ node.name }}}} != n2 ]"
        self.configure(self.job("upgrade", command, waves=[1, "50%", "100%"], stop_when={"failed": ">0"}),
                       nodes=self.nodes_yaml([f"n{i}" for i in range(1, 7)]))
        plan = self.json("run", "upgrade", "--dry-run")
        self.assertEqual([wave["nodes"] for wave in plan["waves"]], ["n1", "n[2-3]", "n[4-6]"])
        self.serve()
        run = self.json("run", "upgrade", code=1)["run"]
        self.assertEqual((run["state"], run["counts"]), ("failed", {"ok": 2, "failed": 1, "not_started": 3}))
        self.assertEqual(run["message"], "stop_when: 1 of wave 2's 2 nodes failed (>0)")
        (self.folder / "mended").touch()
        again = self.json("retry", run["id"])["run"]
        self.assertEqual((again["state"], again["reason"], again["of"]), ("ok", "retry", run["id"]))
        self.assertEqual(again["counts"], {"ok": 4})
        self.loom("retry", "last", code=7)

    def test_a_log_file_gets_what_a_node_printed(self):
        self.configure(self.job("logged", "echo kept", log={"file": "logs/{{ job.name }}/{{ node.name }}.log"}))
        self.serve()
        self.loom("run", "logged")
        path = next(until(lambda: list(self.folder.rglob("logged/n3.log")), "the log file").__iter__())
        until(lambda: "kept" in path.read_text(), "the line in it")

    def test_kills_at_random_moments_lose_nothing(self):
        rounds = 200 if LONG and not SHORT else 5 if SHORT else 20
        names = [f"n{i:02}" for i in range(1, 13)]
        command = f"echo {{{{ run.id }}}} {{{{ node.name }}}} >> {self.folder}/witness; sleep 0.1"
        self.configure(self.job("work", command, targets="n[01-12]", limits={"parallel": 4}, overlap="allow"),
                       nodes=self.nodes_yaml(names))
        chance = drawn_by_lot()
        for _ in range(rounds):
            daemon = self.serve()
            # In flight: none, one or two runs; the kill comes at some row of theirs.
            before = self.rows()
            for _ in range(chance.randint(0, 2)):
                self.loom("run", "work", "--detach")
            rows = len(before) + chance.randint(0, 14)
            until(lambda: len(self.rows()) >= rows or not self.running(), "some rows")
            seen = self.rows()
            daemon.kill()
            self.assertEqual(self.query("PRAGMA integrity_check"), [("ok",)])
            after = self.rows()
            self.assertEqual({key: after.get(key) for key in seen}, seen, "a record was lost")
        self.serve()
        until(lambda: not self.running(), "the end of what was in flight")
        runs = self.every_run()
        self.assertTrue(runs)
        for run in runs:
            self.assertIn(run["state"], ("ok", "interrupted"), run)
            self.assert_whole(run)
            self.assertLessEqual(set(run["counts"]), TERMINAL)
        lines = (self.folder / "witness").read_text().splitlines()
        self.assertEqual(len(lines), len(set(lines)), "a node ran twice in one run")

    def rows(self):
        """Every node's terminal row that is committed."""
        return {(run, place): state for run, place, state in self.query(
            "SELECT run, json_extract(node.value, '$[0]'), json_extract(result.value, '$.state') FROM progress,"
            " json_each(body, '$.results') AS result, json_each(result.value, '$.nodes') AS node")}

    def running(self):
        return self.query("SELECT id FROM runs WHERE state = 'running'")

    def every_run(self):
        return self.json("runs", "--count", "1000")["items"]


if __name__ == "__main__":
    unittest.main(verbosity=2)
