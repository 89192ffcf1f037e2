"""Fabric 1's and 2's exceptions."""
from loom_worker.remote import RemoteError as NetworkError


class CommandTimeout(Exception):
    """Fabric 1: a command did not end in time."""

    def __init__(self, timeout):
        super().__init__(f"the command did not end within {timeout} s")
        self.timeout = timeout


class NothingToDo(Exception):
    """Fabric 2: there is nothing to connect to."""


class GroupException(Exception):
    """Fabric 2: some of a group failed. Never raised here."""


class InvalidV1Env(Exception):
    """Fabric 2.6: settings of Fabric 1 that make no connection. Never raised here."""


__all__ = ["CommandTimeout", "GroupException", "InvalidV1Env", "NetworkError", "NothingToDo"]
