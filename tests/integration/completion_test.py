#!/usr/bin/env python3
"""The scripts of `loom completion` in real shells on a terminal, each of those that are installed: what a person types before
the Tab key, and the words that the shell then has."""
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import termios
import time
import unittest

from loom_case import LOOM, PATIENCE, ROOT, LoomCase

BEGIN, END = "the-line-is", "that-was-it"
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'PS1="$ "; bind "set bell-style none"; eval "$(loom completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'PS1="$ "; bindkey -e; unset zle_bracketed_paste; unsetopt beep; autoload -U compinit; compinit -u; '
                                 'eval "$(loom completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "set -g fish_autosuggestion_enabled 0; function fish_prompt; printf '$ '; end; "
                                            "function fish_greeting; end; loom completion fish | source"),
}


class Terminal:
    """A shell on a pseudo-terminal, with its completion set up."""

    def __init__(self, case, arguments, setup, environment):
        self.read = ""
        master, slave = pty.openpty()
        self.master = master
        self.process = subprocess.Popen(arguments, stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=case.folder,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        case.addCleanup(self.end)
        self.type(setup + "; printf 're%s\\n' ady\r")
        self.wait_for(r"\bready\b")

    def end(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self.master)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def wait_for(self, pattern):
        """The match, once the shell has printed it; what was printed up to there is done with."""
        end = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.read)):
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"waited in vain for {pattern} in:\n{self.read}")
            self.read += os.read(self.master, 65536).decode(errors="replace")
        self.read = self.read[found.end():]
        return found

    def words(self, line):
        """The words of the line once Tab was pressed behind it: printed by the shell itself, so as it would run them."""
        self.type(f"{line}\t\x01printf '<%s>' {BEGIN} \x05 {END}\r")
        return re.findall(r"<([^>]*)>", self.wait_for(rf"<{BEGIN}>((?:<[^>]*>)*)<{END}>").group(1))


class CompletionTest(LoomCase):
    nodes_count = 0

    def setUp(self):
        super().setUp()
        self.configure("  nightly: {command: 'true', targets: web1}\n  report: {command: 'true', targets: web1}\n",
                       nodes="web[001-120]: {groups: [front], labels: {rack: r1}}\ndb1: {labels: {rack: r2}}\n")
        self.folder.joinpath("bin").mkdir()
        self.folder.joinpath("bin/loom").symlink_to(LOOM)
        self.environment["PATH"] = f"{self.folder}/bin:{self.environment['PATH']}"
        self.environment.update(LOOM_CONFIG=str(self.config), TERM="xterm", LC_ALL="C.UTF-8")

    def completes(self, name):
        arguments, setup = SHELLS[name]
        terminal = Terminal(self, arguments, setup, self.environment)
        for line, words in (
                ("loom run nig", ["loom", "run", "nightly"]),
                ("loom resu", ["loom", "resume"]),
                ("loom jobs sh", ["loom", "jobs", "show"]),
                ("loom retry --sta", ["loom", "retry", "--states"]),
                ("loom nodes show d", ["loom", "nodes", "show", "db1"]),
                ("loom exec 'web[", ["loom", "exec", "web[001-120]"]),
                ("loom exec db1,@fr", ["loom", "exec", "db1,@front"]),
                ("loom exec @label:rack=r2", ["loom", "exec", "@label:rack=r2"]),
                ("loom runs --job=rep", ["loom", "runs", "--job=report"]),
                ("loom -c nod", ["loom", "-c", "nodes.yaml"])):
            if name != "zsh":
                line = line.replace("'", "")  # in zsh a bare [ begins a subscript
            with self.subTest(shell=name, line=line):
                self.assertEqual(terminal.words(line), words)

    def test_each_shell_that_is_installed_completes_a_line(self):
        for name in SHELLS:
            if name == "bash" or shutil.which(name):
                self.completes(name)

    def test_the_scripts_are_those_that_are_installed(self):
        for name, file in (("bash", "loom.bash"), ("zsh", "_loom"), ("fish", "loom.fish")):
            self.assertEqual(self.loom("completion", name).out, pathlib.Path(ROOT, "share/completions", file).read_text())

    def test_a_running_daemon_is_asked(self):
        self.serve()
        self.write("jobs/jobs.yaml", "jobs:\n  unread\n")  # the daemon keeps what it has read
        self.assertIn("nightly", self.loom("complete", "fish", "--", "run", "nig").out)

    def test_what_took_long_is_kept_for_the_next_key(self):
        nodes = "".join(f"n{i:05}: {{ip: 192.0.2.1, labels: {{a: b{i % 100}, c: d{i % 7}}}}}\n" for i in range(20000))
        self.configure("", nodes=nodes)
        first = self.loom("complete", "fish", "--", "exec", "n0").out
        kept = [file for file in self.home.joinpath(".cache/loom/completion").iterdir()]
        self.assertEqual([file.name.split("-")[1] for file in kept], ["nodes"])
        self.configure("", nodes="other: {}\n")
        self.assertEqual(self.loom("complete", "fish", "--", "exec", "n0").out, first)


if __name__ == "__main__":
    unittest.main(verbosity=2)
