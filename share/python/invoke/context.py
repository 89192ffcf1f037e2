"""A context: where commands run, with which prefixes, by which settings."""
import os
from contextlib import contextmanager

from .config import Config, DataProxy
from .runners import Local


class Context(DataProxy):
    """Runs commands on the worker's own side; `fabric.Connection` on the node. Keys of its settings are attributes."""

    def __init__(self, config=None):
        self._set(_config=config if config is not None else Config(), command_prefixes=[], command_cwds=[])

    def _map(self):
        return self._config._map()

    @property
    def config(self):
        return self._config

    @config.setter
    def config(self, value):
        self._set(_config=value)

    def run(self, command, **options):
        return Local(self).run(self._prefix_commands(command), **options)

    def sudo(self, command, **_options):
        raise PermissionError(f"sudo {command}: the worker has no password and may become nobody else")

    @contextmanager
    def prefix(self, command):
        """Commands within run after this one, joined by `&&`."""
        self.command_prefixes.append(command)
        try:
            yield
        finally:
            self.command_prefixes.pop()

    @contextmanager
    def cd(self, path):
        """Commands within run in this folder; a relative one starts at the outer `cd`."""
        self.command_cwds.append(str(path))
        try:
            yield
        finally:
            self.command_cwds.pop()

    @property
    def cwd(self):
        if not self.command_cwds:
            return ""
        start = 0
        for index, path in enumerate(self.command_cwds):
            if path.startswith(("~", "/")):
                start = index
        return os.path.join(*(path.replace(" ", r"\ ") for path in self.command_cwds[start:]))

    def _prefix_commands(self, command):
        prefixes = ([f"cd {self.cwd}"] if self.cwd else []) + self.command_prefixes
        return " && ".join([*prefixes, str(command)])
