#!/usr/bin/env python3
"""The tasks of the standard library on a plain sshd node: each is looked at with --check, done, and done again.

What changes a machine is tried in library_root_test.py."""
import hashlib
import http.server
import json
import os
import pathlib
import socket
import stat
import subprocess
import threading
import unittest

from library_case import Library
from loom_case import free_port


class OnAPlainNode(Library):
    def test_files_and_folders(self):
        folder = self.there / "a folder"
        self.goes("loom.files.directory", f"make folder {folder}", path=folder, mode="0750")
        self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o750)
        self.goes("loom.files.directory", f"set permissions 700 of {folder}", path=folder, mode="0700")

        file = folder / "it's"
        self.goes("loom.files.line", f"write {file}", path=file, line="first", create="true", mode="0600")
        self.goes("loom.files.line", f"add a line to {file}", path=file, line="port = 1")
        self.goes("loom.files.line", f"replace line 2 of {file}", path=file, line="port = 2", match="^port")
        self.assertEqual(file.read_text(), "first\nport = 2\n")
        self.goes("loom.files.line", f"remove 1 line from {file}", path=file, match="^port", state="absent")
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)

        self.assertIn("holds something", self.task("loom.files.remove", path=folder, code=1)["message"])
        self.goes("loom.files.remove", f"remove {folder} with what it holds", path=folder, recursive="true")
        self.assertFalse(folder.exists())
        self.assertEqual(list(self.there.iterdir()), [])

    def test_a_template_is_filled_in_for_its_node(self):
        self.configure(nodes=self.node_yaml("n1", self.fleet.addresses[0], vars={"port": 8080}))
        source = self.write("app.conf", "name = {{ node.name }}\nport = {{ node.vars.port }}\nkeep {{ this }}\n")
        target = self.there / "app.conf"
        self.goes("loom.files.template", f"write {target}", source=source, path=target, mode="0640")
        self.assertEqual(target.read_text(), "name = n1\nport = 8080\nkeep {{ this }}\n")
        self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o640)
        source.write_text("{{ node.vars.none }}\n")
        failed = self.task("loom.files.template", source=source, path=target, code=1)
        self.assertEqual(failed["message"], f'{source}: "{{{{ node.vars.none }}}}" has no value')
        self.assertEqual(target.read_text(), "name = n1\nport = 8080\nkeep {{ this }}\n")

    def test_put_and_get_look_before_they_bring(self):
        source = self.folder / "site"
        (source / "below").mkdir(parents=True)
        (source / "below" / "page").write_text("page\n")
        os.symlink("page", source / "below" / "link")
        target = self.there / "www"
        self.goes("loom.files.put", f"put {target}/below/page", source=source, path=target)
        self.assertEqual((target / "below" / "link").read_text(), "page\n")
        (source / "below" / "page").chmod(0o600)
        looked = self.task("loom.files.put", source=source, path=target, check=True)
        self.assertIn(f"would set the mode of {target}/below/page", looked["out"])
        os.unlink(target / "below" / "link")
        got = self.folder / "got"
        looked = self.task("loom.files.get", path=f"{target}/", folder=got, check=True)
        self.assertEqual((looked["state"], got.exists()), ("changed", False))
        self.goes("loom.files.get", f"get {target}/below/page", path=f"{target}/", folder=got)
        self.assertEqual((got / "n1" / "below" / "page").read_text(), "page\n")
        (self.folder / "a").write_text("a")
        self.assertIn("would put", self.loom("put", "n1", "a", self.there / "a", "--check").out)
        self.assertFalse((self.there / "a").exists())

    def test_a_url_is_fetched_and_waited_for(self):
        page = self.write("page", "hello\n")
        handler = lambda *given: Quiet(*given, directory=str(self.folder))  # noqa: E731
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.addCleanup(server.server_close)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        self.addCleanup(serving.join)
        self.addCleanup(server.shutdown)
        url = f"http://127.0.0.1:{server.server_address[1]}"
        target = self.there / "page"
        self.goes("loom.files.fetch", f"fetch {url}/page to {target}", url=f"{url}/page", path=target)
        self.assertEqual(target.read_text(), "hello\n")
        wrong = self.task("loom.files.fetch", url=f"{url}/page", path=target, sha256="0" * 64, code=1)
        self.assertIn(f"could not fetch {url}/page", wrong["message"])
        page.write_text("other\n")
        self.goes("loom.files.fetch", f"fetch {url}/page", url=f"{url}/page", path=target, sha256=hashlib.sha256(b"other\n").hexdigest())
        self.assertEqual([path.name for path in self.there.iterdir()], ["page"])

        self.assertIn("answers 200", self.task("loom.http.wait", url=f"{url}/page", contains="other")["out"])
        self.assertIn("answers 404", self.task("loom.http.wait", url=f"{url}/none", timeout="off", code=1)["message"])
        self.assertEqual(self.task("loom.http.wait", url=f"{url}/none", status=404)["state"], "ok")
        looked = self.task("loom.http.wait", url=f"{url}/none", check=True)
        self.assertEqual((looked["state"], looked["out"]), ("ok", f"would wait: {url}/none answers 404\n"))

    def test_a_port_is_waited_for_until_it_opens(self):
        port = free_port()
        self.assertEqual(self.task("loom.port.wait", port=port, state="closed")["out"], f"port {port} of 127.0.0.1 is closed\n")
        self.assertIn("is closed", self.task("loom.port.wait", port=port, timeout="off", code=1)["message"])
        waiting = self.start("-o", "json", "exec", "n1", "--task", "loom.port.wait", "--arg", f"port={port}", "--arg", "interval=1s")
        with socket.create_server(("127.0.0.1", port)) as listening:
            listening.accept()[0].close()
            self.assertEqual(self.finish(waiting).json()["groups"][0]["state"], "ok")

    def test_a_repository_is_checked_out_at_a_version(self):
        origin = self.folder / "origin"
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}

        def run(*words):
            return subprocess.run([*git, "-C", origin, *words], check=True, capture_output=True, text=True, env=environment).stdout.strip()

        subprocess.run([*git, "init", "-q", origin], check=True, env=environment)
        commits = []
        for text in ("one", "two"):
            (origin / "file").write_text(text)
            run("add", "file")
            run("commit", "-q", "-m", text)
            commits.append(run("rev-parse", "HEAD"))
            run("tag", "-a", "-m", text, f"v-{text}")
        path = self.there / "deep" / "app"
        repository = f"file://{origin}"
        self.goes("loom.git.checkout", f"clone {repository} to {path}", repository=repository, path=path, version="v-one")
        self.assertEqual((path / "file").read_text(), "one")
        self.goes("loom.git.checkout", "check out", repository=repository, path=path)
        self.assertEqual((path / "file").read_text(), "two")
        (origin / "file").write_text("three")
        run("commit", "-q", "-a", "-m", "three")
        self.goes("loom.git.checkout", "check out", repository=repository, path=path, version="main")
        self.goes("loom.git.checkout", "check out", repository=repository, path=path, version=commits[0])
        (path / "file").write_text("mine")
        refused = self.task("loom.git.checkout", repository=repository, path=path, version="main", code=1)
        self.assertIn("has changes of its own", refused["message"])
        self.goes("loom.git.checkout", "throw away changes", repository=repository, path=path, version="main", force="true")
        self.assertEqual((path / "file").read_text(), "three")
        none = self.task("loom.git.checkout", repository=repository, path=path, version="nothing", code=1)
        self.assertIn("has no nothing", none["message"])

    def test_what_the_node_is(self):
        facts = json.loads(self.task("loom.system.facts")["out"])
        self.assertEqual(facts["hostname"], os.uname().nodename)
        self.assertEqual(facts["kernel"], os.uname().release)
        self.assertEqual(facts["cpus"], os.cpu_count())
        self.assertGreater(facts["memory_bytes"], 1 << 20)
        self.assertIn("id", facts["os"])
        self.assertIsInstance(facts["disks"], list)
        self.assertTrue(facts["filesystems"])
        self.assertRegex(self.task("loom.system.uptime")["out"], r"^up \d+d \d+h \d+m, load [\d.]+ [\d.]+ [\d.]+\n$")
        self.assertEqual(self.task("loom.system.gethostip")["out"], self.fleet.addresses[0] + "\n")
        self.assertEqual(self.task("loom.system.facts", check=True)["state"], "ok")

    def test_a_command_stays_behind(self):
        pid = self.there / "pid"
        log = self.there / "log"
        self.addCleanup(self.end_left_behind, pid)
        self.goes("loom.system.run_daemon_cmd", "start", command="echo begun; exec sleep 600", pidfile=pid, log=log)
        self.assertIn("sleep", pathlib.Path(f"/proc/{pid.read_text().strip()}/cmdline").read_text())
        self.assertEqual(log.read_text(), "begun\n")

    @staticmethod
    def end_left_behind(pid):
        if pid.exists():
            os.kill(int(pid.read_text()), 9)

    def test_a_node_that_does_not_boot_is_told_so(self):
        looked = self.task("loom.system.reboot", command="false", check=True)
        self.assertEqual(looked["state"], "changed")
        failed = self.task("loom.system.reboot", command="true", timeout="off", interval="10ms", code=1)
        self.assertEqual(failed["message"], "not back after 0ms: it answers, and has not booted")
        self.assertEqual(self.task("loom.system.reboot", command="true", wait="false")["state"], "changed")

    def test_several_applications_and_become_of_a_job(self):
        self.configure(jobs=f"""
  folders:
    task: loom.files.directory
    args: [{{path: "{self.there}/a"}}, {{path: "{self.there}/b/{{{{ node.name }}}}"}}]
    kwargs: {{mode: 0700}}
    cwd: "{self.there}"
    targets: n1
  excluded: {{task: loom.system.add_sshfs_mount, args: [{{host: a, remotepath: /x, mountpoint: /x, excludes: [n1]}}], targets: n1}}
  shell: {{command: "touch {self.there}/touched", targets: n1}}
  wrong: {{task: loom.files.directory, args: [/a], kwargs: {{mod: 0700}}, targets: n1}}
""")
        looked = self.json("run", "folders", "--check")
        self.assertEqual((looked["run"]["reason"], looked["run"]["job"]), ("check", ""))
        self.assertEqual(looked["run"]["task"], "check folders: loom.files.directory")
        self.assertEqual(list(self.there.iterdir()), [])
        self.assertEqual(self.json("run", "folders")["run"]["counts"], {"changed": 1})
        self.assertEqual(self.json("run", "folders")["run"]["counts"], {"ok": 1})
        self.assertTrue((self.there / "b" / "n1").is_dir())
        self.assertEqual(self.json("run", "excluded")["groups"][0]["message"], "excludes: n1")
        shell = self.json("run", "shell", "--check")
        self.assertEqual(shell["run"]["counts"], {"skipped": 1})
        self.assertFalse((self.there / "touched").exists())
        self.assertEqual([run["reason"] for run in self.runs("--job", "folders")], ["manual", "manual"])
        checked = self.loom("check", code=6)
        self.assertIn('jobs/jobs.yaml:11:17: quarantined: wrong: loom.files.directory: has no argument "mod" (did you mean "mode"?)', checked.out + checked.err)

    def test_a_check_may_be_made_again(self):
        self.serve()
        gone = self.there / "gone"
        run = self.json("exec", "n1", "--task", "loom.files.line", "--arg", f"path={gone}", "--arg", "line=a", "--check", code=1)["run"]
        gone.write_text("")
        again = self.json("retry", run["id"])["run"]
        self.assertEqual((again["reason"], again["counts"]), ("check", {"changed": 1}))
        self.assertEqual(gone.read_text(), "")

    def test_wrong_words_of_a_task_are_told_before_anything_runs(self):
        for words, says in (
            (["--task", "loom.files.lin", "--arg", "path=/x"], 'unknown task "loom.files.lin" (did you mean "loom.files.line"?)'),
            (["--task", "loom.files.line", "--arg", "path"], '--arg: expected NAME=VALUE, not "path"'),
            (["--task", "loom.files.line", "--arg", "path=/a", "--arg", "path=/b"], "--arg path is given twice"),
            (["--arg", "path=/a"], "--arg is for a task: --task NAME"),
        ):
            with self.subTest(words=words):
                self.assertIn(says, self.loom("exec", "n1", *words, code=None).err)
        self.assertIn("not both", self.loom("exec", "n1", "--task", "loom.system.uptime", "--", "true", code=2).err)
        self.assertEqual(self.runs(), [])

    def test_the_tasks_are_listed_and_shown(self):
        self.assertIn("loom.files.line", self.loom("tasks").out)
        names = [task["name"] for task in self.json("tasks")["items"]]
        self.assertEqual(names, sorted(names))
        shown = self.loom("tasks", "show", "loom.files.line").out
        self.assertIn("grep -E", shown)
        self.assertIn('"loom.files.line"', self.loom("tasks", "show", "loom.files.lines", code=5).err)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


if __name__ == "__main__":
    unittest.main(verbosity=2)
