"""How a cancel reaches the task: an exception in the main thread, wherever it is, but never inside of a frame."""
import os
import signal
import threading

from .call import Cancelled


class Interrupts:
    """The main thread opens a window while the task's own code runs; outside of it nothing is raised.

    `SIGUSR1` is the reader thread's way to wake the main thread from any system call; `SIGTERM` is the daemon's, when
    the cancel was not heeded. `SIGINT` is treated alike, since a terminal may send it to the whole group.
    """

    def __init__(self):
        self._open = False
        self._held = 0
        self._reason = None
        self._due = False
        self._main = threading.main_thread().ident
        self.reset()
        os.register_at_fork(after_in_child=self._leave)

    @property
    def reason(self):
        """Why the call should end; None while it should not."""
        return self._reason

    def cancel(self, reason):
        """From the reader thread."""
        self._reason = reason
        signal.pthread_kill(self._main, signal.SIGUSR1)

    def open(self):
        self._open = True
        if self._reason is not None:
            raise Cancelled(self._reason)

    def close(self):
        self._open = False

    def reset(self):
        """Before the next call. A task may have taken the signals for itself."""
        self._open, self._due, self._reason = False, False, None
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def hold(self):
        """What follows must not be broken off: a frame that is half written would end the worker."""
        if threading.get_ident() == self._main:
            self._held += 1

    def release(self):
        if threading.get_ident() != self._main:
            return
        self._held -= 1
        if self._due and not self._held and self._open:
            self._due = False
            raise Cancelled(self._reason)

    @staticmethod
    def _leave():
        """A forked child ends by a signal as any process does."""
        for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)

    def _on_signal(self, number, _frame):
        if number != signal.SIGUSR1:
            if not self._open:
                os._exit(0)  # Nothing is owed, or only a frame that the daemon does not wait for any more.
            if self._reason is None:
                self._reason = "the worker was told to end"
        if not self._open or self._reason is None:
            return
        if self._held:
            self._due = True
            return
        raise Cancelled(self._reason)
