"""Fabric 1's results: texts and lists that also say how it went."""


class AttributeString(str):
    """What a command printed, with `failed`, `succeeded`, `return_code`, `stderr`, `command` and `real_command`."""

    failed = False
    return_code = 0
    stderr = ""
    command = None
    real_command = None

    @property
    def stdout(self):
        return str(self)

    @property
    def succeeded(self):
        return not self.failed


class AttributeList(list):
    """Paths that were written; `failed` has those that were not."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.failed = []

    @property
    def succeeded(self):
        return not self.failed


def ended(out, err, status, command, real_command, ok_codes):
    """The result of a command."""
    result = AttributeString(out.replace("\r\n", "\n").strip())
    result.stderr = err.replace("\r\n", "\n").strip()
    result.return_code = status
    result.failed = status not in ok_codes
    result.command = command
    result.real_command = real_command
    return result


# Fabric 1 has them in `operations` by these names.
_AttributeString, _AttributeList = AttributeString, AttributeList
