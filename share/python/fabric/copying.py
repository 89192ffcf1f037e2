"""Fabric 1's put and get: files, globs, folders and file-like objects."""
import glob
import os
import posixpath
import shlex
import stat

from loom_worker import call as calls
from loom_worker import remote as node

from .results import AttributeList
from .state import env
from .utils import apply_lcwd, error, own_node, running


def put(local_path=None, remote_path=None, use_sudo=False, mirror_local_mode=False, mode=None, use_glob=True, temp_dir=None):
    """Brings files to the node. Returns the paths there; `failed` has what did not arrive."""
    own_node()
    remote_path = remote_path or ""
    upload = _Upload(use_sudo, mirror_local_mode, mode, env.temp_dir if temp_dir is None else temp_dir)
    written = AttributeList()
    if hasattr(local_path, "read"):
        name = getattr(local_path, "name", None)
        upload.add(local_path, target_of(remote_path, os.path.basename(name) if isinstance(name, str) else None))
    else:
        local = apply_lcwd(str(local_path))
        names = sorted(glob.glob(local)) if use_glob else [local] if os.path.exists(local) else []
        if not names:
            written.failed.append(str(local_path))
            error(f"put: {local_path} is no file here: {MUST_LIE}")
            return written
        try:
            for name in names:
                if os.path.isdir(name):
                    upload.add_folder(name, node.absolute(remote_path or ".", env.cwd.replace(r"\ ", " ")))
                else:
                    upload.add(name, target_of(remote_path, os.path.basename(name)))
        except OSError as problem:
            written.failed.append(str(local_path))
            error(f"put: {unread(problem)}")
            return written
    return upload.send(written)


MUST_LIE = "what is put must lie where the worker can read: in `paths` or `read` of its plugin"


def unread(problem):
    """The words for a file or folder of this host that the system does not let the worker read."""
    if problem.filename is None:
        return str(problem)
    return f"{problem.filename} cannot be read here ({problem.strerror}): {MUST_LIE}"


def walked(top):
    """`os.walk` that raises where it cannot look: a folder that is not read is not an empty one."""
    def refuse(problem):
        raise problem

    return os.walk(top, onerror=refuse)


def target_of(remote_path, name):
    """The file that is meant on the node: within the folder where a folder is named."""
    target = node.absolute(remote_path or name or ".", env.cwd.replace(r"\ ", " "))
    if name and remote_path and (remote_path.endswith("/") or node.stat(target).kind == "folder"):
        return posixpath.join(target, name)
    return target


class _Upload:
    def __init__(self, use_sudo, mirror_mode, mode, temp_dir):
        self._sudo = (env.sudo_user or "root") if use_sudo else None
        self._mirror = mirror_mode
        self._mode = int(mode, 8) if isinstance(mode, str) else mode
        self._temp = temp_dir
        self._files, self._folders = [], []

    def add(self, source, target):
        self._files.append((source, target))

    def add_folder(self, folder, target):
        """The folder itself goes below the target."""
        above = os.path.dirname(os.path.abspath(folder))
        for place, folders, names in walked(os.path.abspath(folder)):
            folders.sort()
            below = posixpath.join(target, os.path.relpath(place, above))
            self._folders.append(below)
            for name in sorted(names):
                self.add(os.path.join(place, name), posixpath.join(below, name))

    def send(self, written):
        if self._folders:
            node.make_folders(self._folders, sudo=self._sudo)
        for source, target in self._files:
            shown = source if isinstance(source, str) else "<file obj>"
            running(f"put: {shown} -> {target}")
            try:
                self._send(source, target)
                written.append(target)
            except (OSError, node.RemoteError) as problem:
                written.failed.append(source)
                error(f"put: {shown} -> {target}: {problem}")
        return written

    def _send(self, source, target):
        mode = self._mode
        if mode is None and self._mirror and isinstance(source, str):
            mode = stat.S_IMODE(os.stat(source).st_mode)
        content = _content(source)
        if not self._sudo:
            node.put(content, target, mode)
            return
        temporary = _temporary(self._temp)
        # What only root may read there is not readable for others on the way.
        node.put(content, temporary, 0o600)
        keep = f"chmod {(mode if mode is not None else 0o644):o} -- {temporary}"
        move = f"{keep} && mv -f -- {temporary} {shlex.quote(target)} || {{ rm -f -- {temporary}; false; }}"
        checked(node.execute(move, sudo=self._sudo))


def _content(source):
    if isinstance(source, str):
        return source
    if hasattr(source, "seek"):
        source.seek(0)
    content = source.read()
    return content if isinstance(content, bytes) else content.encode()


def _temporary(folder):
    ran = checked(node.execute(f"mktemp {shlex.quote(posixpath.join(folder or '/tmp', 'loom.XXXXXXXX'))}"))
    return shlex.quote(ran.out.strip())


def checked(ran):
    if not ran.ok:
        raise node.RemoteError(ran.err.strip() or ran.out.strip() or f"exit status {ran.exit_status}")
    return ran


def get(remote_path, local_path=None, use_sudo=False, temp_dir=None):
    """Fetches files, folders and globs. `local_path` may be a file-like object, and name `%(host)s`, `%(path)s`,
    `%(dirname)s` and `%(basename)s`."""
    own_node()
    sudo = (env.sudo_user or "root") if use_sudo else None
    folder = env.temp_dir if temp_dir is None else temp_dir
    written = AttributeList()
    try:
        names = _found(str(remote_path), sudo)
    except node.RemoteError as problem:
        written.failed.append(str(remote_path))
        error(f"get: {remote_path}: {problem}")
        return written
    is_file = hasattr(local_path, "write")
    for name, below in names:
        target = local_path if is_file else _local(local_path, name, below)
        running(f"get: {target if not is_file else '<file obj>'} <- {name}")
        try:
            _fetch(name, target, sudo, folder)
            written.append(target)
        except (OSError, node.RemoteError) as problem:
            written.failed.append(name)
            error(f"get: {name}: {problem}")
    return written


def _found(path, sudo):
    """What a path means on the node: each file with its path below the folder that holds what was asked for."""
    start = node.absolute(path, env.cwd.replace(r"\ ", " "))
    pattern = "".join(letter if letter in "*?[]" else shlex.quote(letter) if letter not in "/._-" and not letter.isalnum()
                      else letter for letter in start)
    # An end of line within a name would be taken for two names: such a file is not found, and nothing else is read.
    listed = checked(node.execute(f"for f in {pattern}; do find -L \"$f\" -type f -print || exit 1; done", sudo=sudo))
    if listed.dropped:
        raise node.RemoteError("more files than can be listed")
    names = sorted(set(listed.out.splitlines()))
    if not names:
        raise node.RemoteError("no file is there")
    above = posixpath.dirname(start)
    while any(letter in above for letter in "*?["):
        above = posixpath.dirname(above)
    found = [(name, posixpath.relpath(name, above)) for name in names]
    for name, below in found:
        if below == ".." or below.startswith("../"):
            raise node.RemoteError(f"the node named a file outside of {above}: {name}")
    return found


def _local(local_path, name, below):
    """Where a file goes. Nothing that the node says leads out of the folder that was named."""
    template = str(local_path) if local_path is not None else "%(host)s/%(path)s"
    host = calls.current().node.name.replace(":", "-")
    path = apply_lcwd(template % {"host": host, "path": below, "basename": posixpath.basename(name),
                                  "dirname": posixpath.dirname(below)})
    if "%(path)s" not in template and "%(basename)s" not in template:
        if os.path.isdir(path) or path.endswith(os.sep) or "/" in below:
            path = os.path.join(path, below)
    return os.path.abspath(path)


def _fetch(name, target, sudo, folder):
    temporary = None
    source = name
    if sudo:
        temporary = _temporary(folder)
        source = temporary.strip("'")
        # cp writes into the file that is there; a redirection would create it, which the kernel may refuse in /tmp.
        checked(node.execute(f"cp -- {shlex.quote(name)} {temporary}", sudo=sudo))
    try:
        if hasattr(target, "write"):
            if hasattr(target, "seek"):
                target.seek(0)
            content = node.get(source)
            try:
                target.write(content)
            except TypeError:
                target.write(content.decode("utf-8", "replace"))
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            node.get(source, file)
    finally:
        if temporary:
            node.execute(f"rm -f -- {temporary}")
