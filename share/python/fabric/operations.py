"""Fabric 1's operations: commands on the node and on the worker's own side."""
import shlex
import subprocess
import sys
import time

from loom_worker import call as calls
from loom_worker import remote
from loom_worker.local import converse

from . import shell as lines
from .context_managers import hide, settings
from .copying import get, put
from .exceptions import CommandTimeout
from .results import AttributeList, AttributeString, _AttributeList, _AttributeString, ended  # noqa: F401
from .state import env, output
from .utils import abort, error, fail, own_node, running, warn

__all__ = ["get", "local", "open_shell", "prompt", "put", "reboot", "require", "run", "sudo"]


def run(command, shell=True, pty=None, combine_stderr=None, quiet=False, warn_only=False, stdout=None, stderr=None,
        timeout=None, shell_escape=None, capture_buffer_size=None):
    """Runs a command on the node, in a login shell of its own (`env.shell`) unless `shell=False`."""
    options = {"shell": shell, "pty": pty, "combine_stderr": combine_stderr, "stdout": stdout, "stderr": stderr,
               "timeout": timeout, "shell_escape": shell_escape}
    return _quietly(quiet, warn_only, lambda: _remote("run", command, calls.current().become, None, **options))


def sudo(command, shell=True, pty=None, combine_stderr=None, user=None, quiet=False, warn_only=False, stdout=None,
         stderr=None, group=None, timeout=None, shell_escape=None, capture_buffer_size=None):
    """The same as another user, by the daemon's own sudo."""
    options = {"shell": shell, "pty": pty, "combine_stderr": combine_stderr, "stdout": stdout, "stderr": stderr,
               "timeout": timeout, "shell_escape": shell_escape}
    wanted = str(user if user is not None else env.sudo_user or "root")
    return _quietly(quiet, warn_only, lambda: _remote("sudo", command, wanted, group, **options))


def _quietly(quiet, warn_only, work):
    if quiet:
        with settings(hide("everything"), warn_only=True):
            return work()
    if warn_only:
        with settings(warn_only=True):
            return work()
    return work()


def _remote(which, command, user, group, shell, pty, combine_stderr, stdout, stderr, timeout, shell_escape):
    own_node()
    command = str(command)
    pty = env.always_use_pty if pty is None else pty
    combined = env.combine_stderr if combine_stderr is None else combine_stderr
    timeout = env.command_timeout if timeout is None else timeout
    line = lines.wrapped(command, env, shell, shell_escape)
    sent = lines.joined_streams(line, shell and env.use_shell) if combined and not pty else line
    if group is not None:
        # The daemon's sudo knows users only. Root needs no password to go on from there.
        sent = f"sudo -n -u {shlex.quote(user)} -g {shlex.quote(str(group))} -- /bin/sh -c {shlex.quote(sent)}"
        user = "root"
    running(f"{which}: {line if output.debug else command}")
    streams = {"out": stdout or sys.stdout, "err": stderr or sys.stderr}

    def show(stream, text):
        if output["std" + stream]:
            streams[stream].write(text.replace("\r\n", "\n"))

    try:
        ran = remote.execute(sent, sudo=user, pty=pty, timeout=timeout, on_output=show, shown=command)
    except remote.TimedOut:
        if timeout is None:
            raise
        raise CommandTimeout(timeout) from None
    result = ended(ran.out, ran.err, ran.exit_status, command, line, env.ok_ret_codes)
    if result.failed:
        _failed(which, result)
    return result


def _failed(which, result):
    words = f"{which}() received nonzero return code {result.return_code} while executing"
    if env.warn_only:
        warn(f"{words} '{result.command}'!")
        return
    shown = "" if output.stdout or not result else f"\n\nStandard output:\n{result}"
    fail(f"{words}!\n\nRequested: {result.command}\nExecuted: {result.real_command}{shown}",
         f"{words} '{result.command}'", result.return_code)


def local(command, capture=False, shell=None):
    """Runs a command on the worker's own side, in its sandbox. What it prints is shown, or with `capture` returned."""
    command = str(command)
    line = lines.with_variables(lines.prefixed(command, env, local=True), env)
    running(f"local: {line if output.debug else command}")
    hidden = {"out": capture or not output.stdout, "err": capture or not output.stderr}

    def show(stream, text):
        if not hidden[stream]:
            (sys.stdout if stream == "out" else sys.stderr).write(text)

    process = subprocess.Popen(line, shell=True, executable=shell, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    out, err, status = converse(process, show, keep=capture)
    result = ended(out if capture else "", err if capture else "", status, command, line, env.ok_ret_codes)
    if result.failed:
        words = f"local() encountered an error (return code {status}) while executing '{command}'"
        if env.warn_only:
            warn(words)
        else:
            fail(words, exit_status=status)
    return result


def require(*keys, used_for=None, provided_by=None):
    """Aborts unless these settings of `env` say something."""
    missing = [key for key in keys if key not in env or env[key] in (None, "", {}, [], ())]
    if not missing:
        return
    words = f"the command {env.command} needs env.{', env.'.join(missing)}"
    if used_for:
        words += f", used for {used_for}"
    if provided_by:
        given = provided_by if isinstance(provided_by, (list, tuple)) else [provided_by]
        words += "; provided by " + ", ".join(getattr(task, "__name__", str(task)) for task in given)
    abort(words)


def prompt(text, key=None, default="", validate=None):
    abort(f"prompt is refused, since nobody is there to answer: {text}")


def open_shell(command=None):
    abort("open_shell is refused: nobody sits at a terminal")


def reboot(wait=120, command="reboot", use_sudo=True):
    """Reboots the node, and waits until it runs again under another boot id."""
    own_node()
    before = _boot_id()
    if before is None:
        abort("reboot: the node does not tell its boot id")
    # A moment later, so that this command ends before its connection does.
    later = f"nohup sh -c {shlex.quote('sleep 1; ' + command)} >/dev/null 2>&1 </dev/null &"
    running(f"reboot: {command}")
    started = remote.execute(later, sudo="root" if use_sudo else None)
    if not started.ok:
        error(f"reboot: {command} could not be started: {started.err.strip()}")
        return
    end = time.monotonic() + wait
    while time.monotonic() < end:
        time.sleep(min(2, wait / 50))
        if _boot_id() not in (None, before):
            return
    abort(f"reboot: {calls.current().node.name} did not come back within {wait} s")


def _boot_id():
    """Nothing while the node is away: what follows the lost connection asks for a new one."""
    try:
        ran = remote.execute("cat /proc/sys/kernel/random/boot_id", timeout=10)
    except remote.RemoteError:
        return None
    return (ran.out.strip() or None) if ran.ok else None
