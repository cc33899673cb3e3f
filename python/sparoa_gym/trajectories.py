"""Episodes as rows of a trajectories.csv, which `sparoa-gym validate` replays.

    with TrajectoryWriter("trajectories.csv") as out:
        env = out.recording(env, scheduler="my-ppo")  # each episode that ends is a row
        ...

or `out.record(env, scheduler="my-ppo")` after an episode. The server writes the rows: it has played the actions.
"""

import os

import gymnasium

from .errors import InputError


class TrajectoryWriter:
    """Adds rows to a file, which is made where there is none. A row is in the file once `record` returns, by one write."""

    def __init__(self, path):
        self._path = os.path.abspath(path)
        self._file = open(self._path, "ab+", buffering=0)
        self._checked = False

    def record(self, env, scheduler, seed=None):
        """Adds the episode that has just ended in `env`.

        `seed` may name the one of its reset, which need not be said where reset was given it. Raises InputError where
        no episode has ended, or it could not be replayed.
        """
        if self._file.closed:
            raise InputError("sparoa_gym: %s is closed.\nRecord before the writer closes." % self._path)
        one = env.unwrapped
        if not hasattr(one, "trajectory_row"):
            raise InputError(
                "sparoa_gym: %s cannot be recorded.\nRecord single environments of sparoa_gym." % type(one).__name__
            )
        header, line = one.trajectory_row(scheduler, seed=seed)
        self._check(header.encode())
        self._write(line.encode())

    def recording(self, env, scheduler):
        """The environment in a wrapper that records each episode that ends."""
        return RecordTrajectories(env, self, scheduler)

    def _check(self, header):
        """The file begins with the header; what a killed process left of a row is taken off."""
        if self._checked:
            return
        self._file.seek(0)
        content = self._file.read()
        if content and not content.startswith(header) and not header.startswith(content):
            raise InputError(
                "sparoa_gym: %s is no trajectories.csv of this version.\nName a file that is not there yet." % self._path
            )
        self._file.truncate(content.rfind(b"\n") + 1)
        if not content.startswith(header):
            self._write(header)
        self._checked = True

    def _write(self, data):
        sent = self._file.write(data)
        while sent < len(data):
            sent += self._file.write(data[sent:])

    def close(self):
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class RecordTrajectories(gymnasium.Wrapper):
    """Records each episode that ends. Give each reset a seed where episodes depend on it (load, streams)."""

    def __init__(self, env, writer, scheduler):
        super().__init__(env)
        self._writer, self._scheduler = writer, scheduler

    def step(self, action):
        result = self.env.step(action)
        if result[2] or result[3]:
            self._writer.record(self.env, self._scheduler)
        return result
