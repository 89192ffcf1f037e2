"""Fabric 2's connection. There is one node to be connected to: the call's own."""
from invoke.config import DataProxy
from invoke.context import Context
from loom_worker import call as calls

from .config import Config
from .runners import Remote
from .transfer import Transfer


def _not_there(name, why):
    def refuse(self, *_arguments, **_more):
        raise NotImplementedError(f"Connection.{name} is not there: {why}")

    refuse.__name__ = name
    return refuse


class Connection(Context):
    """`run`, `sudo`, `put` and `get` on the node, `local` on the worker's own side."""

    def __init__(self, host, user=None, port=None, config=None, gateway=None, forward_agent=None, connect_timeout=None,
                 connect_kwargs=None, inline_ssh_env=None):
        user, host, port = _parts(str(host), user, port)
        super().__init__(config if config is not None else Config())
        self._set(original_host=host, host=host, user=user, port=port, gateway=gateway, forward_agent=bool(forward_agent),
                  connect_timeout=connect_timeout, connect_kwargs=DataProxy(connect_kwargs or {}), inline_ssh_env=True)
        call = calls.current_or_none()
        if call is not None and host in (call.node.name, call.node.host):
            self._set(original_host=call.node.name, host=call.node.host or call.node.name, user=user or call.node.user,
                      port=port or call.node.port)

    @classmethod
    def of_this_call(cls):
        """What a task gets as its first argument: it begins in the job's `cwd`."""
        call = calls.current()
        made = cls(call.node.name)
        if call.cwd:
            made.command_cwds.append(call.cwd)
        return made

    def _reach(self):
        """Refuses what is not the call's own node. A module may well make connections while it is imported: that is no
        harm before one is used."""
        node = calls.current().node
        if not {self.host, self.original_host} & {node.name, node.host}:
            raise ValueError(f"Connection to {self.original_host}: a task speaks to its own node only, which is {node.name}; "
                             "more nodes are more targets of the job")
        if self.user not in (None, node.user) or self.port not in (None, node.port):
            raise ValueError(f"Connection as {self.user or node.user} to port {self.port or node.port}: Loom logs in to "
                             f"{node.name} as {node.user}, port {node.port}; who and where is said for the node")
        if self.gateway or self.forward_agent:
            raise ValueError("gateway and forward_agent are not there: the way to a node is the daemon's")

    @property
    def is_connected(self):
        """The daemon has the session that the call runs on."""
        return True

    def open(self):
        """Does nothing: the session is there."""

    def close(self):
        """Does nothing: the session is the daemon's."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def run(self, command, **options):
        self._reach()
        return Remote(self).run(self._prefix_commands(command), **options)

    def sudo(self, command, **options):
        """The whole line as another user, by the daemon's own sudo: a password that is given here is not used."""
        self._reach()
        user = options.pop("user", None) or self.config.sudo.user or "root"
        options.pop("password", None)
        return Remote(self, sudo=user).run(self._prefix_commands(command), **options)

    def local(self, command, **options):
        """On the worker's own side, with its environment: that of the node is not replaced by it."""
        return Context.run(self, command, **{"replace_env": False, **options})

    def put(self, local, remote=None, preserve_mode=True):
        self._reach()
        return Transfer(self).put(local, remote, preserve_mode)

    def get(self, remote, local=None, preserve_mode=True):
        self._reach()
        return Transfer(self).get(remote, local, preserve_mode)

    sftp = _not_there("sftp", "files come and go by put and get")
    shell = _not_there("shell", "nobody sits at a terminal")
    forward_local = _not_there("forward_local", "the worker has no network of the node")
    forward_remote = _not_there("forward_remote", "the worker has no network of the node")
    create_session = _not_there("create_session", "the session is the daemon's")

    def __eq__(self, other):
        return isinstance(other, Connection) and (self.host, self.user, self.port) == (other.host, other.user, other.port)

    def __hash__(self):
        return hash((self.host, self.user, self.port))

    def __repr__(self):
        return f"<Connection host={self.original_host} user={self.user} port={self.port}>"


def _parts(text, user, port):
    """`user@host:port`, as far as it is said; an IPv6 address has more than one colon and no port here."""
    if "@" in text:
        if user is not None:
            raise ValueError("the user is given twice")
        user, _, text = text.rpartition("@")
    if text.count(":") == 1:
        if port is not None:
            raise ValueError("the port is given twice")
        text, _, number = text.partition(":")
        port = int(number)
    return user, text, port
