"""The kernel's bound of connections that wait to be accepted: beyond it a connect waits a second for its second try."""
import contextlib
import os
import pathlib

SETTING = pathlib.Path("/proc/sys/net/core/somaxconn")
MOST = 16384  # the simulator asks for as many


@contextlib.contextmanager
def raised(nodes):
    """Raised for a while where so many nodes need it and it is allowed; gives a word on it."""
    before, wanted = int(SETTING.read_text(encoding="ascii")), min(nodes, MOST)
    if before >= wanted:
        yield ""
        return
    if os.geteuid() != 0:
        yield (f"net.core.somaxconn is {before}, and only root can raise it to {wanted}: with more nodes than that at once, wall "
               "times may hold a second's wait.")
        return
    try:
        SETTING.write_text(str(wanted), encoding="ascii")
    except OSError as error:
        yield f"net.core.somaxconn is {before} and could not be raised: {error}"
        return
    try:
        yield f"net.core.somaxconn was raised from {before} to {wanted} for the time of the run."
    finally:
        SETTING.write_text(str(before), encoding="ascii")
