"""Texts in colour, for terminals; FABRIC_DISABLE_COLORS leaves them plain."""
import os

__all__ = ["blue", "cyan", "green", "magenta", "red", "white", "yellow"]


def _painter(code):
    def paint(text, bold=False):
        if os.environ.get("FABRIC_DISABLE_COLORS"):
            return text
        return f"\033[{'1;' if bold else ''}{code}m{text}\033[0m"

    return paint


red, green, yellow = _painter(31), _painter(32), _painter(33)
blue, magenta, cyan, white = _painter(34), _painter(35), _painter(36), _painter(37)
