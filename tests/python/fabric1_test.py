#!/usr/bin/env python3
"""Tasks of Fabric 1, as its documentation has them, run by the worker."""
import unittest

from fabric1_case import Fabric1Case


class EnvTest(Fabric1Case):
    def test_the_node_is_the_jobs_choice(self):
        self.assertEqual(self.value("facts"), ["web1", "web1", "root", "22", "module", ["web1", "web2"], "fabfile.facts"])

    def test_each_call_begins_as_the_module_left_it(self):
        fresh = ["module", ["web1", "web2"], {"FROM": "the job"}, True]
        self.assertEqual(self.value("see_env", env={"FROM": "the job"}), fresh)
        self.value("change_env")
        self.assertEqual(self.value("see_env", env={"FROM": "the job"}), fresh)

    def test_another_modules_settings_do_not_reach_it(self):
        self.daemon.write("other.py", "from fabric.api import env\nenv.mark = 'other'\nenv.extra = 1\ndef f(): return env.mark\n")
        self.assertEqual(self.daemon.call("other.f").value, "other")
        self.assertEqual(self.value("see_env")[0], "module")
        self.assertEqual(self.daemon.call("other.f").value, "other")

    def test_another_node_or_user_is_refused(self):
        self.assertEqual(self.call("other_host").message,
                         "env.host_string is 'db1': a task speaks to its own node only, which is web1")
        ended = self.call("other_user")
        self.assertIn("env.user is 'postgres', but Loom logs in to web1 as 'root'", ended.message)
        self.assertEqual(ended.requests, [])


class CommandTest(Fabric1Case):
    def test_a_result_is_a_text_that_says_how_it_went(self):
        self.assertEqual(self.value("result", cwd=""), [
            "out\nerr", False, True, 0, "", "echo out; echo err >&2", '/bin/bash -l -c "echo out; echo err >&2"', "out\nerr",
            "", True, False, 3, "no", True, ["out", "err"]])

    def test_a_failed_command_ends_the_task(self):
        ended = self.call("fails", cwd="")
        self.assertEqual((ended.state, ended.exit_status), ("failed", 7))
        self.assertEqual(ended.message, "run() received nonzero return code 7 while executing 'exit 7'")
        self.assertIn("Fatal error: run() received nonzero return code 7 while executing!\n\nRequested: exit 7\n"
                      'Executed: /bin/bash -l -c "exit 7"\n\nAborting.\n', ended.err)
        self.assertNotIn("never", ended.out)
        self.assertNotIn("Traceback", ended.err)

    def test_the_lines_that_contexts_make(self):
        self.only_record()
        ended = self.call("commands", cwd="")
        bash = '/bin/bash -l -c "%s" 2>&1'
        self.assertEqual(ended.commands, [
            bash % r"cd /tmp/a\ b >/dev/null && one",
            bash % "cd /tmp >/dev/null && source venv/bin/activate && true && two",
            bash % r"cd /tmp >/dev/null && three \$HOME \`x\` \"q\"",
            bash % r'export PATH=\$PATH:\"/opt/bin:/opt/more\" && four',
            'exec 2>&1; export PATH="/opt/bin":$PATH && five',
            bash % r'export A=\"1\" B=\"x y\" && six',
            bash % "seven $X",
            '/bin/bash -l -c "eight"',
            bash % "nine", bash % "ten", "exec 2>&1; eleven",
            "sudo -n -u app -g web -- /bin/sh -c '" + bash % "twelve" + "'",
            '/bin/sh -c "thirteen" 2>&1', "fourteen"])
        self.assertEqual([(request["sudo"] or {}).get("user") for request in ended.requests],
                         [None] * 8 + ["root", "www-data", "postgres", "root", None, None])
        self.assertEqual([request["pty"] for request in ended.requests], [False] * 7 + [True] + [False] * 6)

    def test_the_jobs_own_env_folder_and_user_hold(self):
        self.only_record()
        ended = self.call("lenient", cwd="/srv", env={"K": "v"}, become={"user": "app"})
        self.assertEqual(ended.commands, [r'/bin/bash -l -c "export K=\"v\" && cd /srv >/dev/null && exit 1" 2>&1'])
        self.assertEqual(ended.requests[0]["sudo"], {"user": "app"})

    def test_what_is_hidden(self):
        everything = self.call("shown", [])
        self.assertEqual(everything.out, "user\nrun: echo out; echo err >&2; exit 1\nout\nlocal: echo local\nlocal\n")
        self.assertIn("err\n\nWarning: run() received nonzero return code 1 while executing 'echo out;", everything.err)
        self.assertEqual(self.call("shown", ["running", "stdout"]).out, "user\n")
        self.assertEqual(self.call("shown", ["commands", "user"]).out, "")
        self.assertNotIn("err\n", self.call("shown", ["output"]).err.replace("echo err", ""))
        hidden = self.call("shown", ["everything"])
        self.assertEqual((hidden.out, hidden.err), ("", ""))
        self.assertEqual(self.call("shown", ["nonsense"]).message, "no output level is named nonsense")

    def test_quiet_streams_and_terminals(self):
        ended = self.call("silent")
        self.assertEqual((ended.value, ended.out), (4, ""))
        self.assertEqual(self.value("streams"), "kept\n")
        self.assertEqual(self.value("terminal"), "yes\nmore")
        self.assertIs(self.value("lenient"), True)

    def test_local_commands(self):
        ended = self.call("locally")
        self.assertEqual(ended.value, ["hello", "err", "", 2], ended)
        self.assertIn("shown\n", ended.out)
        ended = self.call("local_fails")
        self.assertEqual((ended.message, ended.exit_status),
                         ("local() encountered an error (return code 5) while executing 'exit 5'", 5))

    def test_a_local_command_is_kept_up_to_a_bound(self):
        self.assertIn("printed more than 16 MiB, which is not kept", self.call("captures_much").message)

    def test_what_is_missing_in_a_result_is_told(self):
        self.daemon.on_remote = lambda _: {"state": "ok", "exit_status": 0, "out": "some", "err": "", "dropped": 7}
        self.assertEqual(self.call("lenient").err, "exit 1: 7 bytes of its output are beyond what is kept\n")

    def test_reboot_waits_for_another_boot(self):
        answers = iter([{"out": "first\n"}, {}, {"state": "lost"}, {"state": "lost"}, {"out": "first\n"}, {"state": "failed", "exit_status": None, "message": "no route"},
                        {"out": "second\n"}])
        self.daemon.on_remote = lambda _: {"state": "ok", "exit_status": 0, "out": "", "err": "", **next(answers)}
        ended = self.call("reboots", 1)
        self.assertEqual((ended.value, len(ended.requests)), ("back", 7), ended)
        self.assertEqual(ended.requests[1]["sudo"], {"user": "root"})
        self.daemon.on_remote = lambda _: {"state": "ok", "exit_status": 0, "out": "first\n", "err": ""}
        self.assertEqual(self.call("reboots", 0.1).message, "reboot: web1 did not come back within 0.1 s")

    def test_a_timeout_is_an_exception(self):
        self.daemon.on_remote = lambda request: {"state": "timed_out", "message": "1 s passed"}
        self.assertEqual(self.call("times_out").message, "fabric.exceptions.CommandTimeout: the command did not end within 1 s")

    def test_a_lost_link_is_a_failure(self):
        self.daemon.on_remote = lambda request: {"state": "lost", "message": "the link died"}
        self.assertEqual(self.call("fails").message, "exit 7: the link died")


class WordsTest(Fabric1Case):
    def test_abort_and_warn(self):
        ended = self.call("aborts")
        self.assertEqual((ended.state, ended.message, ended.err), ("failed", "No way.", "\nFatal error: No way.\n\nAborting.\n"))
        self.assertEqual(self.value("aborts_as", 1), "caught")
        ended = self.call("warns")
        self.assertEqual(ended.err, "\nWarning: careful\n\n\nWarning: not so bad\n\n")
        self.assertEqual(ended.out, "no end\033[31mr\033[0m\033[1;32mg\033[0m\n    a\n    b\n")

    def test_questions_are_refused(self):
        self.assertEqual(self.call("asks").message, "prompt is refused, since nobody is there to answer: Name?")
        self.assertEqual(self.call("asks_to_confirm").message, "confirm is refused, since nobody is there to answer: Sure?")
        self.assertEqual(self.call("opens_shell").message, "open_shell is refused: nobody sits at a terminal")
        self.assertEqual(self.call("needs").message, "the command fabfile.needs needs env.missing_thing; provided by facts")


if __name__ == "__main__":
    unittest.main(verbosity=2)
