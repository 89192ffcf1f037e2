#!/usr/bin/env python3
"""What happens to the ledger while its disk, its folder or another program is against it, end to end."""
import contextlib
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import time
import unittest

from loom_case import LOOM, PATIENCE, LoomCase, until

FULL = 40_000
"""A limit on the size of files: the daemon's own log stays below it, and the database's does not."""


class LedgerTest(LoomCase):
    def job(self, name, command, **more):
        return f"  {name}: " + json.dumps({"command": command, "targets": "@*", **more}) + "\n"

    def waiting_job(self):
        """Its commands wait for a file, and tell that they do by another."""
        return self.job("work", f"touch {self.folder}/{{{{ node.name }}}}.up; while [ ! -e {self.folder}/go ]; do sleep 0.1; done; echo done",
                        log={"file": "logs/{{ node.name }}.log"})

    def begin_work(self):
        run = self.json("run", "work", "--detach")["id"]
        until(lambda: len(list(self.folder.glob("n*.up"))) == 3, "the commands")
        return run

    def state_of(self, run):
        return self.query("SELECT state FROM runs WHERE id = ?", run)[0][0]

    def limit_files(self, daemon, size=resource.RLIM_INFINITY):
        hard = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    def test_a_full_disk_delays_everything_and_loses_nothing(self):
        self.configure(self.waiting_job() + self.job("tick", "echo tick", targets="n1", schedule="* * * * * *", overlap="allow"))
        daemon = self.serve()
        run = self.begin_work()
        following = self.start("logs", "-f", run, "-o", "json")
        self.assertIn(b"snapshot", following.stdout.readline())
        wal = self.folder / "state" / "loom.db-wal"
        until(lambda: wal.stat().st_size > 2 * FULL, "a log of the database that is over the limit")
        self.limit_files(daemon, FULL)
        (self.folder / "go").touch()
        until(lambda: "the ledger cannot be written" in daemon.log(), "the complaint")
        began = time.time()
        refused = self.loom("run", "tick", code=3)
        self.assertIn("loom.db", refused.err)
        self.loom("runs") # reading goes on
        until(lambda: time.time() > began + 3, "some instants of the schedule")
        self.assertEqual(self.state_of(run), "running")
        self.assertEqual(list(self.folder.glob("**/logs/*")), [], "a log has what the ledger has not")
        self.assertIsNone(daemon.process.poll(), daemon.log())

        self.limit_files(daemon)
        until(lambda: self.state_of(run) != "running", "the end of the run")
        self.assertEqual(self.json("runs", "show", run)["run"]["counts"], {"ok": 3})
        self.assertIn("the ledger cannot be written, the run stands still until it can: ", self.finish(following).out)
        until(lambda: len(list(self.folder.glob("**/logs/*"))) == 3, "the logs")
        room = time.time()
        until(lambda: self.query("SELECT 1 FROM runs WHERE job = 'tick' AND state = 'ok' AND due_ms > ?", int(room * 1000)), "a tick")
        self.assertEqual(daemon.stop(), 0, daemon.log())
        due = [row[0] for row in self.query("SELECT due_ms FROM runs WHERE job = 'tick' ORDER BY due_ms")]
        self.assertEqual([b - a for a, b in zip(due, due[1:])], [1000] * (len(due) - 1), "an instant has no row")
        self.assertTrue(self.query("SELECT 1 FROM runs WHERE job = 'tick' AND state = 'missed'"))
        self.assertEqual(daemon.log().count("the ledger cannot be written"), 1, daemon.log())
        self.assertEqual(daemon.log().count("the ledger is written again"), 1, daemon.log())
        self.assertEqual(self.query("PRAGMA integrity_check"), [("ok",)])

    def test_a_database_that_another_program_holds_delays_a_run(self):
        self.configure(self.waiting_job())
        daemon = self.serve()
        run = self.begin_work()
        other = sqlite3.connect(self.folder / "state" / "loom.db", isolation_level=None, timeout=PATIENCE)
        self.addCleanup(other.close)
        other.execute("BEGIN IMMEDIATE")
        (self.folder / "go").touch()
        until(lambda: "the ledger cannot be written" in daemon.log(), "the complaint")
        self.assertIn("another program holds it", daemon.log())
        self.assertEqual(self.state_of(run), "running")
        other.execute("COMMIT")
        until(lambda: self.state_of(run) == "ok", "the end of the run")

    def test_a_damaged_database_is_refused_and_left_as_it_is(self):
        self.configure(self.job("hello", "echo hello"))
        self.loom("run", "hello")
        path = self.folder / "state" / "loom.db"
        text = path.read_bytes()
        damaged = text[:4096] + bytes(b ^ 0x5a for b in text[4096:])
        path.write_bytes(damaged)
        for arguments in (["runs"], ["run", "hello"], ["serve"]):
            done = self.loom(*arguments, code=3)
            self.assertIn("loom.db: the database is damaged", done.err)
            self.assertIn("restore a folder that `loom db backup` made", done.err)
        self.assertEqual(path.read_bytes(), damaged)
        self.assertIn(f"{path}: the database is damaged", self.loom("db", "check", code=1).out)
        doctor = self.loom("doctor", code=1)
        self.assertIn("the database is damaged", doctor.out)

    def test_a_ledger_of_a_newer_version_is_refused_and_left_as_it_is(self):
        self.configure(self.job("hello", "echo hello"))
        self.loom("run", "hello")
        path = self.folder / "state" / "loom.db"
        with contextlib.closing(sqlite3.connect(path)) as ledger:
            ledger.execute("PRAGMA user_version = 99")
            ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        newer = path.read_bytes()
        for arguments in (["runs"], ["run", "hello"], ["serve"]):
            done = self.loom(*arguments, code=3)
            self.assertRegex(done.err, r"loom\.db: written by a newer loom \(schema 99, this one knows \d+\): use that one")
        self.assertEqual(path.read_bytes(), newer)

    def test_doctor_says_that_the_history_cannot_be_written(self):
        self.configure(self.job("hello", "echo hello"))
        self.loom("run", "hello")
        done = subprocess.run([LOOM, "-c", str(self.config), "doctor"], capture_output=True, text=True, env=self.environment,
                              cwd=self.folder, timeout=PATIENCE, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, FULL)))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"history +FAIL .*cannot write")
        self.assertEqual(list((self.folder / "state").glob("try-*")), [])

    @unittest.skipUnless(os.geteuid() == 0, "root lends its folder to another user, and takes the right to write away")
    def test_a_folder_that_may_only_be_read_is_named(self):
        self.configure(self.job("hello", "true"))
        self.loom("run", "hello")
        self.folder.chmod(0o755)
        for path in [self.folder / "state", *(self.folder / "state").rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        nobody = shutil.copy(LOOM, self.folder / "loom") # where it can be reached
        done = subprocess.run([nobody, "-c", str(self.config), "run", "hello"], capture_output=True, text=True, cwd="/",
                              env={**self.environment, "HOME": "/"}, timeout=PATIENCE, check=False, user=65534, group=65534, extra_groups=[])
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn(str(self.folder / "state"), done.stderr)

    def read_only(self, *arguments, code=0):
        """The command, in a mount namespace of its own where the state folder may only be read."""
        mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
        private = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, str(self.folder / "state")]
        if subprocess.run([*private, "true"], capture_output=True, timeout=PATIENCE, check=False).returncode != 0:
            self.skipTest("this machine grants no mount namespace")
        done = subprocess.run([*private, LOOM, "-c", str(self.config), *arguments], capture_output=True, text=True, env=self.environment,
                              cwd=self.folder, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def test_a_ledger_on_a_file_system_that_may_only_be_read_is_read(self):
        self.configure(self.job("hello", "echo hello"))
        daemon = self.serve()
        self.loom("run", "hello")
        self.assertEqual(daemon.stop(), 0, daemon.log())
        self.assertFalse((self.folder / "state" / "loom.db-wal").exists())
        self.assertIn("ok", self.read_only("runs").stdout)
        self.assertIn("hello", self.read_only("logs", "last").stdout)
        self.assertIn("all sound", self.read_only("db", "check").stdout)
        self.assertIn("Read-only file system", self.read_only("run", "hello", code=3).stderr)

    def test_a_ledger_that_cannot_be_read_whole_where_it_is_says_so(self):
        self.configure(self.job("hello", "echo hello"))
        daemon = self.serve()
        self.loom("run", "hello")
        daemon.kill()
        (self.folder / "state" / "loom.db-shm").unlink()
        refused = self.read_only("runs", code=3).stderr
        self.assertIn("loom.db: its file system may only be read, and ", refused)
        self.assertIn("read a copy of the folder", refused)


if __name__ == "__main__":
    unittest.main(verbosity=2)
