"""Fabric 1's tests and edits of files on the node."""
import os
import re
import shlex
from io import BytesIO

from ..context_managers import hide, settings
from ..copying import put, target_of
from ..operations import run, sudo
from ..state import env
from ..utils import abort, apply_lcwd


def _do(command, use_sudo, shell=False, quiet=True):
    """Runs it as the contexts around say; quietly, it never fails the task."""
    work = sudo if use_sudo else run
    if shell:
        # By single quotes: what `run` itself does with backslashes would change a regular expression.
        command = f"{env.shell} {shlex.quote(command)}"
    if not quiet:
        return work(command, shell=False)
    with settings(hide("everything"), warn_only=True):
        return work(command, shell=False)


def _path(path):
    """For the node's shell, which knows `~` and variables: these stay as they are."""
    return '"$(echo %s)"' % re.sub(r"([\s'\"();&|<>])", r"\\\1", str(path))


def _regex_of(text):
    """An extended regular expression that matches the text itself."""
    return re.sub(r"([.*+?^$()\[{|\\])", r"\\\1", text)


def exists(path, use_sudo=False, verbose=False):
    result = _do(f"test -e {_path(path)}", use_sudo, quiet=not verbose)
    return result.succeeded


def is_link(path, use_sudo=False, verbose=False):
    return _do(f"test -L {_path(path)}", use_sudo, quiet=not verbose).succeeded


def is_dir(path, use_sudo=False, verbose=False):
    return _do(f"test -d {_path(path)}", use_sudo, quiet=not verbose).succeeded


def first(*args, **kwargs):
    """The first of the paths that exists."""
    return next((path for path in args if exists(path, **kwargs)), None)


def contains(filename, text, exact=False, use_sudo=False, escape=True, shell=False, case_sensitive=True):
    """Whether a line of the file matches: the text itself, or with `escape=False` an extended regular expression."""
    pattern = _regex_of(text) if escape else text
    pattern = f"^{pattern}$" if exact else pattern
    flag = "" if case_sensitive else " -i"
    return _do(f"grep -E{flag} -e {shlex.quote(pattern)} {_path(filename)}", use_sudo, shell).succeeded


def append(filename, text, use_sudo=False, partial=False, escape=True, shell=False):
    """Adds the lines that the file does not have; with `partial` a line's beginning is enough to have it."""
    for line in [text] if isinstance(text, str) else list(text):
        pattern = "^" + _regex_of(line) + ("" if partial else "$")
        # With `escape=False` the line was written for a place between single quotes, and is.
        quoted = shlex.quote(line) if escape else f"'{line}'"
        found = f"grep -q -E -e {shlex.quote(pattern)} {_path(filename)} 2>/dev/null && " if line else "false && "
        with settings(hide("running", "stdout")):
            _do(f"{{ {found}true; }} || printf '%s\\n' {quoted} >> {_path(filename)}", use_sudo, shell, quiet=False)


def sed(filename, before, after, limit="", use_sudo=False, backup=".bak", flags="", shell=False):
    """Replaces what matches an extended regular expression, on lines that match `limit`."""
    before, after, limit = (re.sub(r"(?<!\\)/", r"\\/", part) for part in (before, after, limit))
    script = (f"/{limit}/ " if limit else "") + f"s/{before}/{after}/{flags}g"
    with settings(hide("running", "stdout")):
        return _do(f"sed -i{backup} -r -e {shlex.quote(script)} {_path(filename)}", use_sudo, shell, quiet=False)


def comment(filename, regex, use_sudo=False, char="#", backup=".bak", shell=False):
    """Puts `char` before the lines that match, once."""
    start, end = "^" if regex.startswith("^") else "", "$" if regex.endswith("$") else ""
    inner = regex[len(start):len(regex) - len(end)]
    return sed(filename, f"{start}({inner}){end}", rf"{char}\1", "", use_sudo, backup, "", shell)


def uncomment(filename, regex, use_sudo=False, char="#", backup=".bak", shell=False):
    """Takes `char`, and one blank after it, from the lines that match."""
    return sed(filename, rf"^([[:space:]]*){char}[[:space:]]?", r"\1", regex, use_sudo, backup, "", shell)


def upload_template(filename, destination, context=None, use_jinja=False, template_dir=None, use_sudo=False, backup=True,
                    mirror_local_mode=False, mode=None, pty=None, keep_trailing_newline=False, temp_dir=None):
    """Fills a local template by `%`, or by Jinja2 where that is installed for the worker, and puts it to the node."""
    name = os.path.basename(str(filename))
    folder = apply_lcwd(str(template_dir)) if template_dir else apply_lcwd("") or "."
    if use_jinja:
        text = _jinja(str(filename), folder, context or {}, keep_trailing_newline)
    else:
        with open(os.path.join(folder, os.path.expanduser(str(filename))), encoding="utf-8") as file:
            text = file.read()
        text = text % context if context else text
    if mirror_local_mode and mode is None:
        mode = os.stat(os.path.join(folder, str(filename))).st_mode & 0o777
    target = target_of(str(destination), name)
    if backup and exists(target, use_sudo=use_sudo):
        quoted = shlex.quote(target)
        with settings(hide("running")):
            (sudo if use_sudo else run)(f"cp -f {quoted} {quoted}.bak")
    return put(BytesIO(text.encode()), target, use_sudo=use_sudo, mode=mode, temp_dir=temp_dir)


def _jinja(filename, folder, context, keep_newline):
    try:
        import jinja2
    except ImportError:
        abort("upload_template(use_jinja=True) needs jinja2 in the worker's Python: "
              "name a virtualenv that has it, or add its folder to the plugin's paths")
    loader = jinja2.FileSystemLoader(folder)
    return jinja2.Environment(loader=loader, keep_trailing_newline=keep_newline).get_template(filename).render(**context)
