"""Fabric for tasks that Loom runs (docs/fabric.md): the names of Fabric 1 below `fabric.api`, those of Fabric 2 and 3
here. Whatever a task does on a node, the daemon does it on the node's own session; the task holds no key."""
import importlib

# Name -> the module that has it. They are imported when they are asked for: a task of Fabric 1 needs none of them.
_PLACES = {"Config": "config", "Connection": "connection", "Group": "group", "GroupResult": "group", "Remote": "runners",
           "Result": "runners", "SerialGroup": "group", "Task": "tasks2", "ThreadingGroup": "group", "task": "tasks2"}

# `from fabric import *` stands in fabfiles of Fabric 1, too, and must not take their `task` away.
__all__ = sorted(set(_PLACES) - {"Task", "task"})
__version__ = "2.6.0"  # the newest whose names are here; some tasks look


def __getattr__(name):
    if name in _PLACES:
        return getattr(importlib.import_module("." + _PLACES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
