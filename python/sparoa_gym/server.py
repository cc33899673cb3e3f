"""The other side: a process `sparoa-gym serve`, or a connection to one, and the frames that go to and fro.

All environments of this Python process share one server. It is started when the first is made, and ends with this process:
its stdin closes. `SPAROA_GYM_COMMAND` is the command that starts it, without `serve`; by default `sparoa-gym` on the PATH.
With `SPAROA_GYM_SOCKET` (host:port) and `SPAROA_GYM_TOKEN` set, one that `sparoa-gym serve --socket` runs is used instead.
"""

import atexit
import json
import os
import threading
import time
from collections import deque

from .connection import Connection
from .errors import InputError, ServerError
from .frames import CONTROL, ERROR, HEADER, PROTOCOL, STEP, control_frame
from .interrupts import Deferral

# Answers longer than this are taken for noise.
MOST_BYTES = 2**30
# A server that runs answers at once: seconds.
HELLO_LIMIT = 60


class Server:
    """Where frames go. One answer follows each; a lock keeps threads apart.

    An answer that takes longer than `SPAROA_GYM_TIMEOUT` seconds (default 600) ends the conversation.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._deferral = Deferral()
        # Handles of environments that nobody holds any more: closed at the next exchange, as a destructor must not talk.
        self._dropped = deque()
        self._broken = None
        self._since = None
        self._late = False
        limit = _time_limit()
        self._limit = min(limit, HELLO_LIMIT)
        self._most_bytes = MOST_BYTES
        self._connection = Connection()
        threading.Thread(target=self._watch, name="sparoa_gym", daemon=True).start()
        try:
            hello = self.request("hello", protocol=PROTOCOL, token=os.environ.get("SPAROA_GYM_TOKEN"))
            if hello.get("protocol") != PROTOCOL:
                raise ServerError(
                    "sparoa_gym: this client speaks protocol %s, the other side answered %.200r.\n"
                    "Install client and server of one version." % (PROTOCOL, hello)
                )
            self._most_bytes = hello["maxFrameBytes"]
            self._limit = limit
        except BaseException:
            self.close()
            raise

    @property
    def process(self):
        """The server's, where it was started here; else None."""
        return self._connection.process

    @property
    def usable(self):
        return self._broken is None

    def request(self, do, handle=0, **content):
        """Sends a control message and returns the answer, an object."""
        answer = bytes(self.exchange(control_frame(handle, {"do": do, **content}), bytearray(HEADER.size)))
        try:
            content = json.loads(answer)
        except ValueError:
            content = None
        if isinstance(content, dict):
            return content
        raise ServerError("sparoa_gym: the other side is no `sparoa-gym serve`: it answered %.200r." % answer)

    def exchange(self, frame, reply):
        """Sends a frame; the answer's first bytes, header included, go to `reply`, the rest is returned.

        Raises InputError or ServerError where the answer is an error, with its text.
        """
        if len(frame) - HEADER.size > self._most_bytes:
            raise InputError(
                "sparoa_gym: a message of %d bytes is too long for the server.\n"
                "Send at most %d, or set SPAROA_GYM_MAX_FRAME_BYTES for the server."
                % (len(frame) - HEADER.size, self._most_bytes)
            )
        with self._lock, self._deferral:
            while self._dropped:
                self._converse(control_frame(self._dropped.popleft(), {"do": "close"}), bytearray(HEADER.size))
            kind, whole, rest = self._converse(frame, reply)
        if kind == ERROR:
            error = json.loads(bytes(reply[HEADER.size : whole]) + rest)
            raise InputError(error["message"]) if error["input"] else ServerError(error["message"])
        return rest

    def _converse(self, frame, reply):
        if self._broken is not None:
            raise ServerError(self._broken)
        try:
            self._since = time.monotonic()
            self._connection.write(frame)
            size = len(reply)
            count = self._connection.read_into(reply)
            if count < HEADER.size:
                count = self._connection.fill(reply, count, HEADER.size)
            length, _, kind = HEADER.unpack_from(reply)
            if length > MOST_BYTES or kind not in (CONTROL, STEP, ERROR):
                raise ValueError("%r begins no frame" % bytes(reply[: HEADER.size]))
            whole = HEADER.size + length
            if count < whole and count < size:
                self._connection.fill(reply, count, min(whole, size))
            rest = b""
            if whole > size:
                rest = bytearray(whole - size)
                self._connection.fill(rest, 0, len(rest))
            self._since = None
            return kind, whole, rest
        except (EOFError, OSError, ValueError) as error:
            self._since = None
            raise ServerError(self._end(self._why(error))) from None
        except BaseException:  # A second Ctrl-C: the answer is on its way, and would be taken for the next one.
            self._since = None
            self._end("sparoa_gym: the conversation with the server was interrupted.", patiently=False)
            raise

    def _why(self, error):
        if self._late:
            return (
                "sparoa_gym: the server did not answer within %g s and was given up. "
                "SPAROA_GYM_TIMEOUT sets another limit." % self._limit
            )
        if isinstance(error, ValueError):
            self._connection.cut()
            return "sparoa_gym: the other side is no `sparoa-gym serve`: %s." % error
        code = self._connection.end()
        return "sparoa_gym: the server ended (%s); its messages are on stderr." % (
            type(error).__name__ if code is None else "exit code %s" % code
        )

    def _end(self, why, patiently=True):
        if not patiently:
            self._connection.cut()
        self._connection.end()
        self._broken = why + "\nMake the environment again."
        return self._broken

    def _watch(self):
        """A thread of its own: a read from a pipe has no limit of time everywhere."""
        while self._broken is None:
            time.sleep(min(1, self._limit / 4))
            since = self._since
            if since is not None and time.monotonic() - since > self._limit:
                self._late = True
                self._connection.cut()
                return

    def drop(self, handle):
        """Closes an environment later; may be called from a destructor."""
        self._dropped.append(handle)

    def close(self):
        """Ends the conversation, and the server where it was started here. Its environments are closed."""
        with self._lock:
            self._connection.end()
            if self._broken is None:
                self._broken = "sparoa_gym: the server was closed.\nMake the environment again."

    def leave_to_parent(self):
        """After a fork: pipes and environments are the parent's. Without copies here they close when it closes them."""
        self._lock = threading.Lock()
        self._broken = "sparoa_gym: the environment was made before os.fork().\nMake it in the process that uses it."
        self._connection.leave_to_parent()


def _time_limit():
    text = os.environ.get("SPAROA_GYM_TIMEOUT") or "600"
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if seconds > 0:
        return seconds
    raise InputError('sparoa_gym: SPAROA_GYM_TIMEOUT is "%s".\nGive a number of seconds above 0.' % text)


_shared = None
_starting = threading.Lock()


def server():
    """This process's server, started if need be."""
    global _shared
    with _starting:
        if _shared is None or not _shared.usable:
            _shared = Server()
        return _shared


def shutdown():
    """Ends this process's server; the next environment starts another. Called at exit."""
    global _shared
    with _starting:
        if _shared is not None:
            _shared.close()
            _shared = None


def _after_fork():
    global _shared, _starting
    _starting = threading.Lock()
    if _shared is not None:
        _shared.leave_to_parent()
        _shared = None


atexit.register(shutdown)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
