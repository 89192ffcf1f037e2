#!/usr/bin/env python3
"""The tasks of the standard library that change a machine, inside a Debian system of its own (debian_root.py): the long form of the tests."""
import json
import os
import pathlib
import unittest

from debian_root import ADDRESS, DebianRoot
from library_case import Library
from loom_case import LONG


@unittest.skipUnless(LONG, "LOOM_TEST_LONG=1 changes a Debian system of its own")
class InADebianRoot(Library):
    node = "root"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = DebianRoot()
        cls.addClassCleanup(cls.root.stop)
        try:
            cls.root.start()
        except unittest.SkipTest as why:
            print(f"*** NOT TESTED in a Debian root: {why} ***", flush=True)
            raise

    def configure(self, jobs="", **more):
        node = {"ip": ADDRESS, "port": self.root.port, "user": "root", "identity": self.root.identity}
        super().configure(jobs, nodes=f"root: {json.dumps(node)}\n", **more)

    def on(self, command, code=0):
        return self.json("exec", "root", "--", command, code=code)["groups"][0]["out"]

    def test_accounts(self):
        self.goes("loom.system.group", "create group loomers", name="loomers")
        self.goes("loom.system.group", "give the group loomers the gid 4711", name="loomers", gid=4711)
        self.goes("loom.system.user", "create user loomanna", name="loomanna", shell="/bin/sh", groups="loomers", comment="Anna B")
        self.assertIn("loomers", self.on("id -nG loomanna"))
        self.goes("loom.system.user", "make /bin/bash the shell of loomanna", name="loomanna", shell="/bin/bash")
        self.goes("loom.system.user", "give loomanna the uid 4712", name="loomanna", uid=4712)
        key = pathlib.Path(self.root.identity + ".pub").read_text().strip()
        self.goes("loom.system.authorized_key", "add a key of loomanna", user="loomanna", key=key)
        self.assertEqual(self.on("stat -c %U:%a /home/loomanna/.ssh /home/loomanna/.ssh/authorized_keys"), "loomanna:700\nloomanna:600\n")
        # sshd without PAM lets nobody in whose password is locked.
        self.on("usermod -p '*' loomanna")
        login = ["--adhoc", "--user", "loomanna", "--port", self.root.port, "--identity", self.root.identity]
        self.assertEqual(self.json("exec", ADDRESS, *login, "--", "id -un")["groups"][0]["out"], "loomanna\n")
        self.on("echo 'loomanna ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/loomanna")
        made = self.json("exec", ADDRESS, *login, "--become", "--task", "loom.files.directory", "--arg", "path=/srv/of-root", "--arg", "mode=0700")
        self.assertEqual(made["groups"][0]["out"], "make folder /srv/of-root\nset permissions 700 of /srv/of-root\n")
        self.assertEqual(self.on("stat -c %U:%a /srv/of-root"), "root:700\n")
        self.goes("loom.system.authorized_key", "remove a key of loomanna", user="loomanna", key=key, state="absent")
        self.on("echo note >/root/elsewhere; rm -rf /home/loomanna/.ssh; ln -s /root /home/loomanna/.ssh")
        self.assertIn("is reached by a link", self.task("loom.system.authorized_key", user="loomanna", key=key, code=1)["message"])
        self.goes("loom.system.user", "remove user loomanna and the home", name="loomanna", state="absent", remove_home="true")
        self.goes("loom.system.group", "remove group loomers", name="loomers", state="absent")

    def test_cron_hostname_and_the_kernel(self):
        self.on("mkdir -p /etc/cron.d")
        self.goes("loom.system.cron", "write /etc/cron.d/loom-rotate", name="rotate", schedule="0 3 * * *", command="echo 'it''s' >/dev/null")
        self.assertIn("0 3 * * * root echo 'it''s' >/dev/null\n", self.on("cat /etc/cron.d/loom-rotate"))
        self.goes("loom.system.cron", "remove /etc/cron.d/loom-rotate", name="rotate", state="absent")
        self.goes("loom.system.hostname", "take the name web7", name="web7")
        self.assertEqual(self.on("uname -n; cat /etc/hostname"), "web7\nweb7\n")
        self.assertNotEqual(os.uname().nodename, "web7")
        # One of the settings that are the namespace's own.
        self.goes("loom.system.sysctl", "set kernel.domainname to example.org", name="kernel.domainname", value="example.org")
        self.assertIn("kernel.domainname = example.org", self.on("cat /etc/sysctl.d/60-loom-kernel.domainname.conf"))
        self.assertIn("knows no kernel.none", self.task("loom.system.sysctl", name="kernel.none", value=1, code=1)["message"])

    def test_mounts(self):
        point = "/srv/a place"
        self.goes("loom.system.mount", f"mount tmpfs on {point}", source="tmpfs", mountpoint=point, type="tmpfs", options="size=1m", persist="true")
        self.assertIn("tmpfs /srv/a\\040place tmpfs size=1m 0 0\n", self.on("cat /etc/fstab"))
        self.assertIn("is mounted on", self.task("loom.system.mount", source="other", mountpoint=point, code=1)["message"])
        self.goes("loom.system.unmount", f"unmount {point}", mountpoint=point, persist="true")
        self.assertNotIn("place", self.on("cat /etc/fstab"))

    def test_a_folder_of_another_host_is_mounted(self):
        self.task("loom.debian.install", packages="sshfs", update="true")
        self.on("mkdir -p /srv/shared /root/.ssh; echo there >/srv/shared/file; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519; "
                "cat /root/.ssh/id_ed25519.pub >>/root/.ssh/authorized_keys; "
                f"printf 'Host {ADDRESS}\n Port {self.root.port}\n StrictHostKeyChecking no\n' >/root/.ssh/config")
        storage = {"host": f"root@{ADDRESS}", "remotepath": "/srv/shared", "mountpoint": "/mnt/storage"}
        self.goes("loom.system.add_sshfs_mount", f"mount root@{ADDRESS}:/srv/shared on /mnt/storage", **storage)
        self.assertEqual(self.on("cat /mnt/storage/file"), "there\n")
        self.goes("loom.system.remove_sshfs_mount", "unmount /mnt/storage", **storage)
        self.assertEqual(self.task("loom.system.add_sshfs_mount", excludes="root", **storage)["state"], "skipped")

    def test_packages(self):
        self.on("rm -rf /var/lib/apt/lists/* /var/lib/apt/periodic/update-success-stamp")
        self.goes("loom.debian.update", "fetch the package lists")
        self.goes("loom.debian.install", "install", packages=["hello", "tree"])
        self.assertEqual(self.on("hello -g a"), "a\n")
        version = self.on("dpkg-query -W -f '${Version}' hello")
        self.assertEqual(self.task("loom.debian.install", packages=f"hello={version}")["state"], "ok")
        self.goes("loom.debian.hold", "hold hello", packages="hello")
        self.goes("loom.debian.hold", "let go of hello", packages="hello", state="free")
        self.goes("loom.debian.remove", "remove hello", packages="hello")
        self.goes("loom.debian.remove", "purge tree", packages="tree", purge="true")
        none = self.task("loom.debian.install", packages="no-such-package", code=1)
        self.assertEqual(none["message"], "Unable to locate package no-such-package")
        looked = self.task("loom.debian.upgrade", check=True)
        self.assertEqual(self.task("loom.debian.upgrade", check=True)["out"], looked["out"])
        self.assertEqual(self.task("loom.debian.upgrade")["state"], looked["state"])
        self.assertEqual(self.task("loom.debian.upgrade")["state"], "ok")

    def test_web_servers_and_services(self):
        self.task("loom.debian.install", packages=["apache2", "nginx-light"], update="true", recommends="false")
        page = self.write("page.conf", f"server {{ listen {ADDRESS}:{self.root.port + 1}; location / {{ return 200 'of {{{{ node.name }}}}'; }} }}\n")
        self.goes("loom.nginx.site", "enable site page", name="page", template=page, reload="false")
        self.goes("loom.nginx.site", "disable site default", name="default", state="disabled")
        self.goes("loom.system.service", "start nginx", name="nginx", state="started", boot="on")
        url = f"http://{ADDRESS}:{self.root.port + 1}/"
        self.assertEqual(self.task("loom.http.wait", url=url, contains="of root")["state"], "ok")
        page.write_text(page.read_text().replace("of ", "from "))
        self.assertIn("reload nginx", self.task("loom.nginx.site", name="page", template=page)["out"])
        self.assertEqual(self.task("loom.http.wait", url=url, contains="from root")["state"], "ok")
        page.write_text("server { nonsense }\n")
        wrong = self.task("loom.nginx.site", name="page", template=page, code=1)
        self.assertEqual(wrong["message"], "nginx does not take its configuration")
        self.assertIn("sites-enabled/page", wrong["err"])
        self.assertEqual(self.task("loom.http.wait", url=url, contains="from root")["state"], "ok")
        self.goes("loom.system.service", "stop nginx", name="nginx", state="stopped")

        self.on(f"printf 'Listen {ADDRESS}:%s\n' {self.root.port + 2} >/etc/apache2/ports.conf")
        self.goes("loom.apache.module", "enable module rewrite", name="rewrite")
        self.goes("loom.apache.module", "disable module rewrite", name="rewrite", state="disabled")
        site = self.write("site.conf", "ServerName {{ node.name }}\n")
        self.goes("loom.apache.site", "enable site named", name="named", template=site)
        self.goes("loom.system.service", "start apache2", name="apache2", state="started")
        self.assertEqual(self.task("loom.apache.reload")["state"], "changed")
        self.assertEqual(self.task("loom.port.wait", host=ADDRESS, port=self.root.port + 2)["state"], "ok")
        self.goes("loom.apache.site", "disable site named", name="named", state="disabled")
        self.goes("loom.system.service", "stop apache2", name="apache2", state="stopped")

    def test_a_node_with_another_boot_id_is_back(self):
        """No kernel boots here: what the node shows as its boot id is a file, which the command changes."""
        self.on("cp /proc/sys/kernel/random/boot_id /run/boot_id; mount --bind /run/boot_id /proc/sys/kernel/random/boot_id")
        boot = "echo another >/run/boot_id"
        done = self.task("loom.system.reboot", command=boot, interval="100ms")
        self.assertEqual(done["state"], "changed")
        self.assertRegex(done["message"], "^back after ")
        self.on("umount /proc/sys/kernel/random/boot_id")


class OnStandIns(Library):
    """No Red Hat is at hand: rpm and dnf are stand-ins that keep what is installed in a folder."""

    def setUp(self):
        super().setUp()
        stand_ins = self.folder / "bin"
        self.installed = self.folder / "installed"
        for folder in (stand_ins, self.installed):
            folder.mkdir()
        rpm = f'for last; do :; done; [ -e "{self.installed}/$last" ]'
        dnf = f"""
verb=''
for word; do case $word in -*) ;; *) if [ -z "$verb" ]; then verb=$word; else set -- "$@" "$word"; fi ;; esac; done
case $verb in
check-update) [ -e "{self.installed}/old" ] || exit 0; echo; echo 'old-lib.x86_64  2-1  updates'; echo 'Obsoleting Packages'; echo 'x.noarch 1 y'; exit 100 ;;
upgrade) rm "{self.installed}/old" ;;
install) for word; do case $word in -* | install) ;; *) touch "{self.installed}/$word" ;; esac; done ;;
remove) for word; do case $word in -* | remove) ;; *) rm -f "{self.installed}/$word" ;; esac; done ;;
esac
"""
        for name, text in (("rpm", rpm), ("dnf", dnf)):
            (stand_ins / name).write_text(f"#!/bin/sh\n{text}\n")
            (stand_ins / name).chmod(0o755)
        self.configure(jobs=f"""
  install: {{task: loom.redhat.install, args: [[curl, tree]], targets: n1, env: {{PATH: "{stand_ins}:/usr/bin:/bin"}}}}
  remove: {{task: loom.redhat.remove, args: [tree], targets: n1, env: {{PATH: "{stand_ins}:/usr/bin:/bin"}}}}
  upgrade: {{task: loom.redhat.upgrade, targets: n1, env: {{PATH: "{stand_ins}:/usr/bin:/bin"}}}}
""")

    def job_goes(self, job, says):
        looked = self.json("run", job, "--check")["groups"][0]
        self.assertEqual((looked["state"], looked["out"]), ("changed", f"would {says}\n"))
        done = self.json("run", job)["groups"][0]
        self.assertEqual((done["state"], done["out"]), ("changed", f"{says}\n"))
        self.assertEqual(self.json("run", job)["groups"][0]["state"], "ok")

    def test_packages(self):
        (self.installed / "curl").touch()
        self.job_goes("install", "install tree")
        self.job_goes("remove", "remove tree")
        (self.installed / "old").touch()
        self.job_goes("upgrade", "upgrade old-lib")


if __name__ == "__main__":
    unittest.main(verbosity=2)
