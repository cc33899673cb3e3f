"""Bytes to a server and back: the pipes of a process that is started here, or a socket."""

import os
import shlex
import shutil
import signal
import socket
import subprocess

from .errors import ServerError


class Connection:
    """Raises ServerError where the server cannot be started or reached."""

    def __init__(self):
        self.process = None
        self._socket = None
        address = os.environ.get("SPAROA_GYM_SOCKET")
        self._input, self._output = self._connect(address) if address else self._start()
        self.read_into = self._output.readinto

    def _connect(self, address):
        host, _, port = address.rpartition(":")
        try:
            self._socket = socket.create_connection((host or "127.0.0.1", int(port)), timeout=60)
        except (OSError, ValueError, OverflowError) as error:
            raise ServerError(
                'sparoa_gym: no server at SPAROA_GYM_SOCKET="%s" (%s).\n'
                "Start one with `sparoa-gym serve --socket`, which prints what to set." % (address, error)
            ) from None
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = self._socket.makefile("rwb", buffering=0)
        return stream, stream

    def _start(self):
        command = os.environ.get("SPAROA_GYM_COMMAND") or "sparoa-gym"
        try:
            words = shlex.split(command, posix=os.name != "nt")
        except ValueError:  # A quotation mark without its other.
            words = []
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
        try:
            self.process = subprocess.Popen(
                [program, *words[1:], "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **group
            )
        except OSError as error:
            raise ServerError(
                "sparoa_gym: the command `%s` does not start: %s.\nName another in SPAROA_GYM_COMMAND." % (program, error)
            ) from None
        return self.process.stdin, self.process.stdout

    def write(self, frame):
        sent = self._input.write(frame)
        while sent < len(frame):
            sent += self._input.write(memoryview(frame)[sent:])

    def fill(self, buffer, count, until):
        """Reads until so many bytes are there. Raises EOFError where the other side has gone."""
        view = memoryview(buffer)
        while count < until:
            got = self.read_into(view[count:until])
            if not got:
                raise EOFError
            count += got
        return count

    def cut(self):
        """At once, whatever the server does: whoever reads from it is at its end. From any thread."""
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        elif self.process.poll() is None:
            # All of the group: the command may be a script that started Node.
            if os.name == "posix":
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()

    def end(self):
        """Closes the streams and waits for the process. Returns its exit code; None where there is none."""
        for stream in {self._input, self._output, self._socket} - {None}:
            try:
                stream.close()
            except OSError:
                pass
        if self.process is None:
            return None
        try:
            return self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.cut()
            return self.process.wait()

    def leave_to_parent(self):
        self.process, self._parents_process = None, self.process
        for stream in {self._input, self._output, self._socket} - {None}:
            stream.close()
