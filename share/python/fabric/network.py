"""What fabfiles take from Fabric 1's connections, and which means something where the daemon has them."""
from .exceptions import NetworkError
from .state import env

__all__ = ["NetworkError", "denormalize", "disconnect_all", "join_host_strings", "needs_host", "normalize"]


def disconnect_all():
    """Does nothing: the sessions are the daemon's."""


def needs_host(function):
    """A call always has its node."""
    return function


def normalize(host_string, omit_port=False):
    """`user@host:port` -> its parts, with those of `env` where they are not said; an IPv6 address with a port stands in
    brackets."""
    user, _, rest = str(host_string).rpartition("@")
    port = ""
    if rest.startswith("["):
        rest, _, port = rest[1:].partition("]")
        port = port.lstrip(":")
    elif rest.count(":") == 1:
        rest, _, port = rest.partition(":")
    user = user or env.user
    return (user, rest) if omit_port else (user, rest, port or env.port or env.default_port)


def join_host_strings(user, host, port=None):
    host = f"[{host}]" if port and ":" in host else host
    return f"{user}@{host}" + (f":{port}" if port else "")


def denormalize(host_string):
    """Without what is `env`'s own anyway."""
    user, host, port = normalize(host_string)
    shown = f"[{host}]" if ":" in host and str(port) != env.default_port else host
    return (f"{user}@" if user != env.user else "") + shown + (f":{port}" if str(port) != env.default_port else "")
