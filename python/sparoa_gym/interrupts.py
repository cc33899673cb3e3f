"""Ctrl-C while an answer is on its way: the answer is read to its end, then KeyboardInterrupt is raised."""

import signal
import threading

# The functions behind the public ones, which turn numbers into enums for 17 us: more than a step's answer takes.
_set = getattr(signal.signal, "__wrapped__", signal.signal)
_get = getattr(signal.getsignal, "__wrapped__", signal.getsignal)


class Deferral:
    """A context. Only the main thread is interrupted, and only where Python handles the signal. A second Ctrl-C is not deferred."""

    def __init__(self):
        self._previous = None
        self._pending = False

    def __enter__(self):
        if threading.get_ident() == threading.main_thread().ident and callable(_get(signal.SIGINT)):
            self._pending = False
            self._previous = _set(signal.SIGINT, self._defer)

    def __exit__(self, *_):
        previous, self._previous = self._previous, None
        if previous is not None:
            _set(signal.SIGINT, previous)
            if self._pending:
                self._pending = False
                signal.raise_signal(signal.SIGINT)

    def _defer(self, *_):
        if self._pending:
            raise KeyboardInterrupt
        self._pending = True
