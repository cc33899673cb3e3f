"""The other side: a process `sparoa-gym serve`, or a connection to one, and the frames that go to and fro.

All environments of this Python process share one server. It is started when the first is made, and ends with this process:
its stdin closes. `SPAROA_GYM_COMMAND` is the command that starts it, without `serve`; by default `sparoa-gym` on the PATH.
With `SPAROA_GYM_SOCKET` (host:port) and `SPAROA_GYM_TOKEN` set, one that `sparoa-gym serve --socket` runs is used instead.
"""

import atexit
import json
import os
import shlex
import shutil
import socket
import struct
import subprocess
import threading
from collections import deque

# The first bytes of a frame: payload length, handle, kind (env/server/frames.ts).
HEADER = struct.Struct("<IHBx")
PROTOCOL = 1
CONTROL, STEP, ERROR = 1, 2, 3


class InputError(ValueError):
    """A bad id, option, seed or action: what is wrong with it, and what to do."""


class ServerError(RuntimeError):
    """The server cannot be started, has ended, or has a defect, whose stack trace this is."""


class Server:
    """Where frames go. One answer follows each; a lock keeps threads apart."""

    def __init__(self):
        self._lock = threading.Lock()
        # Handles of environments that nobody holds any more: closed at the next exchange, as a destructor must not talk.
        self._dropped = deque()
        self._process = None
        self._broken = None
        address = os.environ.get("SPAROA_GYM_SOCKET")
        self._input, self._output = self._connect(address) if address else self._start()
        try:
            hello = self.request("hello", protocol=PROTOCOL, token=os.environ.get("SPAROA_GYM_TOKEN"))
            if "environments" not in hello:
                raise ServerError("sparoa_gym: the other side is no `sparoa-gym serve`: it answered %r." % hello)
        except BaseException:
            self.close()
            raise

    def _connect(self, address):
        host, _, port = address.rpartition(":")
        try:
            connection = socket.create_connection((host or "127.0.0.1", int(port)))
        except (OSError, ValueError) as error:
            raise ServerError(
                'sparoa_gym: no server at SPAROA_GYM_SOCKET="%s" (%s).\n'
                "Start one with `sparoa-gym serve --socket`, which prints what to set." % (address, error)
            ) from None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = connection.makefile("rwb", buffering=0)
        connection.close()  # When the stream is.
        return stream, stream

    def _start(self):
        command = os.environ.get("SPAROA_GYM_COMMAND") or "sparoa-gym"
        words = shlex.split(command, posix=os.name != "nt")
        program = shutil.which(words[0]) if words else None
        if program is None:
            raise ServerError(
                "sparoa_gym: the command `%s` was not found.\n"
                "Install it with `ONNXRUNTIME_NODE_INSTALL=skip npm install -g /path/to/sparoa-gym-0.1.0.tgz` (Node 20.19 or "
                "later), or set SPAROA_GYM_COMMAND, such as to "
                "`node /path/to/sparoa-gym/dist/cli/main.js`." % (words[0] if words else command)
            )
        # A group of its own: Ctrl-C is this process's to handle, the server ends with it.
        group = (
            {"start_new_session": True}
            if os.name == "posix"
            else {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        )
        self._process = subprocess.Popen(
            [program, *words[1:], "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **group
        )
        return self._process.stdin, self._process.stdout

    @property
    def usable(self):
        return self._broken is None

    def request(self, do, handle=0, **content):
        """Sends a control message and returns the answer, an object."""
        reply = bytearray(HEADER.size)
        return json.loads(self.exchange(control_frame(handle, {"do": do, **content}), reply))

    def exchange(self, frame, reply):
        """Sends a frame; the answer's first bytes, header included, go to `reply`, the rest is returned.

        Raises InputError or ServerError where the answer is an error, with its text.
        """
        with self._lock:
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
            sent = self._input.write(frame)
            while sent < len(frame):
                sent += self._input.write(memoryview(frame)[sent:])
            size = len(reply)
            count = self._output.readinto(reply)
            if count < HEADER.size:
                count = self._fill(reply, count, HEADER.size)
            length, _, kind = HEADER.unpack_from(reply)
            whole = HEADER.size + length
            if count < whole and count < size:
                self._fill(reply, count, min(whole, size))
            rest = b""
            if whole > size:
                rest = bytearray(whole - size)
                self._fill(rest, 0, len(rest))
            return kind, whole, rest
        except (EOFError, OSError) as error:
            code = self._end()
            self._broken = "sparoa_gym: the server ended (%s).\nMake the environment again; its messages are on stderr." % (
                type(error).__name__ if code is None else "exit code %s" % code
            )
            raise ServerError(self._broken) from None
        except BaseException:  # Such as KeyboardInterrupt: the answer is on its way, and would be taken for the next one.
            self._end()
            self._broken = "sparoa_gym: the conversation with the server was interrupted.\nMake the environment again."
            raise

    def _fill(self, buffer, count, until):
        view = memoryview(buffer)
        while count < until:
            got = self._output.readinto(view[count:until])
            if not got:
                raise EOFError
            count += got
        return count

    def drop(self, handle):
        """Closes an environment later; may be called from a destructor."""
        self._dropped.append(handle)

    def close(self):
        """Ends the conversation, and the server where it was started here. Its environments are closed."""
        with self._lock:
            self._end()
            if self._broken is None:
                self._broken = "sparoa_gym: the server was closed.\nMake the environment again."

    def leave_to_parent(self):
        """After a fork: pipes and environments are the parent's. Without copies here they close when it closes them."""
        self._lock = threading.Lock()
        self._broken = "sparoa_gym: the environment was made before os.fork().\nMake it in the process that uses it."
        self._process, self._parents_process = None, self._process
        for stream in (self._input, self._output):
            stream.close()

    def _end(self):
        """Returns the exit code; None where the server is not this process's child."""
        for stream in (self._input, self._output):
            try:
                stream.close()
            except OSError:
                pass
        if self._process is None:
            return None
        try:
            return self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def control_frame(handle, content):
    payload = json.dumps(content, default=_plain).encode()
    return HEADER.pack(len(payload), handle, CONTROL) + payload


def _plain(value):
    """NumPy's numbers and arrays, as seeds and options may hold."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError("sparoa_gym: %r cannot be sent as JSON." % (value,))


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
