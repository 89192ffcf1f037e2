"""What this process has once: its channel to the daemon. Outside of a worker there is none."""
from .call import OutsideOfCall

_channel = None
_interrupts = None


def open_with(channel, interrupts):
    global _channel, _interrupts
    _channel, _interrupts = channel, interrupts


def channel():
    if _channel is None:
        raise OutsideOfCall("there is no node here: this process is no worker of Loom")
    return _channel


def interrupts():
    return _interrupts
