"""Invoke's names for tasks that Loom runs: a task's first argument is the node's connection (docs/fabric.md)."""
from .collection import Collection
from .config import Config
from .context import Context
from .exceptions import (AuthFailure, CollectionNotFound, CommandTimedOut, Exit, Failure, ParseError, PlatformError,
                         ResponseNotAccepted, SubprocessPipeError, ThreadException, UnexpectedExit, WatcherError)
from .runners import Local, Promise, Result, Runner
from .tasks import Call, Task, call, task
from .watchers import FailingResponder, Responder, StreamWatcher

__all__ = ["AuthFailure", "Call", "Collection", "CollectionNotFound", "CommandTimedOut", "Config", "Context", "Exit",
           "FailingResponder", "Failure", "Local", "ParseError", "PlatformError", "Promise", "Responder",
           "ResponseNotAccepted", "Result", "Runner", "StreamWatcher", "SubprocessPipeError", "Task", "ThreadException",
           "UnexpectedExit", "WatcherError", "call", "run", "sudo", "task"]


def run(command, **options):
    """Runs a command on the worker's own side, in its sandbox."""
    return Context().run(command, **options)


def sudo(command, **options):
    return Context().sudo(command, **options)
