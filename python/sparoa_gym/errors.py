"""What this package raises."""


class InputError(ValueError):
    """A bad id, option, seed or action: what is wrong with it, and what to do."""


class RenderModeError(InputError, TypeError):
    """A render mode that the environment has not. Libraries that try one take a TypeError as: make it without."""


class ServerError(RuntimeError):
    """The server cannot be started, has ended, does not answer, or has a defect, whose stack trace this is."""
