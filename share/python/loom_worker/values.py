"""A task's return value as JSON, whatever it is."""
import datetime
import json
import math
import os
import re

# Deeper parts become text: readers of JSON have a bound of their own.
DEPTH_MAX = 20
# Of the value's JSON. As much is kept of a node's output.
BYTES_MAX = 1024 * 1024


def as_json(value):
    """The value made of what JSON has. What JSON does not know is its `repr`, without an address in memory, by which
    equal values of two nodes would differ."""
    plain = _plain(value, DEPTH_MAX)
    try:
        size = len(json.dumps(plain))
    except (ValueError, RecursionError):
        return _text(value)
    return plain if size <= BYTES_MAX else f"<{type(value).__name__} of {size} bytes: at most {BYTES_MAX} are kept>"


def _plain(value, depth):
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if depth:
        if isinstance(value, dict):
            return {_key(key): _plain(part, depth - 1) for key, part in value.items()}
        if isinstance(value, (list, tuple)):
            return [_plain(part, depth - 1) for part in value]
        if isinstance(value, (set, frozenset)):
            return sorted((_plain(part, depth - 1) for part in value), key=repr)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, os.PathLike):
        return os.fspath(value) if isinstance(os.fspath(value), str) else _text(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    return _text(value)


def _key(key):
    if isinstance(key, str):
        return str(key)
    return json.dumps(key) if key is None or isinstance(key, (bool, int)) else _text(key)


def _text(value):
    try:
        return re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:BYTES_MAX]
    except Exception as error:  # A repr of the task's own may do anything.
        return f"<{type(value).__name__} without a repr: {type(error).__name__}>"
