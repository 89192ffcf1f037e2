#!/usr/bin/env python3
"""Notifications: the real daemon tells real sinks on loopback: an HTTP server, one with TLS, and a mail server."""
import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import socketserver
import ssl
import subprocess
import threading
import unittest

from loom_case import LoomCase, until

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


class Web:
    """Takes what is posted; answers with the statuses it was given, then with 200."""

    def __init__(self, case, context=None, answers=()):
        self.requests, self.answers = [], list(answers)
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                web.requests.append((self.command, self.path, self.headers, body))
                status = web.answers.pop(0) if web.answers else 200
                while status // 100 == 1:
                    self.send_response(status)
                    self.end_headers()
                    status = web.answers.pop(0) if web.answers else 200
                self.send_response(status)
                if status // 100 == 3:
                    self.send_header("Location", f"http://127.0.0.1:{web.port}/elsewhere")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        case.addCleanup(server.server_close)
        case.addCleanup(server.shutdown)

    def request(self, count=1):
        """The last of so many, once they have come."""
        return until(lambda: self.requests[count - 1] if len(self.requests) >= count else None, f"{count} requests")


class Mail:
    """An SMTP server (RFC 5321) that keeps what it is sent; with a context it offers STARTTLS and wants a password after it."""

    def __init__(self, case, context=None, refuse=None):
        self.mails, self.said = [], []
        mail = self

        class Handler(socketserver.StreamRequestHandler):
            def reply(self, text):
                self.wfile.write((text + "\r\n").encode())
                self.wfile.flush()

            def handle(self):
                encrypted, recipients = False, []
                self.reply("220 sink")
                while line := self.rfile.readline():
                    text = line.decode().strip()
                    word = text.split(" ")[0].upper()
                    mail.said.append(("TLS " if encrypted else "") + text)
                    if word == "EHLO":
                        self.reply("250-sink\r\n250-STARTTLS\r\n250 8BITMIME" if context and not encrypted
                                   else "250-sink\r\n250 AUTH PLAIN" if context else "250 sink")
                    elif word == "STARTTLS":
                        self.reply("220 go")
                        self.request = context.wrap_socket(self.request, server_side=True)
                        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb")
                        encrypted = True
                    elif word == "AUTH":
                        self.reply("235 ok")
                    elif word == "RCPT":
                        recipients.append(text)
                        self.reply(refuse or "250 ok")
                    elif word == "DATA":
                        self.reply("354 go")
                        lines = []
                        while (part := self.rfile.readline()) != b".\r\n":
                            lines.append(part[1:] if part.startswith(b".") else part)
                        mail.mails.append((recipients, b"".join(lines)))
                        recipients = []
                        self.reply("250 queued")
                    elif word == "QUIT":
                        self.reply("221 bye")
                        return
                    else:
                        self.reply("250 ok")

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads = True, True

            def handle_error(self, *_):
                pass

        server = Server(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        case.addCleanup(server.server_close)
        case.addCleanup(server.shutdown)


class NotifyTest(LoomCase):
    nodes_count = 1

    def set_up(self, rules, jobs='  backup: {command: "exit $(cat status)", targets: "@*", cwd: FOLDER}\n'):
        self.configure(jobs.replace("FOLDER", str(self.folder)), settings="notify:\n" + rules)

    def run_job(self, status, job="backup"):
        (self.folder / "status").write_text(str(status))
        return self.loom("run", job, code=1 if status else 0)

    def event(self, request):
        return json.loads(request[3])

    def certificate(self):
        """A certificate for localhost, which the daemon trusts; returns a server's context."""
        key, cert = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(key), "-out", str(cert),
                        "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        self.environment["SSL_CERT_FILE"] = str(cert)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context

    def test_a_webhook_hears_of_the_first_failure_and_of_the_recovery_alone(self):
        web = Web(self)
        self.set_up(f"  ops: {{webhook: {{url: 'http://127.0.0.1:{web.port}/in?a=b', secret: {SECRET}, allow_private: true}}}}\n")
        self.serve()
        for status in (0, 3, 3, 0, 0):
            self.run_job(status)
        _, path, headers, body = web.request(2)
        first, second = (self.event(web.request(count)) for count in (1, 2))
        self.assertEqual((first["type"], second["type"]), ("loom.job.first_failure", "loom.job.recovery"))
        self.assertEqual((second["specversion"], second["subject"], second["data"]["failures"]), ("1.0", "backup", 2))
        self.assertEqual(second["data"]["title"], "backup is ok again, after 2 failures")
        self.assertEqual(first["data"]["run"]["counts"], {"failed": 1})
        self.assertEqual((path, headers["Content-Type"]), ("/in?a=b", "application/cloudevents+json; charset=utf-8"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        code = base64.b64encode(hmac.new(b"0123456789abcdef01234567", signed, hashlib.sha256).digest()).decode()
        self.assertEqual(headers["webhook-signature"], "v1," + code)
        self.assertEqual(headers["webhook-id"], second["id"])
        until(lambda: self.query("SELECT count(*) FROM outbox") == [(0,)], "an empty outbox")
        self.assertEqual(self.query("SELECT count(*) FROM changes, changes_told USING (number)"), [(1,)])
        self.assertEqual(len(web.requests), 2)

    def test_what_was_not_told_is_told_after_a_kill_and_comes_with_the_same_id(self):
        web = Web(self, answers=[503])
        self.set_up(f"  ops: {{webhook: {{url: 'http://127.0.0.1:{web.port}/', allow_private: true}}}}\n")
        daemon = self.serve()
        self.run_job(3)
        first = self.event(web.request(1))
        until(lambda: self.query("SELECT attempts FROM outbox") == [(1,)], "the failed try")
        daemon.kill()
        self.assertEqual(self.json("notify", "list")["items"][0]["waiting"], 1)
        self.assertIn("127.0.0.1 answers 503", self.loom("notify", "list").out)
        self.serve()
        self.assertEqual(self.event(web.request(2))["id"], first["id"])
        until(lambda: self.query("SELECT count(*) FROM outbox") == [(0,)], "an empty outbox")

    def test_a_run_that_ended_while_nobody_looked_is_told_of(self):
        web = Web(self)
        self.set_up(f"  ops: {{webhook: {{url: 'http://127.0.0.1:{web.port}/', allow_private: true}}}}\n")
        self.serve().kill()
        self.run_job(3)  # by a process of its own
        self.assertEqual(self.query("SELECT state FROM changes, changes_told WHERE changes.number > changes_told.number"), [("running",), ("failed",)])
        self.serve()
        self.assertEqual(self.event(web.request(1))["type"], "loom.job.first_failure")

    def test_slack_ntfy_and_a_ping_get_their_own_forms(self):
        web = Web(self)
        url = f"http://127.0.0.1:{web.port}"
        self.set_up(f"  chat: {{slack: {{url: '{url}/chat', allow_private: true}}}}\n"
                    f"  phone: {{ntfy: {{url: '{url}/topic', token: tk_1, priority: high, allow_private: true}}}}\n"
                    f"  alive: {{on: [success, first_failure], ping: {{url: '{url}/ping', allow_private: true}}}}\n")
        self.serve()
        self.run_job(3)
        web.request(3)
        self.run_job(0)
        web.request(6)
        seen = {(command, path): (headers, body.decode()) for command, path, headers, body in web.requests[:3]}
        self.assertEqual(set(seen), {("POST", "/chat"), ("POST", "/topic"), ("GET", "/ping/fail")})
        self.assertTrue(json.loads(seen["POST", "/chat"][1])["text"].startswith("*backup failed*\nstate: failed\n"))
        headers, body = seen["POST", "/topic"]
        self.assertEqual((headers["Title"], headers["Priority"], headers["Authorization"]), ("backup failed", "high", "Bearer tk_1"))
        self.assertIn("nodes: 1 failed\n", body)
        self.assertIn(("GET", "/ping"), {(command, path) for command, path, _, _ in web.requests[3:]})

    def test_a_mail_goes_encrypted_with_its_password_after(self):
        sink = Mail(self, self.certificate())
        self.write("password", "s3cret\n").chmod(0o600)
        self.set_up(f"  mail: {{email: {{server: 'localhost:{sink.port}', user: loom, password: {{file: password}}, from: loom@example.org, "
                    "to: [a@example.org, b@example.org], allow_private: true}}\n")
        self.serve()
        self.run_job(3)
        recipients, raw = until(lambda: sink.mails and sink.mails[0], "a mail")
        self.assertEqual(recipients, ["RCPT TO:<a@example.org>", "RCPT TO:<b@example.org>"])
        message = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual((message["Subject"], message["From"]), ("[loom] backup failed", "Loom <loom@example.org>"))
        self.assertIn("state: failed", message.get_content())
        auth = next(line for line in sink.said if "AUTH" in line)
        self.assertEqual(auth, "TLS AUTH PLAIN " + base64.b64encode(b"\0loom\0s3cret").decode())

    def test_https_is_verified(self):
        context = self.certificate()
        web = Web(self, context)
        rule = f"  ops: {{webhook: {{url: 'https://HOST:{web.port}/', allow_private: true}}}}\n"
        self.set_up(rule.replace("HOST", "localhost"))
        self.loom("notify", "test", "ops")
        self.assertEqual(self.event(web.request(1))["type"], "loom.job.first_failure")
        self.set_up(rule.replace("HOST", "127.0.0.1"))
        self.assertIn("certificate is not trusted", self.loom("notify", "test", "ops", code=1).err)
        self.set_up(rule.replace("HOST", "localhost"))
        del self.environment["SSL_CERT_FILE"]
        self.assertIn("certificate is not trusted", self.loom("notify", "test", "ops", code=1).err)
        self.assertEqual(len(web.requests), 1)

    def test_private_addresses_and_redirections_are_refused(self):
        web = Web(self, answers=[302])
        self.set_up(f"  ops: {{webhook: {{url: 'http://localhost:{web.port}/hidden'}}}}\n  open: {{webhook: {{url: 'http://localhost:{web.port}/x', allow_private: true}}}}\n")
        done = self.loom("notify", "test", "ops", code=1)
        self.assertRegex(done.err, "localhost is at (127.0.0.1|::1), which is no public address: allow_private: true lets it through")
        self.assertNotIn("hidden", done.err)
        self.assertEqual(web.requests, [])
        self.assertIn("answers 302, a redirection, which is not followed", self.loom("notify", "test", "open", code=1).err)
        self.assertEqual([path for _, path, _, _ in web.requests], ["/x"])

    def test_what_is_refused_for_good_is_given_up_and_shown(self):
        sink = Mail(self, refuse="550 no such user")
        self.set_up(f"  mail: {{email: {{server: '127.0.0.1:{sink.port}', tls: none, from: loom@example.org, to: a@example.org, allow_private: true}}}}\n")
        self.serve()
        self.run_job(3)
        rule = until(lambda: next((one for one in self.json("notify", "list")["items"] if one["dead"]), None), "a dead letter")
        self.assertEqual((rule["name"], rule["dead"], rule["waiting"], rule["error"]), ("mail", 1, 0, "127.0.0.1: the mail server says: 550 no such user"))

    def test_missed_and_overdue_runs_are_told_of(self):
        web = Web(self)
        self.set_up(f"  ops: {{jobs: ['late*'], webhook: {{url: 'http://127.0.0.1:{web.port}/', allow_private: true}}}}\n",
                    '  late: {command: "sleep 3", targets: "@*", expect: {finish_within: 1s}}\n'
                    '  other: {command: "exit 3", targets: "@*"}\n')
        self.serve()
        self.loom("run", "other", code=1)
        self.loom("run", "late")
        event = self.event(web.request(1))
        self.assertEqual((event["type"], event["data"]["title"]), ("loom.job.overdue", "late is overdue"))
        self.assertEqual(len(web.requests), 1)

    def test_a_rule_is_tried_and_a_near_name_is_told(self):
        web = Web(self)
        self.set_up(f"  ops: {{webhook: {{url: 'http://127.0.0.1:{web.port}/?token=t0ken', allow_private: true}}}}\n")
        self.assertIn(f"http://127.0.0.1:{web.port} was told by webhook: test is ok again", self.loom("notify", "test", "ops", "--event", "recovery").err)
        web.answers = [103, 102, 200, 103, 503]
        self.loom("notify", "test", "ops")
        self.assertIn("answers 503", self.loom("notify", "test", "ops", code=1).err)
        self.loom("notify", "test", "ops", "--job", "backup")
        self.assertIn('did you mean "backup"', self.loom("notify", "test", "ops", "--job", "bakcup", code=5).err)
        self.serve()  # which does the same for whoever asks it
        self.assertIn("was told by webhook", self.loom("notify", "test", "ops").err)
        self.assertEqual([one["name"] for one in self.json("notify", "list")["items"]], ["ops"])
        self.assertIn('did you mean "ops"', self.loom("notify", "test", "op", code=5).err)
        self.assertIn('did you mean "recovery"', self.loom("notify", "test", "ops", "--event", "recover", code=2).err)
        self.assertNotIn("t0ken", self.loom("notify", "list").out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
