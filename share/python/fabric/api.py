"""All of Fabric 1 that a fabfile takes by `from fabric.api import *`."""
from .context_managers import (cd, char_buffered, hide, lcd, path, prefix, quiet, remote_tunnel, settings, shell_env, show,
                               warn_only)
from .decorators import ensure_order, hosts, parallel, roles, runs_once, serial, task, with_settings
from .operations import get, local, open_shell, prompt, put, reboot, require, run, sudo
from .state import env, output
from .tasks import execute
from .utils import abort, fastprint, puts, warn

__all__ = ["abort", "cd", "char_buffered", "ensure_order", "env", "execute", "fastprint", "get", "hide", "hosts", "lcd",
           "local", "open_shell", "output", "parallel", "path", "prefix", "prompt", "put", "puts", "quiet", "reboot",
           "remote_tunnel", "require", "roles", "run", "runs_once", "serial", "settings", "shell_env", "show", "sudo",
           "task", "warn", "warn_only", "with_settings"]
