"""Folders to the node: what has changed, or all of it in one archive."""
import hashlib
import os
import posixpath
import re
import shlex
import stat
import tarfile

from loom_worker import remote as node

from ..copying import checked, unread, walked
from ..operations import run, sudo
from ..results import AttributeString
from ..state import env
from ..utils import abort, apply_lcwd, own_node, running

DEFAULT_OPTIONS = "-pthrvz"


def rsync_project(remote_dir, local_dir=None, exclude=(), delete=False, extra_opts="", ssh_opts="", capture=False,
                  upload=True, default_opts=DEFAULT_OPTIONS):
    """Brings a folder to the node as `rsync -pthrvz` would, without rsync: only files whose content differs travel."""
    own_node()
    for name, value, wanted in (("extra_opts", extra_opts, ""), ("ssh_opts", ssh_opts, ""), ("upload", upload, True),
                                ("default_opts", default_opts, DEFAULT_OPTIONS)):
        if value != wanted:
            abort(f"rsync_project({name}={value!r}) is not there: exclude and delete are; no rsync runs")
    local_dir = apply_lcwd(str(local_dir)) if local_dir is not None else os.getcwd()
    target = node.absolute(remote_dir, env.cwd.replace(r"\ ", " "))
    if not local_dir.endswith(os.sep):
        target = posixpath.join(target, os.path.basename(os.path.abspath(local_dir)))
    patterns = [_pattern(text) for text in ([exclude] if isinstance(exclude, str) else exclude)]
    running(f"rsync_project: {local_dir} -> {target}")
    # All of it is read before anything changes there: what cannot be read must not count as what is not there.
    try:
        folders, files = _local_tree(os.path.abspath(local_dir), patterns)
        here = {name: _hash(os.path.join(os.path.abspath(local_dir), name)) for name in files}
    except OSError as problem:
        abort(f"rsync_project: {unread(problem)}")
    node.make_folders([posixpath.normpath(posixpath.join(target, folder)) for folder in folders])
    there = _remote_hashes(target)
    lines = []
    for name in files:
        source = os.path.join(local_dir, name)
        if there.get(name) != here[name]:
            node.put(source, posixpath.join(target, name), stat.S_IMODE(os.stat(source).st_mode))
            lines.append(name)
    if delete:
        lines += [f"deleting {name}" for name in _delete(target, set(there) - set(files), set(folders), patterns)]
    if not capture:
        for line in lines:
            print(line)
    result = AttributeString("\n".join(lines))
    result.command = result.real_command = "rsync_project"
    return result


def _pattern(text):
    """rsync's exclude pattern as a function of a path below the folder, and of whether that is a folder."""
    only_folders = text.endswith("/")
    body = text.rstrip("/")
    anchored = body.startswith("/")
    regex = ""
    for part in re.split(r"(\*\*|\*|\?|\[[^]]*\])", body.lstrip("/")):
        regex += {"**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part) or (part if part.startswith("[") else re.escape(part))
    compiled = re.compile(("" if anchored else "(?:.*/)?") + regex)
    return lambda path, is_folder: (is_folder or not only_folders) and compiled.fullmatch(path) is not None


def _local_tree(top, patterns):
    """Folders and regular files below, without what is excluded. Links are left out, as rsync's `-r` does."""
    folders, files = ["."], []
    for place, below, names in walked(top):
        under = os.path.relpath(place, top)

        def kept(name, is_folder):
            path = name if under == "." else f"{under}/{name}"
            if any(excluded(path, is_folder) for excluded in patterns):
                return None
            mode = os.lstat(os.path.join(place, name)).st_mode
            return path if stat.S_ISDIR(mode) or stat.S_ISREG(mode) else None

        below[:] = sorted(name for name in below if kept(name, True))
        folders += [kept(name, True) for name in below]
        files += [path for path in (kept(name, False) for name in sorted(names)) if path]
    return folders, files


def _hash(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def _remote_hashes(folder):
    """What is there already, by the names below the folder."""
    ran = checked(node.execute(f"cd {shlex.quote(folder)} && find . -type f -exec sha256sum {{}} +"))
    lines = ran.out.splitlines()
    if ran.dropped:
        del lines[-1:]  # It may be cut. What is not listed travels again.
    return {name: digest for digest, name in
            (line.split("  ./", 1) for line in lines if re.match(r"[0-9a-f]{64}  \./", line))}


def _delete(target, names, folders, patterns):
    """Removes files that are not here, and folders that are empty then; what is excluded stays."""
    def excluded(path):
        parts = path.split("/")
        return any(pattern("/".join(parts[:end]), end < len(parts)) for end in range(1, len(parts) + 1)
                   for pattern in patterns)

    gone = sorted(name for name in names if not excluded(name))
    for start in range(0, len(gone), 200):
        words = " ".join(shlex.quote("./" + name) for name in gone[start:start + 200])
        checked(node.execute(f"cd {shlex.quote(target)} && rm -f -- {words}"))
    emptied = {"/".join(name.split("/")[:end]) for name in gone for end in range(1, name.count("/") + 1)} - folders
    if emptied:
        words = " ".join(shlex.quote("./" + name) for name in sorted(emptied, reverse=True))
        node.execute(f"cd {shlex.quote(target)} && rmdir -- {words} 2>/dev/null")
    return gone


def upload_project(local_dir=None, remote_dir="", use_sudo=False):
    """Packs a folder, brings the archive to the node, and unpacks it below `remote_dir`."""
    own_node()
    local_dir = os.path.abspath(apply_lcwd(str(local_dir)) if local_dir else os.getcwd())
    target = node.absolute(remote_dir or ".", env.cwd.replace(r"\ ", " "))
    work = sudo if use_sudo else run
    with node.scratch() as archive:
        try:
            with tarfile.open(fileobj=archive, mode="w:gz") as packed:
                packed.add(local_dir, arcname=os.path.basename(local_dir))
        except OSError as problem:
            abort(f"upload_project: {unread(problem)}")
        archive.flush()
        archive.seek(0)
        temporary = checked(node.execute("mktemp /tmp/loom.XXXXXXXX")).out.strip()
        try:
            running(f"upload_project: {local_dir} -> {target}")
            node.put(archive, temporary, 0o600)
            work(f"mkdir -p {shlex.quote(target)} && tar -xzf {shlex.quote(temporary)} -C {shlex.quote(target)}")
        finally:
            node.execute(f"rm -f -- {shlex.quote(temporary)}")
