"""Fabric 1's `env` and `output`: settings that a whole call shares, and that no other call sees."""
import getpass
import os

from loom_worker import call as calls

__all__ = ["env", "output"]


class AttributeDict(dict):
    """A dict whose keys are attributes."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        self[name] = value

    def __delattr__(self, name):
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    def first(self, *names):
        """The first of these settings that says something."""
        for name in names:
            if self.get(name):
                return self[name]
        return None


class Levels(AttributeDict):
    """What is shown: setting a group sets all that is in it."""

    groups = {"everything": ("warnings", "running", "user", "output", "exceptions"), "output": ("stdout", "stderr"),
              "commands": ("stdout", "running")}

    def expand(self, names):
        for name in names:
            yield from self.expand(self.groups[name]) if name in self.groups else (name,)

    def __setitem__(self, name, value):
        for level in self.expand([name]):
            super().__setitem__(level, value)


LEVELS = {"status": True, "aborts": True, "warnings": True, "running": True, "stdout": True, "stderr": True,
          "user": True, "exceptions": False, "debug": False}


def defaults():
    """What holds before a fabfile says anything."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())  # The sandbox's user may have no name.
    return {
        "abort_exception": None, "abort_on_prompts": True, "all_hosts": [], "always_use_pty": False, "code_dir": "",
        "colorize_errors": False, "combine_stderr": True, "command": None, "command_prefixes": [], "command_timeout": None,
        "connection_attempts": 1, "cwd": "", "dedupe_hosts": True, "default_port": "22", "disable_known_hosts": False,
        "eagerly_disconnect": False, "echo_stdin": False, "effective_roles": [], "exclude_hosts": [], "fabfile": "fabfile",
        "forward_agent": False, "gateway": None, "host": None, "host_string": None, "hosts": [], "keepalive": 0, "key": None,
        "key_filename": None, "lcwd": "", "linewise": False, "local_user": user, "no_agent": False, "no_keys": False,
        "ok_ret_codes": [0], "output_prefix": False, "parallel": False, "password": None, "passwords": {}, "path": "",
        "path_behavior": "append", "pool_size": 0, "port": None, "prompts": {}, "real_fabfile": None,
        "reject_unknown_hosts": False,
        "remote_interrupt": None, "roledefs": {}, "roles": [], "shell": "/bin/bash -l -c", "shell_env": {}, "skip_bad_hosts": False,
        "skip_unknown_tasks": False, "ssh_config_path": None, "sudo_password": None, "sudo_passwords": {},
        "sudo_prefix": "sudo -S -p '%(sudo_prompt)s' ", "sudo_prompt": "sudo password:", "sudo_user": None, "system_known_hosts": None,
        "tasks": [], "temp_dir": "", "timeout": 10, "use_exceptions_for": {"network": False}, "use_shell": True,
        "use_ssh_config": False, "user": user, "version": "1.14.0", "warn_only": False,
    }


env = AttributeDict()
output = Levels()


def _copied(value):
    """A copy of the containers; what they hold is the task's own, and stays as it is."""
    if type(value) in (dict, AttributeDict):
        return type(value)((key, _copied(part)) for key, part in value.items())
    if type(value) in (list, tuple, set):
        return type(value)(map(_copied, value))
    return value


class _Settings:
    """What a fabfile sets while it is imported holds for each call of its tasks; what a task sets is gone with the call."""

    def __init__(self):
        self._of_module = {}

    def forget(self):
        env.clear()
        env.update(defaults())
        output.clear()
        output.update(LEVELS)

    def loaded(self, module, fresh):
        if fresh or module not in self._of_module:
            self._of_module[module] = _copied(dict(env)), dict(output)
        self._env, self._output = self._of_module[module]

    def begin(self, call):
        env.clear()
        env.update(_copied(self._env))
        output.clear()
        output.update(self._output)
        node = call.node
        # The node is the job's choice, whatever hosts and users the fabfile names.
        env.update(host=node.name, host_string=node.name, port=str(node.port), user=node.user,
                   all_hosts=list(call.run.targets), command=call.task, effective_roles=list(node.groups), cwd=call.cwd,
                   shell_env={**env.shell_env, **call.env})


calls.observe(_Settings())
