#!/usr/bin/env python3
"""Webhooks: real curl and openssl against the real daemon, whose runs work on real sshd nodes."""
import base64
import concurrent.futures
import hashlib
import hmac
import json
import shlex
import shutil
import socket
import subprocess
import time
import unittest

from loom_case import PATIENCE, ROOT, SHORT, LoomCase, free_port, until

PUSH = json.dumps({"ref": "refs/heads/main", "after": "4f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2"}).encode()
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class HooksTest(LoomCase):
    nodes_count = 2

    def set_up(self, hooks=None, jobs=None, settings=""):
        self.write("secret", "It's a Secret to Everybody\n").chmod(0o600)
        jobs = jobs or '  deploy: {command: "echo deploying {{ params.commit | quote }}", targets: "@*", overlap: buffer_all}\n'
        hooks = hooks or ("  deploy:\n    job: deploy\n    verify: github\n    secret: {file: secret}\n"
                          "    filter: [{payload: /ref, is: refs/heads/main}]\n"
                          "    parameters: {commit: {payload: /after, pattern: '[0-9a-f]{40}'}}\n")
        self.configure(jobs, settings=settings + "hooks:\n" + hooks)

    def post(self, body=PUSH, headers=(), path="/hooks/deploy", method="POST"):
        """By curl, as a sender would; returns the status, the body and its type."""
        *way, host = self.at
        command = ["curl", "-sS", "-X", method, *way, "-o", "-", "-w", "\n%{http_code} %{content_type}", "--data-binary", "@-", host + path]
        for name, value in headers:
            command += ["-H", f"{name}: {value}"]
        done = subprocess.run(command, input=body, capture_output=True, timeout=PATIENCE, check=True)
        text, _, last = done.stdout.decode().rpartition("\n")
        status, _, kind = last.partition(" ")
        return int(status), json.loads(text), kind

    def signed(self, body, delivery, secret="It's a Secret to Everybody"):
        """GitHub's signature, as openssl makes it."""
        made = subprocess.run(["openssl", "dgst", "-sha256", "-hmac", secret], input=body, capture_output=True, check=True).stdout
        return [("X-Hub-Signature-256", "sha256=" + made.decode().split()[-1]), ("X-GitHub-Delivery", delivery)]

    def serve(self):
        daemon = super().serve()
        self.socket = daemon.socket()
        self.at = ["--unix-socket", str(self.socket), "http://loom"]
        return daemon

    def test_a_signed_push_runs_the_job_on_the_nodes(self):
        self.set_up()
        self.serve()
        status, reply, kind = self.post(headers=[*self.signed(PUSH, "d-1"), ("traceparent", TRACE)])
        self.assertEqual((status, kind, reply["job"], reply["duplicate"]), (202, "application/json", "deploy", False))
        run = until(lambda: next((run for run in self.runs() if run["state"] == "ok"), None), "the run")
        self.assertEqual((run["id"], run["reason"], run["by"], run["counts"]), (reply["id"], "webhook", "hook:deploy", {"ok": 2}))
        self.assertEqual((run["trace"], run["params"]), (TRACE, {"commit": "4f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2"}))
        self.assertIn("deploying 4f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2", self.loom("logs", run["id"], "n2").out)
        shown = self.loom("runs", "show", run["id"]).out
        self.assertIn("reason:   webhook by hook:deploy", shown)
        self.assertIn('params:   commit = "4f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2"', shown)
        self.assertIn(f"trace:    {TRACE}", shown)
        self.assertIn("A delivery to hook:deploy started it", self.loom("why", run["id"]).out)
        status, reply, _ = self.post(headers=self.signed(PUSH, "d-1"))
        self.assertEqual((status, reply["id"], reply["duplicate"]), (200, run["id"], True))
        self.assertEqual(len(self.runs()), 1)

    def test_a_sender_elsewhere_needs_no_token_but_its_signature(self):
        port = free_port()
        self.set_up(settings=f"listen: 127.0.0.1:{port}\n")
        self.serve()
        self.at = [f"http://127.0.0.1:{port}"]
        self.assertEqual(self.post(headers=self.signed(PUSH, "d-1"))[0], 202)
        self.assertEqual(self.post(headers=self.signed(PUSH, "d-2", "another"))[0], 401)
        self.assertEqual(self.post(path="/api/v1/runs")[0], 401)
        until(lambda: [run["state"] for run in self.runs()] == ["ok"], "the run")

    def test_each_answer_is_the_stated_one(self):
        self.set_up()
        self.serve()
        other = json.dumps({"ref": "refs/heads/x"}).encode()
        unfit = json.dumps({"ref": "refs/heads/main", "after": "; rm -rf /"}).encode()
        rows = [
            (401, PUSH, [], "the delivery is not signed as this hook expects"),
            (401, PUSH, self.signed(PUSH, "1", "another"), "the delivery is not signed as this hook expects"),
            (401, other, self.signed(PUSH, "1"), "the delivery is not signed as this hook expects"),
            (422, PUSH, self.signed(PUSH, "1")[:1], "header X-GitHub-Delivery is missing: it names the delivery"),
            (422, b"{", self.signed(b"{", "1"), "the payload is not JSON: incomplete JSON"),
            (422, unfit, self.signed(unfit, "1"),
             'parameter "commit": payload /after: expected text that matches [0-9a-f]{40}, not "; rm -rf /"'),
        ]
        for status, body, headers, detail in rows:
            with self.subTest(detail=detail):
                found, reply, kind = self.post(body, headers)
                self.assertEqual((found, reply["detail"], kind), (status, detail, "application/problem+json"))
        self.assertEqual(self.post(other, self.signed(other, "1"))[:2],
                         (200, {"ignored": 'payload /ref is "refs/heads/x", expected refs/heads/main'}))
        self.assertEqual(self.post(path="/hooks/depoly")[0], 404)
        self.assertEqual(self.post(path="/hooks/")[0], 404)
        self.assertEqual(self.post(method="PUT")[0], 405)
        self.assertEqual(self.post(b"x" * (1 << 20) + b"y")[0], 413)
        self.assertEqual(self.runs(), [])

    def test_every_scheme_is_verified(self):
        body = b'{"who": "anna"}'
        now = str(int(time.time()))
        key = base64.b64encode(b"0123456789abcdef01234567").decode()
        code = base64.b64encode(hmac.new(base64.b64decode(key), b"m-1." + now.encode() + b"." + body, hashlib.sha256).digest()).decode()
        plain = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        rows = {
            "gitea": ("s3cret", [("X-Gitea-Signature", plain), ("X-Gitea-Delivery", "1")]),
            "gitlab": ("s3cret", [("X-Gitlab-Token", "s3cret"), ("X-Gitlab-Event-UUID", "1")]),
            "bearer": ("s3cret", [("Authorization", "Bearer s3cret")]),
            "standard": ("whsec_" + key, [("webhook-id", "m-1"), ("webhook-timestamp", now), ("webhook-signature", f"v1,{code}")]),
        }
        hooks = "".join(f"  {scheme}: {{job: hello, verify: {scheme}, secret: {secret}, parameters: {{who: {{payload: /who}}}}}}\n"
                        for scheme, (secret, _) in rows.items())
        self.set_up(hooks, '  hello: {command: "echo hello {{ params.who | quote }}", targets: n1, overlap: allow}\n')
        self.serve()
        for scheme, (_, headers) in rows.items():
            with self.subTest(scheme=scheme):
                self.assertEqual(self.post(body, headers, f"/hooks/{scheme}")[0], 202)
                name, value = headers[0] if scheme != "standard" else headers[2]
                wrong = [(name, value[:-1] + "x") if one[0] == name else one for one in headers]
                self.assertEqual(self.post(body, wrong, f"/hooks/{scheme}")[0], 401)
        until(lambda: [run["state"] for run in self.runs()] == ["ok"] * 4, "four runs")

    def deliver_many(self, count, headers):
        """`count` deliveries on 16 connections; returns the run ids that were answered. What a killed daemon leaves is passed over."""
        request = (f"POST /hooks/deploy HTTP/1.1\r\nHost: loom\r\nContent-Length: {len(PUSH)}\r\n" +
                   "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n").encode() + PUSH

        def some(times):
            ids = []
            try:
                with socket.socket(socket.AF_UNIX) as link:
                    link.settimeout(PATIENCE)
                    link.connect(str(self.socket))
                    stream = link.makefile("rb")
                    for _ in range(times):
                        link.sendall(request)
                        length = 0
                        while (line := stream.readline()) not in (b"\r\n", b""):
                            if line.lower().startswith(b"content-length:"):
                                length = int(line.split(b":")[1])
                        ids.append(json.loads(stream.read(length))["id"])
            except (OSError, ValueError, KeyError):
                pass
            return ids

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            return [one for ids in pool.map(some, [count // 16] * 16) for one in ids]

    def test_ten_thousand_duplicates_across_a_kill_make_one_run(self):
        self.set_up(jobs='  deploy: {command: "sleep 3600; echo {{ params.commit | quote }}", targets: "@*"}\n')
        headers = self.signed(PUSH, "d-1")
        count = 800 if SHORT else 10_000
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            daemon = self.serve()
            flood = pool.submit(self.deliver_many, count, headers)
            until(lambda: self.query("SELECT 1 FROM deliveries"), "the first delivery")
            daemon.kill()
            before = flood.result()
        self.serve()
        after = self.deliver_many(count, headers)
        self.assertEqual(len(after), count)
        self.assertEqual(len(set(before) | set(after)), 1)
        runs = self.runs()
        self.assertEqual([(run["id"], run["state"]) for run in runs], [(after[0], "interrupted")])

    def test_a_run_that_ends_at_once_was_started_all_the_same(self):
        self.set_up("  go: {job: go, verify: github, secret: {file: secret}}\n", "  go: {command: 'true', targets: n9, retry: {connect: 1}}\n")
        self.write("nodes.yaml", "n9: {ip: 127.0.0.1, port: 1}\n")
        self.serve()
        for number in range(5):
            until(lambda: not self.runs("--state", "running"), "the end of the run before")
            self.assertEqual(self.post(b"{}", self.signed(b"{}", str(number)), path="/hooks/go")[0], 202)

    def test_the_command_line_shows_and_tries_hooks(self):
        self.set_up()
        payload = self.write("push.json", PUSH.decode())
        listed = self.json("hook", "list")["items"]
        self.assertEqual([(one["name"], one["job"], one["verify"], one["path"]) for one in listed], [("deploy", "deploy", "github", "/hooks/deploy")])
        tried = self.json("hook", "test", "deploy", "--payload", payload)
        self.assertEqual((tried["starts"], tried["args"], tried["kwargs"]),
                         (True, ["echo deploying 4f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2"], {}))
        left_out = self.write("other.json", '{"ref": "x"}')
        self.assertIn('left out: payload /ref is "x", expected refs/heads/main', self.loom("hook", "test", "deploy", "--payload", left_out, code=1).out)
        self.assertIn('did you mean "deploy"', self.loom("hook", "test", "depoly", code=5).err)
        self.assertNotIn("Secret", self.loom("hook", "test", "deploy", "--payload", payload, "--sign").out)
        self.assertIn("give one by --payload FILE", self.loom("hook", "test", "deploy", code=1).err)
        self.serve()
        self.assertEqual(self.json("hook", "list")["items"], listed)
        self.assertEqual(self.json("hook", "test", "deploy", "--payload", payload), tried)
        self.assertIn("hook deploy", self.loom("jobs").out)
        curl = self.json("hook", "test", "deploy", "--payload", payload, "--sign")["curl"]
        done = subprocess.run(shlex.split(curl) + ["-sS"], capture_output=True, check=True, timeout=PATIENCE)
        self.assertIn("id", json.loads(done.stdout), done)
        until(lambda: [run["state"] for run in self.runs()] == ["ok"], "the run")

    def test_the_example_runs(self):
        example = self.folder / "webhook"
        shutil.copytree(ROOT / "examples" / "webhook", example)
        (example / "nodes.yaml").write_text(self.node_yaml("localhost", self.fleet.addresses[0]))
        self.config = example / "loom.yaml"
        payload = example / "push.json"
        tried = self.json("hook", "test", "deploy", "--payload", payload, "--header", "X-GitHub-Event: push")
        self.assertTrue(tried["starts"], tried)
        self.serve()
        body = payload.read_bytes()
        headers = [*self.signed(body, "1"), ("X-GitHub-Event", "push")]
        self.assertEqual(self.post(body, headers)[0], 202)
        until(lambda: [run["state"] for run in self.runs()] == ["ok"], "the run")
        self.assertIn("deploying 4f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2 for anna", self.loom("logs", "last").out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
