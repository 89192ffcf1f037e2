#!/usr/bin/env python3
"""Fabric 1's put and get, and what stands below fabric.contrib: on real files, by the worker."""
import errno
import os
import unittest

from fake_daemon import FakeDaemon

FABFILE = '''
import os
from contextlib import ExitStack
from io import BytesIO, StringIO
from unittest.mock import patch
from fabric.api import *
from fabric.contrib import files
from fabric.contrib.files import *
from fabric.contrib.project import rsync_project, upload_project

def puts_files(kind):
    if kind == "file":
        return [put("one.txt", "renamed.txt"), put("one.txt", "sub/"), put("one.txt", "sub", mode="0600"), put("one.txt", mode=0o640)]
    if kind == "glob":
        return put("*.txt", "sub")
    if kind == "folder":
        return put("tree", "sub")
    if kind == "objects":
        return [put(BytesIO(b"bytes"), "bytes"), put(StringIO("text"), "text")]
    if kind == "mirror":
        return put("script.sh", "sub", mirror_local_mode=True)
    if kind == "sudo":
        return put("one.txt", "sub/by root", use_sudo=True, mode=0o644)
    if kind == "cd":
        with cd("sub"), lcd("tree"):
            return put("deep/leaf", "leaf")
    if kind == "home":
        return put("one.txt", "~/at-home")
    if kind == "missing":
        with warn_only():
            got = put("nothing-*", "sub")
            return [got, got.failed, got.succeeded]
    put("nothing", "sub")

def gets(kind):
    if kind == "default":
        return get("sub/a.log")
    if kind == "template":
        return get("sub/a.log", "%(host)s-%(basename)s")
    if kind == "folder":
        return get("sub", "fetched")
    if kind == "glob":
        return get("sub/*.log", "logs/")
    if kind == "object":
        kept = BytesIO()
        got = get("sub/a.log", kept)
        return [kept.getvalue().decode(), got.succeeded, len(got)]
    if kind == "text":
        kept = StringIO()
        get("sub/a.log", kept)
        return kept.getvalue()
    if kind == "sudo":
        return get("sub/a b", "by-sudo", use_sudo=True)
    get("sub/none")

def looks():
    return [exists("sub"), exists("none"), exists("~"), exists("sub/a b"), files.is_link("link"), files.is_link("sub"), is_dir("sub"),
            files.first("none", "sub"), contains("conf", "port = 80"), contains("conf", "port"), contains("conf", "port", exact=True),
            contains("conf", "p.rt = 8[0-9]", escape=False), contains("conf", "PORT", case_sensitive=False), contains("conf", "a.b"),
            contains("conf", "(x|y)$")]

def edits():
    append("conf", ["port = 80", "new 'line' $HOME \\\\n", "port"])
    append("conf", "a+b", partial=True)
    append("conf", "port", partial=True)
    append("fresh", "first")
    sed("conf", "port = ([0-9]+)", "port = \\\\1\\\\1", limit="^port")
    comment("conf", "^listen.*$")
    uncomment("conf", "name")
    sed("conf", "/usr", "/opt/local", backup="")
    return run("cat conf", quiet=True).splitlines()

def templates(kind):
    if kind == "percent":
        upload_template("conf.in", "made.conf", {"port": 80})
        upload_template("conf.in", "made.conf", {"port": 81}, mode=0o600)
        return upload_template("conf.in", "sub", {"port": 82}, template_dir="templates")
    return upload_template("page.html", "page.html", {"who": "you"}, use_jinja=True, template_dir="templates")

def syncs(*args, **kwargs):
    return rsync_project(*args, **kwargs).splitlines()

def uploads(local="tree"):
    upload_project(local, "sub/deep")

def blind(place, error, work, *args, **kwargs):
    """Does the work while the system refuses to list one folder, or to look at what is in it, as it does to a worker."""
    def refusing(call):
        def look(path, *args, **kwargs):
            if os.path.abspath(path).startswith(os.path.abspath(place)):
                raise OSError(error, os.strerror(error), path)
            return call(path, *args, **kwargs)
        return look

    names = ("scandir", "listdir") if place.endswith("deep") else ("lstat", "stat")
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(patch.object(os, name, refusing(getattr(os, name))))
        return {"rsync": rsync_project, "upload": upload_project, "put": put}[work](*args, **kwargs)
'''

MUST_LIE = ": what is put must lie where the worker can read: in `paths` or `read` of its plugin"


class FilesTest(unittest.TestCase):
    def setUp(self):
        self.daemon = FakeDaemon({"fabfile.py": FABFILE})
        self.addCleanup(self.daemon.close)
        self.daemon.greet()
        self.make(self.daemon.work, {"one.txt": "one", "two.txt": "two", "tree/top": "top", "tree/deep/leaf": "leaf",
                                     "conf.in": "port = %(port)s\n", "templates/conf.in": "other = %(port)s\n",
                                     "templates/page.html": "Hello {{ who }}", "script.sh": "#!/bin/sh\n"})
        (self.daemon.work / "script.sh").chmod(0o751)
        self.make(self.daemon.home, {"sub/a.log": "a", "sub/b.log": "b", "sub/a b": "blank", "sub/deep/c": "c",
                                     "conf": "port = 80\nlisten 1\n#name x\n# name y\npath /usr/bin\na+b=c\n(x|y)$\n"})
        (self.daemon.home / "link").symlink_to("nowhere")

    @staticmethod
    def make(folder, files):
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def call(self, name, *args, **kwargs):
        return self.daemon.call("fabfile." + name, *args, **kwargs)

    def value(self, name, *args, **kwargs):
        ended = self.call(name, *args, **kwargs)
        self.assertEqual(ended.state, "ok", ended)
        return ended.value

    def there(self, name):
        return (self.daemon.home / name).read_text()

    def mode(self, name):
        return oct((self.daemon.home / name).stat().st_mode & 0o777)

    def tree(self, folder):
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())

    def test_put_one_file(self):
        home = self.daemon.home
        self.assertEqual(self.value("puts_files", "file"), [[f"{home}/renamed.txt"], [f"{home}/sub/one.txt"],
                                                      [f"{home}/sub/one.txt"], [f"{home}/one.txt"]])
        self.assertEqual((self.there("renamed.txt"), self.mode("sub/one.txt"), self.mode("one.txt")), ("one", "0o600", "0o640"))

    def test_put_many(self):
        home = self.daemon.home
        self.assertEqual(self.value("puts_files", "glob"), [f"{home}/sub/one.txt", f"{home}/sub/two.txt"])
        self.assertEqual(self.value("puts_files", "folder"), [f"{home}/sub/tree/top", f"{home}/sub/tree/deep/leaf"])
        self.assertEqual(self.there("sub/tree/deep/leaf"), "leaf")

    def test_put_in_its_other_ways(self):
        home = self.daemon.home
        self.value("puts_files", "objects")
        self.assertEqual((self.there("bytes"), self.there("text")), ("bytes", "text"))
        self.value("puts_files", "mirror")
        self.assertEqual(self.mode("sub/script.sh"), "0o751")
        self.assertEqual(self.value("puts_files", "cd"), [f"{home}/sub/leaf"])
        self.assertEqual(self.value("puts_files", "home"), [f"{home}/at-home"])

    def test_put_by_sudo_goes_through_a_file_that_others_cannot_read(self):
        ended = self.call("puts_files", "sudo")
        self.assertEqual(self.there("sub/by root"), "one")
        put = next(request for request in ended.requests if request["do"] == "put")
        self.assertEqual((put["mode"], put["path"].startswith("/tmp/loom.")), (0o600, True))
        self.assertEqual(ended.requests[-1]["sudo"], {"user": "root"})
        self.assertFalse(os.path.exists(put["path"]))

    def test_put_of_nothing(self):
        self.assertEqual(self.value("puts_files", "missing"), [[], ["nothing-*"], False])
        self.assertEqual(self.call("puts_files", "absent").message, f"put: nothing is no file here{MUST_LIE}")

    def test_get(self):
        work = self.daemon.work
        self.assertEqual(self.value("gets", "default"), [f"{work}/web1/a.log"])
        self.assertEqual(self.value("gets", "template"), [f"{work}/web1-a.log"])
        self.value("gets", "folder")
        self.assertEqual(self.tree(work / "fetched"), ["sub/a b", "sub/a.log", "sub/b.log", "sub/deep/c"])
        self.value("gets", "glob")
        self.assertEqual(self.tree(work / "logs"), ["a.log", "b.log"])
        self.assertEqual(self.value("gets", "object"), ["a", True, 1])
        self.assertEqual(self.value("gets", "text"), "a")
        self.value("gets", "sudo")
        self.assertEqual((work / "by-sudo").read_text(), "blank")
        self.assertEqual(self.call("gets", "none").message.partition(": ")[0], "get")

    def test_a_node_names_no_file_outside_of_the_folder(self):
        def lying(request):
            if request["do"] == "run" and "find -L" in request["command"]:
                return {"state": "ok", "exit_status": 0, "out": f"{self.daemon.home}/sub/../../../evil\n", "err": ""}
            return None

        self.daemon.on_remote = lying
        ended = self.call("gets", "folder")
        self.assertIn("the node named a file outside of", ended.message)
        self.assertEqual(self.tree(self.daemon.work / "fetched"), [])

    def test_looking_at_files(self):
        self.assertEqual(self.value("looks"), [True, False, True, True, True, False, True, "sub", True, True, False, True, True,
                                               False, True])

    def test_editing_files(self):
        ended = self.call("edits")
        self.assertEqual(ended.value, ["port = 8080", "#listen 1", "name x", "name y", "path /opt/local/bin", "a+b=c", "(x|y)$",
                                       "new 'line' $HOME \\n", "port"], ended)
        self.assertEqual(self.there("fresh"), "first\n")
        self.assertTrue((self.daemon.home / "conf.bak").exists())

    def test_templates(self):
        home = self.daemon.home
        self.assertEqual(self.value("templates", "percent"), [f"{home}/sub/conf.in"])
        self.assertEqual((self.there("made.conf"), self.there("made.conf.bak"), self.mode("made.conf")),
                         ("port = 81\n", "port = 80\n", "0o600"))
        self.assertEqual(self.there("sub/conf.in"), "other = 82\n")

    def test_jinja_where_it_is_installed(self):
        self.daemon.write("jinja2.py", "raise ImportError('no jinja2')\n")
        self.assertTrue(self.call("templates", "jinja").message.startswith("upload_template(use_jinja=True) needs jinja2"))
        self.daemon.write("jinja2.py", "class FileSystemLoader:\n    def __init__(self, folder): self.folder = folder\n"
                          "class Environment:\n    def __init__(self, loader, **_): self.loader = loader\n"
                          "    def get_template(self, name): return self\n"
                          "    def render(self, **context): return repr(context)\n")
        self.value("templates", "jinja")
        self.assertEqual(self.there("page.html"), "{'who': 'you'}")

    def test_rsync_brings_only_what_differs(self):
        tree = self.daemon.work / "tree"
        self.make(tree, {"x.pyc": "no", "deep/y.pyc": "no", "skip/file": "no", "deep/skip": "kept", ".git/config": "no"})
        (tree / "a link").symlink_to("top")
        arguments = {"exclude": ["*.pyc", "/skip", ".git/"], "delete": True}
        self.assertEqual(self.value("syncs", "mirror/", "tree/", **arguments), ["top", "deep/leaf", "deep/skip"])
        mirror = self.daemon.home / "mirror"
        self.assertEqual(self.tree(mirror), ["deep/leaf", "deep/skip", "top"])
        self.make(mirror, {"old/gone": "x", "deep/kept.pyc": "x", "top": "changed there"})
        self.assertEqual(self.value("syncs", "mirror/", "tree/", **arguments), ["top", "deleting old/gone"])
        self.assertEqual(self.tree(mirror), ["deep/kept.pyc", "deep/leaf", "deep/skip", "top"])
        self.assertFalse((mirror / "old").exists())
        ended = self.call("syncs", "mirror/", "tree/", **arguments)
        self.assertEqual((ended.value, [request["do"] for request in ended.requests if request["do"] == "put"]), ([], []))
        self.value("syncs", "mirror", "tree")
        self.assertEqual((mirror / "tree" / "top").read_text(), "top")

    def test_rsync_refuses_what_it_does_not_do(self):
        self.assertEqual(self.call("syncs", "m", "tree", extra_opts="--checksum").message,
                         "rsync_project(extra_opts='--checksum') is not there: exclude and delete are; no rsync runs")

    def assert_refused(self, ended, words):
        self.assertEqual((ended.state, ended.message), ("failed", words + MUST_LIE))
        self.assertEqual([request for request in ended.requests if request["do"] == "put"], [])
        self.assertEqual(self.tree(self.daemon.home / "sub"), ["a b", "a.log", "b.log", "deep/c"])

    def test_rsync_deletes_nothing_for_a_folder_that_it_cannot_read(self):
        work = self.daemon.work
        self.assert_refused(self.call("syncs", "sub/", "missing/", delete=True),
                            f"rsync_project: {work}/missing cannot be read here (No such file or directory)")
        self.assert_refused(self.call("syncs", "sub/", "one.txt/", delete=True),
                            f"rsync_project: {work}/one.txt cannot be read here (Not a directory)")
        self.assert_refused(self.call("blind", "tree/deep", errno.EACCES, "rsync", "sub/", "tree/", delete=True),
                            f"rsync_project: {work}/tree/deep cannot be read here (Permission denied)")
        self.assert_refused(self.call("blind", "tree/deep/leaf", errno.EACCES, "rsync", "sub/", "tree/", delete=True),
                            f"rsync_project: {work}/tree/deep/leaf cannot be read here (Permission denied)")

    def test_put_and_upload_of_a_folder_that_cannot_be_read(self):
        work = self.daemon.work
        self.assert_refused(self.call("blind", "tree/deep", errno.EACCES, "put", "tree", "sub"),
                            f"put: {work}/tree/deep cannot be read here (Permission denied)")
        self.assert_refused(self.call("blind", "tree/deep", errno.EACCES, "upload", "tree", "sub"),
                            f"upload_project: {work}/tree/deep cannot be read here (Permission denied)")
        self.assert_refused(self.call("uploads", "missing"),
                            f"upload_project: {work}/missing cannot be read here (No such file or directory)")

    def test_upload_project(self):
        self.value("uploads")
        self.assertEqual(self.there("sub/deep/tree/deep/leaf"), "leaf")


if __name__ == "__main__":
    unittest.main(verbosity=2)
