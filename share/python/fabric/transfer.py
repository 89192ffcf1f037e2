"""Files to and from the node, as Fabric 2's connection moves them: one at a time."""
import os
import posixpath

from loom_worker import remote as node


class Result:
    """Where a file came from and went to. What failed was an exception."""

    def __init__(self, local, orig_local, remote, orig_remote, connection):
        self.local = local
        self.orig_local = orig_local
        self.remote = remote
        self.orig_remote = orig_remote
        self.connection = connection


class Transfer:
    def __init__(self, connection):
        self.connection = connection

    def is_remote_dir(self, path):
        return node.stat(node.absolute(path)).kind == "folder"

    def put(self, local, remote=None, preserve_mode=True):
        if not local:
            raise ValueError("Local path must not be empty!")
        is_file = hasattr(local, "write")
        base = getattr(local, "name", None) if is_file else os.path.basename(local)
        target = self._target(base, remote, is_file)
        if is_file:
            place = local.tell()
            local.seek(0)
            try:
                content = local.read()
            finally:
                local.seek(place)
            node.put(content if isinstance(content, bytes) else content.encode(), target)
            return Result(local, local, target, remote, self.connection)
        source = os.path.abspath(local)
        mode = os.stat(source).st_mode & 0o7777 if preserve_mode else None
        node.put(source, target, mode)
        return Result(source, local, target, remote, self.connection)

    def _target(self, base, remote, is_file):
        if not remote:
            if is_file:
                raise ValueError("Must give non-empty remote path when local is a file-like object!")
            return node.absolute(base)
        if self.is_remote_dir(remote):
            if not isinstance(base, str) or not base:
                raise ValueError("Can't put a file-like-object into a directory unless it has a non-empty .name attribute!")
            remote = posixpath.join(str(remote), os.path.basename(base))
        return node.absolute(remote)

    def get(self, remote, local=None, preserve_mode=True):
        if not remote:
            raise ValueError("Remote path must not be empty!")
        source = node.absolute(remote)
        if hasattr(local, "write"):
            _write(local, node.get(source))
            return Result(local, local, source, remote, self.connection)
        name = posixpath.basename(source)
        target = str(local or name).format(host=self.connection.host, user=self.connection.user, port=self.connection.port,
                                           dirname=posixpath.dirname(source), basename=name)
        if target.endswith(os.sep) or os.path.isdir(target):
            target = os.path.join(target, name)
        target = os.path.abspath(target)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            node.get(source, file)
        if preserve_mode:
            os.chmod(target, node.stat(source).mode)
        return Result(target, local, source, remote, self.connection)


def _write(file, content):
    """Into a file of bytes or, where it takes none, of text."""
    try:
        file.write(content)
    except TypeError:
        file.write(content.decode("utf-8", "replace"))
