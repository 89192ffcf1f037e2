#!/usr/bin/env python3
"""The daemon over the network: TLS, tokens, the remote command line, events that resume, and the documented examples."""
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import unittest

from loom_case import LOOM, ROOT, LoomCase, free_port, until


class Proxy:
    """Forwards connections to a port, and can cut them; of so many requests that begin with `swallow`, once they were answered."""

    def __init__(self, target, swallow=None, times=0):
        self.target, self.open, self.accepting = target, [], True
        self.swallow, self.times, self.swallowed = swallow, times, 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            if not self.accepting:
                client.close()
                continue
            try:
                behind = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            self.open += [client, behind]
            threading.Thread(target=self.forward, args=(client, behind), daemon=True).start()

    def forward(self, client, behind):
        if self.swallow:
            first = client.recv(65536)
            behind.sendall(first)
            if first.startswith(self.swallow) and self.swallowed < self.times:
                self.swallowed += 1
                behind.recv(65536)
                for end in (client, behind):
                    end.shutdown(socket.SHUT_RDWR)
                return
        for one, other in ((client, behind), (behind, client)):
            threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    @staticmethod
    def pump(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        for end in self.open:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()
        self.open.clear()

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.cut()


class HttpTest(LoomCase):
    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"

    def certificate(self, name="server", days="30"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", days,
                        "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.folder / f"{name}.key",
                        "-out", self.folder / f"{name}.crt"], check=True, capture_output=True)
        (self.folder / f"{name}.key").chmod(0o600)
        shown = subprocess.run(["openssl", "x509", "-in", self.folder / f"{name}.crt", "-noout", "-fingerprint", "-sha256"], check=True,
                               capture_output=True, text=True).stdout
        return shown.strip().split("=")[1]

    def serve_tls(self, jobs="", more=""):
        fingerprint = self.certificate()
        self.configure(jobs, settings=f"listen: {{address: '127.0.0.1:{self.port}', tls: {{certificate: server.crt, key: server.key{more}}}}}")
        return self.serve(), fingerprint

    def token(self, name, *flags):
        return self.loom("token", "create", name, *flags).out.strip()

    def curl(self, *arguments, code=0):
        done = subprocess.run(["curl", "-sS", "--max-time", "60", *map(str, arguments)], capture_output=True, text=True, env=self.environment,
                              cwd=self.folder, check=False)
        if code is not None:
            self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def get(self, path, token=None, *flags):
        """Status and JSON of a GET over TLS."""
        field = ["-H", f"Authorization: Bearer {token}"] if token else []
        out = self.curl("--cacert", "server.crt", *field, *flags, "-w", "\n%{http_code}", f"{self.url}/api/v1{path}")
        body, status = out.rsplit("\n", 1)
        return int(status), json.loads(body) if body else None

    def remote(self, *arguments, token, fingerprint, code=0, port=None):
        """The real command line on another machine: no configuration, only what the environment says."""
        environment = {k: v for k, v in self.environment.items() if k != "XDG_RUNTIME_DIR"}
        environment.update(LOOM_SERVER=f"https://127.0.0.1:{port or self.port}", LOOM_TOKEN=token, LOOM_FINGERPRINT=fingerprint)
        process = subprocess.Popen([LOOM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
                                   cwd=self.home)
        return process if code == "later" else self.finish(process, code)

    def test_tls_tokens_and_health_as_curl_sees_them(self):
        daemon, _ = self.serve_tls("  hello: {command: echo hi, targets: '@*'}\n")
        until(lambda: f"https://127.0.0.1:{self.port}" in daemon.log(), "the address in the log")
        self.assertEqual(self.curl("--cacert", "server.crt", f"{self.url}/healthz"), "ok\n")
        self.assertEqual(self.curl("--cacert", "server.crt", f"{self.url}/readyz"), "ok\n")
        self.assertEqual(self.get("/jobs")[0], 401)
        token = self.token("reader")
        self.assertRegex(token, "^loom_[0-9a-f]{64}$")
        self.assertEqual(self.get("/jobs", token)[1]["items"][0]["name"], "hello")
        status, problem = self.get("/tokens", token)
        self.assertEqual((status, problem["code"]), (403, "denied"))
        self.loom("token", "revoke", "reader")
        self.assertEqual(self.get("/jobs", token)[0], 401)
        states = {one["name"]: one["state"] for one in self.json("token", "list")["items"]}
        self.assertEqual(states, {"reader": "revoked"})
        for path in (self.folder / "state").rglob("*"):
            if path.is_file():
                self.assertNotIn(token.encode(), path.read_bytes(), path)
        self.assertNotIn(token, daemon.log())
        self.loom("drain")
        self.assertEqual(self.curl("--cacert", "server.crt", f"{self.url}/readyz"), "not ready\n")
        # Old TLS is not spoken.
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-tls1_2", "-CAfile", "server.crt", "-verify_return_error"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=self.folder)
        self.assertIn("Verification: OK", done.stdout)

    def test_tokens_outlive_the_daemon_and_are_made_without_one(self):
        daemon, _ = self.serve_tls()
        token = self.token("ci", "--expires", "90d")
        daemon.stop()
        second = self.token("second")
        self.loom("token", "create", "second", code=7)
        self.serve()
        for one in (token, second):
            self.assertEqual(self.get("/version", one)[1]["api"], "v1")

    def test_a_renewed_certificate_counts_without_a_restart(self):
        daemon, fingerprint = self.serve_tls()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

        def shown():
            with socket.create_connection(("127.0.0.1", self.port)) as plain, context.wrap_socket(plain) as secure:
                return secure.getpeercert(binary_form=True)

        first = shown()
        renewed = self.certificate()
        self.assertNotEqual(fingerprint, renewed)
        self.loom("reload")
        until(lambda: shown() != first, "the new certificate")
        (self.folder / "server.key").write_text("nothing")
        self.assertRegex(self.loom("reload").err, f"{self.url}: warning: the new certificate is not taken: .")
        until(lambda: "the new certificate is not taken" in daemon.log(), "the complaint")
        self.assertNotEqual(shown(), first)

    def test_clients_show_certificates_where_a_ca_is_named(self):
        self.certificate("client")
        self.serve_tls(more=", client_ca: client.crt")
        token = self.token("reader")
        self.curl("--cacert", "server.crt", f"{self.url}/healthz", code=None)
        self.assertEqual(self.curl("--cacert", "server.crt", f"{self.url}/healthz", code=None), "")
        with_certificate = ("--cert", "client.crt", "--key", "client.key")
        self.assertEqual(self.get("/version", token, *with_certificate)[0], 200)
        self.assertEqual(self.get("/version", None, *with_certificate)[0], 401)

    def test_what_is_unsafe_to_listen_on_is_refused_with_its_place(self):
        self.configure(settings="listen: 0.0.0.0:8843")
        self.assertRegex(self.loom("check", code=6).err + self.loom("serve", code=6).err, r"loom\.yaml:\d+:9: listen: 0\.0\.0\.0:8843 is reached from other hosts")
        self.certificate()
        (self.folder / "server.key").chmod(0o644)
        self.configure(settings="listen: {address: '127.0.0.1:1', tls: {certificate: server.crt, key: server.key}}")
        self.assertIn(f"run: chmod 600 {self.folder}/server.key", self.loom("check", code=6).err)

    def test_the_command_line_works_from_elsewhere(self):
        _, fingerprint = self.serve_tls("  hello: {command: 'echo hi from {{ node.name }}', targets: '@*'}\n  bye: {command: echo bye, targets: n1}\n")
        token = self.token("ops", "--scope", "operate", "--jobs", "hello")
        ask = {"token": token, "fingerprint": fingerprint}
        done = self.remote("run", "hello", **ask)
        self.assertIn("hi from n", done.out)
        run = json.loads(self.remote("-o", "json", "runs", **ask).out)["items"][0]
        self.assertEqual((run["by"], run["state"], run["targets"]), ("token:ops", "ok", 3))
        self.assertEqual([job["name"] for job in json.loads(self.remote("-o", "json", "jobs", **ask).out)["items"]], ["hello"])
        self.remote("run", "bye", code=5, **ask)
        self.remote("exec", "n1", "--", "id", code=4, **ask)
        self.remote("reload", code=4, **ask)
        self.remote("runs", token="loom_none", fingerprint=fingerprint, code=4)
        wrong = self.remote("runs", token=token, fingerprint="00" * 32, code=4)
        self.assertIn("not the pinned one", wrong.err)
        self.assertIn("works on this machine alone", self.loom_plain("--server", self.url, "doctor", code=2).err)
        # Without a pin the roots decide, and the message has what to pin.
        refused = self.loom_plain("--server", self.url, "runs", code=4)
        self.assertRegex(refused.err, "is not trusted: .*sha256:[0-9a-f]{64}; trust its CA by --ca-file")
        # What is forgotten is named, with where to say it.
        self.assertIn("needs a token: in LOOM_TOKEN,", self.remote("runs", token="", fingerprint=fingerprint, code=4).err)
        self.assertIn("say https://", self.loom_plain("--server", self.url.replace("https", "http"), "runs", code=3).err)

    def test_doctor_tells_of_listeners_and_their_certificates(self):
        self.certificate()
        listen = f"listen: ['127.0.0.1:{free_port()}', {{address: '127.0.0.1:{self.port}', tls: {{certificate: server.crt, key: server.key}}}}]"
        self.configure("", settings=listen)
        found = self.loom("doctor").out
        self.assertIn("this host alone, without TLS", found)
        self.assertRegex(found, rf"https://127.0.0.1:{self.port}, its certificate ends 20\S+Z \(in (29d|30d)")
        again, ends = "openssl x509 -in server.crt -signkey server.key -out server.crt ", ("-not_before 200101000000Z -not_after 200102000000Z", "-days -1")
        self.assertTrue(any(subprocess.run((again + end).split(), cwd=self.folder, check=False).returncode == 0 for end in ends)) # by OpenSSL's age
        self.assertRegex(self.loom("doctor", code=1).out, r"its certificate ended 20\S+Z \(.+ ago\)")
        (self.folder / "server.crt").write_text("nothing")
        self.assertIn(f"FAIL  https://127.0.0.1:{self.port}: ", self.loom("doctor", code=1).out)

    def test_a_daemon_that_dies_is_not_taken_for_one_without_tls(self):
        with socket.create_server(("127.0.0.1", self.port)) as server:
            asked = subprocess.Popen([LOOM, "--server", self.url, "runs"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     env=self.environment, cwd=self.folder)
            with server.accept()[0] as client:
                client.recv(1)  # what is left unread makes the end a reset
            self.assertIn("broke off: Connection reset by peer", self.finish(asked, 3).err)

    def loom_plain(self, *arguments, code=0):
        return self.finish(subprocess.Popen([LOOM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                            env=self.environment, cwd=self.folder), code)

    def test_contexts_name_daemons(self):
        _, fingerprint = self.serve_tls("  hello: {command: echo hi, targets: '@*'}\n")
        path = self.folder / "reader.token"
        path.write_text(self.token("reader") + "\n")
        self.loom_plain("context", "add", "prod", "--server", self.url, "--token-file", str(path), "--fingerprint", fingerprint)
        self.assertIn("can be read by others: chmod 600", self.loom_plain("jobs", code=6).err)
        path.chmod(0o600)
        self.assertIn("hello", self.loom_plain("jobs").out)
        self.loom_plain("context", "add", "cmd", "--server", self.url, "--token-command", "cat", str(path), "--ca-file", str(self.folder / "server.crt"))
        self.assertIn("hello", self.loom_plain("--context", "cmd", "jobs").out)
        listed = json.loads(self.loom_plain("-o", "json", "context", "list").out)["items"]
        self.assertEqual([(one["name"], one["current"]) for one in listed], [("cmd", False), ("prod", True)])
        self.assertEqual((self.home / ".loom/contexts.yaml").stat().st_mode & 0o777, 0o600)
        self.assertIn('did you mean "prod"', self.loom_plain("--context", "prd", "jobs", code=5).err)
        self.loom_plain("context", "remove", "prod")
        self.loom_plain("context", "use", "prod", code=5)
        self.loom_plain("context", "use", "local")
        self.assertEqual(self.loom_plain("context", "add", "bad", "--server", "http://example.org", code=2).code, 2)

    def test_a_run_is_followed_over_a_connection_that_breaks(self):
        go = self.folder / "go"
        _, fingerprint = self.serve_tls(f"  slow: {{command: 'echo begun; while [ ! -e {go} ]; do sleep 0.1; done; echo done', targets: '@*'}}\n")
        token = self.token("ops", "--scope", "operate")
        proxy = Proxy(self.port)
        self.addCleanup(proxy.close)
        running = self.remote("run", "slow", token=token, fingerprint=fingerprint, port=proxy.port, code="later")
        until(lambda: self.runs("--state", "running"), "the run")
        until(lambda: len(proxy.open) >= 6, "its third connection, the stream")
        logs = self.remote("logs", "-f", "last", token=token, fingerprint=fingerprint, port=proxy.port, code="later")
        self.assertEqual({logs.stdout.readline() for _ in range(3)}, {b"n1: begun\n", b"n2: begun\n", b"n3: begun\n"})
        one = self.remote("logs", "last", "n2", "-f", token=token, fingerprint=fingerprint, port=proxy.port, code="later")
        self.assertEqual(one.stdout.readline(), b"begun\n")
        proxy.accepting = False
        proxy.cut()
        self.assertIn(b"trying again", running.stderr.readline())
        go.touch()
        until(lambda: not self.runs("--state", "running"), "the end")
        proxy.accepting = True
        self.assertIn("done", self.finish(running).out)
        self.assertEqual((sorted(self.finish(logs).out.splitlines()), self.finish(one).out),
                         (["n1  ok", "n1: done", "n2  ok", "n2: done", "n3  ok", "n3: done"], "done\n"))
        self.assertEqual(len(self.runs()), 1)

    def test_a_run_whose_answer_was_lost_is_asked_for_again_and_runs_once(self):
        self.configure("  hello: {command: echo hi, targets: '@*', overlap: allow}\n", settings=f"listen: 127.0.0.1:{self.port}")
        self.serve()
        proxy = Proxy(self.port, b"POST /api/v1/runs ", 2)
        self.addCleanup(proxy.close)
        self.environment.update(LOOM_TOKEN=self.token("ops", "--scope", "operate"))
        done = self.loom_plain("--server", f"http://127.0.0.1:{proxy.port}", "run", "hello")
        self.assertIn("hi", done.out)
        self.assertEqual((proxy.swallowed, len(self.runs())), (2, 1))
        # Nobody there is told at once.
        self.assertIn("no daemon answers on", self.loom_plain("--server", f"http://127.0.0.1:{free_port()}", "run", "hello", code=3).err)

    def test_the_same_request_twice_starts_one_run_over_a_restart_too(self):
        daemon, _ = self.serve_tls("  hello: {command: echo hi, targets: '@*', overlap: allow}\n")
        token = self.token("ops", "--scope", "operate")

        def start(key, body, token=token):
            out = self.curl("--cacert", "server.crt", "-H", f"Authorization: Bearer {token}", "-H", f"Idempotency-Key: {key}", "--json", json.dumps(body),
                            "-w", "\n%{http_code}", f"{self.url}/api/v1/runs")
            text, status = out.rsplit("\n", 1)
            return int(status), json.loads(text)

        status, first = start("a", {"job": "hello"})
        self.assertEqual(status, 200)
        daemon.kill()
        self.serve()
        self.assertEqual(start("a", {"job": "hello"})[1]["id"], first["id"])
        self.assertEqual(start("a", {"job": "hello", "limit": "n1"})[0], 409)
        self.assertNotEqual(start("b", {"job": "hello"})[1]["id"], first["id"])
        other = self.token("other", "--scope", "operate")
        self.assertNotEqual(start("a", {"job": "hello"}, other)[1]["id"], first["id"])
        results = []
        threads = [threading.Thread(target=lambda: results.append(start("c", {"job": "hello"}))) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({(status, run["id"]) for status, run in results}, {(200, results[0][1]["id"])})
        self.assertEqual(len(self.runs()), 4)

    def test_events_of_all_runs_resume_where_they_were(self):
        daemon, _ = self.serve_tls("  hello: {command: echo hi, targets: '@*'}\n  far: {command: exit 3, targets: n1}\n")
        reader = self.token("reader")
        narrow = self.token("narrow", "--jobs", "far")
        self.loom("run", "hello")
        self.loom("run", "far", code=1)
        daemon.stop()
        self.serve()
        self.loom("run", "hello")

        def events(token, *flags):
            text = self.curl("--cacert", "server.crt", "-N", "--max-time", 2, "-H", f"Authorization: Bearer {token}", *flags,
                             f"{self.url}/api/v1/events?after=0", code=28)
            found = re.findall(r"id: (\d+)\nevent: (\w+)\ndata: (.*)\n", text)
            return [(int(number), json.loads(data)) for number, _, data in found]

        told = events(reader)
        self.assertEqual([number for number, _ in told], [1, 2, 3, 4, 5, 6])
        self.assertEqual([(event["subject"], event["type"]) for _, event in told],
                         [("hello", "loom.run.running"), ("hello", "loom.run.ok"), ("far", "loom.run.running"), ("far", "loom.run.failed"),
                          ("hello", "loom.run.running"), ("hello", "loom.run.ok")])
        self.assertEqual(told[1][1]["data"]["counts"], {"ok": 3})
        self.assertEqual([number for number, _ in events(narrow)], [3, 4])
        text = self.curl("--cacert", "server.crt", "-N", "--max-time", 2, "-H", f"Authorization: Bearer {reader}", "-H", "Last-Event-ID: 5",
                         f"{self.url}/api/v1/events", code=28)
        self.assertEqual(re.findall(r"id: (\d+)\n", text), ["6"])

    def test_a_look_at_a_run_waits_for_its_end(self):
        go = self.folder / "go"
        self.serve_tls(f"  slow: {{command: 'while [ ! -e {go} ]; do sleep 0.1; done', targets: n1}}\n")
        token = self.token("reader")
        run = self.json("run", "slow", "--detach")
        self.assertEqual(self.get(f"/runs/{run['id']}?wait=50ms", token)[1]["state"], "running")
        timer = threading.Timer(0.3, go.touch)
        timer.start()
        self.assertEqual(self.get(f"/runs/{run['id']}?wait=30s", token)[1]["state"], "ok")
        self.assertEqual(self.get("/runs/last?wait=9h", token)[0], 400)

    def test_each_documented_curl_command_works(self):
        names = ["web1", "web2"]
        port = free_port()
        self.certificate()
        self.configure("  backup: {command: tar --version, targets: 'web[1-2]', schedule: {cron: '0 2 * * *', tz: Europe/Berlin}}\n",
                       nodes=self.nodes_yaml(names),
                       settings=f"listen: {{address: '127.0.0.1:{port}', tls: {{certificate: server.crt, key: server.key}}}}")
        daemon = self.serve()
        self.loom("run", "backup")
        shutil.copy(self.folder / "server.crt", self.folder / "ca.crt")
        path = re.search(r"serving \S+ on (/\S+\.sock)", daemon.log())[1]
        environment = {**self.environment, "SOCKET": path, "LOOM_TOKEN": self.token("docs"), "LOOM_SERVER": f"https://127.0.0.1:{port}"}
        text = (ROOT / "docs/api.md").read_text()
        blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
        commands = [command for block in blocks for command in re.split(r"^\$ ", block, flags=re.MULTILINE) if command.strip()]
        self.assertGreaterEqual(len(commands), 5)
        for command in commands:
            with self.subTest(command=command):
                self.assertTrue(command.startswith("curl "), command)
                done = subprocess.run(["bash", "-c", command.replace("curl ", "curl -sS --fail-with-body ", 1)], capture_output=True, text=True,
                                      env=environment, cwd=self.folder, check=False)
                ends = (28,) if "--max-time" in command else (0,)
                self.assertIn(done.returncode, ends, f"{done.stdout}\n{done.stderr}")
                self.assertTrue(done.stdout, command)


if __name__ == "__main__":
    unittest.main(verbosity=2)
