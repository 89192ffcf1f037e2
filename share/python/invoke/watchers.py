"""Watchers answer what a command asks on its output. They need a command whose input stays open: local ones have it."""
import re
import threading

from .exceptions import ResponseNotAccepted


class StreamWatcher(threading.local):
    """`submit(stream)` sees all output so far and yields what to answer."""

    def submit(self, stream):
        raise NotImplementedError(f"{type(self).__name__} does not say what it answers")


class Responder(StreamWatcher):
    """Answers each match of a pattern once."""

    def __init__(self, pattern, response):
        self.pattern = pattern
        self.response = response
        self.index = 0

    def pattern_matches(self, stream, pattern, index_attr):
        """The new matches, in the part of the stream that was not looked at before."""
        start = getattr(self, index_attr)
        found = list(re.finditer(pattern, stream[start:], re.DOTALL))
        if found:
            setattr(self, index_attr, start + max(match.end() for match in found))
        return [match.group() for match in found]

    def submit(self, stream):
        for _ in self.pattern_matches(stream, self.pattern, "index"):
            yield self.response


class FailingResponder(Responder):
    """Gives up when the sentinel tells that an answer was wrong."""

    def __init__(self, pattern, response, sentinel):
        super().__init__(pattern, response)
        self.sentinel = sentinel
        self.failure_index = 0
        self.tried = False

    def submit(self, stream):
        answers = list(super().submit(stream))
        if self.tried and self.pattern_matches(stream, self.sentinel, "failure_index"):
            raise ResponseNotAccepted(f"the answer to {self.pattern!r} was not accepted: {self.sentinel!r}")
        self.tried = self.tried or bool(answers)
        return answers
