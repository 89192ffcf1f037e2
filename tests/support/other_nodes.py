"""Nodes that need users of their own: an sshd whose users may use sudo in several ways, and a Dropbear.

Both see a private copy of /etc in a mount namespace, so that nothing of this machine is changed; that takes root. Where
they cannot be had, `Others.missing` says why, and the tests that need them say so loudly.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import time

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin"
PASSWORD = "correct horse's battery"
START_SECONDS = 60

# name: what sudo does for it. The first asks each time, gives a lecture and a terminal of its own.
USERS = {
    "loom-asks": "Defaults:loom-asks timestamp_timeout=0, lecture=always, use_pty, passwd_tries=3\nloom-asks ALL=(ALL:ALL) ALL\n",
    "loom-free": "Defaults:loom-free !use_pty\nloom-free ALL=(ALL:ALL) NOPASSWD: ALL\n",
    "loom-tty": "Defaults:loom-tty requiretty, timestamp_timeout=0\nloom-tty ALL=(ALL:ALL) ALL\n",
}


class Others:
    def __init__(self):
        self.missing = {}
        self.described = {}
        self.servers = []

    def start(self, folder, port, sshd, host_key, authorized_keys, prepare):
        """Starts what can be had on 127.78.0.1 (sudo) and 127.78.0.2 (dropbear). `prepare` runs in each child."""
        self.folder, self.port = pathlib.Path(folder), port
        found = {name: shutil.which(name, path=PATH) for name in ("sudo", "unshare", "dropbear", "dropbearkey", "openssl")}
        reason = self._private_etc(found, authorized_keys)
        if reason:
            self.missing = {"sudo": reason, "dropbear": reason}
            return self
        settings = self.folder / "sshd_config.sudo"
        settings.write_text(
            f"ListenAddress 127.78.0.1\nPort {port}\nHostKey {host_key}\nAuthorizedKeysFile {authorized_keys}\n"
            f"PidFile {self.folder}/sshd.sudo.pid\nUsePAM no\nStrictModes no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxStartups 1000:30:2000\nUseDNS no\nPrintMotd no\n"
            "PrintLastLog no\nSetEnv SHLVL=2\n")
        if found["sudo"]:
            self._serve("sudo", "127.78.0.1", [sshd, "-D", "-e", "-f", str(settings)], prepare)
        else:
            self.missing["sudo"] = "sudo is not installed"
        if found["dropbear"] and found["dropbearkey"]:
            key = self.folder / "dropbear_key"
            subprocess.run([found["dropbearkey"], "-t", "ed25519", "-f", str(key)], check=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self._serve("dropbear", "127.78.0.2",
                        [found["dropbear"], "-F", "-E", "-s", "-r", str(key), "-p", f"127.78.0.2:{port}",
                         "-P", str(self.folder / "dropbear.pid")], prepare)
        else:
            self.missing["dropbear"] = "dropbear is not installed (Debian: dropbear-bin)"
        return self

    def as_dict(self):
        return {"password": PASSWORD, "nodes": self.described, "missing": self.missing}

    def _private_etc(self, found, authorized_keys):
        """Makes the copy of /etc and the users' homes; a reason where that cannot be."""
        if os.geteuid() != 0:
            return "users with sudo can only be made up by root"
        probe = [found["unshare"] or "unshare", "--mount", "--propagation", "private", "mount", "--bind",
                 str(self.folder), "/etc"]
        if not found["unshare"] or subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True).returncode != 0:
            return "this machine grants no mount namespace"
        self.unshare = found["unshare"]
        self.etc = self.folder / "etc"
        subprocess.run(["cp", "-a", "/etc", str(self.etc)], check=True, stdin=subprocess.DEVNULL)
        os.chmod(self.folder, 0o711)  # the users' homes are below
        hashed = subprocess.run([found["openssl"] or "openssl", "passwd", "-6", PASSWORD], check=True,
                                stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.strip()
        homes = self.folder / "homes"
        homes.mkdir(mode=0o755)
        lines = [line for line in (self.etc / "passwd").read_text().splitlines() if not line.startswith("root:")]
        shadow = (self.etc / "shadow").read_text()
        sudoers = ("Defaults env_reset\nDefaults secure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\n"
                   "root ALL=(ALL:ALL) ALL\n")
        lines.insert(0, f"root:x:0:0:root:{homes}/root:/bin/sh")
        self._home(homes / "root", 0, authorized_keys)
        for number, (name, rules) in enumerate(USERS.items(), 64101):
            lines.append(f"{name}:x:{number}:65534::{homes}/{name}:/bin/sh")
            shadow += f"{name}:{hashed}:19000:0:99999:7:::\n"
            sudoers += rules
            self._home(homes / name, number, authorized_keys)
        (self.etc / "passwd").write_text("\n".join(lines) + "\n")
        (self.etc / "shadow").write_text(shadow)
        (self.etc / "sudoers").unlink(missing_ok=True)
        (self.etc / "sudoers").write_text(sudoers)
        (self.etc / "sudoers").chmod(0o440)
        return None

    def _home(self, home, number, authorized_keys):
        (home / ".ssh").mkdir(parents=True, mode=0o700)
        shutil.copyfile(authorized_keys, home / ".ssh" / "authorized_keys")
        for path in (home, home / ".ssh", home / ".ssh" / "authorized_keys"):
            os.chmod(path, 0o600 if path.name == "authorized_keys" else 0o700)
            os.chown(path, number, 65534 if number else 0)

    def _serve(self, name, address, command, prepare):
        with open(self.folder / f"{name}.log", "ab") as log:
            server = subprocess.Popen(
                [self.unshare, "--mount", "--propagation", "private", "sh", "-c",
                 'mount --bind "$0" /etc && exec "$@"', str(self.etc), *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, preexec_fn=prepare)
        self.servers.append(server)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and server.poll() is None:
            try:
                with socket.create_connection((address, self.port), timeout=5) as probe:
                    if probe.recv(4) == b"SSH-":
                        self.described[name] = address
                        return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{name} on {address}:{self.port} did not start:\n"
                           + (self.folder / f"{name}.log").read_text(errors="replace"))
