"""Frames: four bytes of length and one JSON object each, and the descriptor that travels with one's first byte
(docs/plugin-protocol.md)."""
import json
import os
import socket
import struct

# Both sides hold to it. It bounds what one frame may make the other side keep.
BODY_MAX = 2 * 1024 * 1024


class ProtocolError(Exception):
    """The other side sent what is no frame. There is nothing to go on with."""


def encode(message):
    """The bytes of a frame. Text that is no Unicode (lone surrogates) becomes question marks."""
    body = json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
    if len(body) > BODY_MAX:
        raise ValueError(f"a frame of {len(body)} bytes; at most {BODY_MAX} can be sent at once")
    return struct.pack(">I", len(body)) + body


def decode(body):
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a frame that is no JSON: {error}") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ProtocolError("a frame that is no object with a type")
    return message


class FrameSocket:
    """One end of the socket. One thread reads; writers take turns by themselves (`Channel` holds the lock)."""

    def __init__(self, descriptor):
        # What the task starts does not inherit it: a child could speak in the worker's name.
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._read = bytearray()

    def receive(self):
        """The next message; None at the end of the stream."""
        head = self._take(4)
        if head is None:
            return None
        (length,) = struct.unpack(">I", head)
        if not 0 < length <= BODY_MAX:
            raise ProtocolError(f"a frame of {length} bytes; 1 to {BODY_MAX} were expected")
        body = self._take(length)
        if body is None:
            raise ProtocolError("the stream ended within a frame")
        return decode(body)

    def _take(self, count):
        while len(self._read) < count:
            try:
                chunk = self._socket.recv(65536)
            except ConnectionError:
                chunk = b""
            if not chunk:
                if self._read:
                    raise ProtocolError("the stream ended within a frame")
                return None
            self._read += chunk
        taken = bytes(self._read[:count])
        del self._read[:count]
        return taken

    def send(self, frame, descriptor=None):
        """Sends bytes that `encode` made, whole."""
        if descriptor is None:
            self._socket.sendall(frame)
            return
        sent = socket.send_fds(self._socket, [frame], [descriptor])
        self._socket.sendall(frame[sent:])
