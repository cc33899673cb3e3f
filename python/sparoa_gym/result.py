"""What a step or a reset answers, as env/server/result-frame.ts lays it out."""

import json

import numpy as np
from gymnasium import spaces

from .errors import InputError
from .frames import HEADER, STEP
from .spaces import mask_bytes, mask_reader, reader, value_bytes, writer

TERMINATED, TRUNCATED, RESET, MASKED = 1, 2, 4, 8


class Exchange:
    """The two buffers of an environment, or of a vector of `rows`, and what stands where in them."""

    def __init__(self, server, handle, observation_space, action_space, rows=None):
        count = rows or 1
        self._server = server
        self._observation_space, self._action_space = observation_space, action_space
        actions, observations = value_bytes(action_space), value_bytes(observation_space)
        self._request = bytearray(HEADER.pack(count * actions, handle, STEP) + bytes(count * actions))
        self._write = writer(action_space, self._request, HEADER.size, rows, actions)
        rewards_at = HEADER.size
        observations_at = rewards_at + 8 * count
        flags_at = observations_at + count * observations
        masks = mask_bytes(action_space)
        end = flags_at + count * (1 + masks)
        self._reply = bytearray(HEADER.size + 4 * -(-(end - HEADER.size) // 4))
        self.rewards = np.ndarray((count,), "<f8", self._reply, rewards_at)
        self.flags = np.ndarray((count,), np.uint8, self._reply, flags_at)
        self.flags_at = flags_at
        self.buffer = self._reply
        self.observation = reader(observation_space, self._reply, observations_at, rows, observations)
        self.mask = mask_reader(action_space, self._reply, flags_at + count, rows, masks)
        self._choices = np.ndarray((count, masks), np.uint8, self._reply, flags_at + count)

    def step(self, action):
        """Returns what follows the fixed part: bytes, empty but where an episode began or ended."""
        self._write(action)
        return self._server.exchange(self._request, self._reply)

    def send(self, frame):
        """For a reset: another request, answered alike."""
        return self._server.exchange(frame, self._reply)

    def adopt(self, other):
        """Stands where another of the same spaces does."""
        self._reply[HEADER.size :] = other._reply[HEADER.size :]

    def allowed(self):
        """A row of booleans for each environment, one for each choice of its action space; all true where nothing is masked."""
        if not isinstance(self._action_space, (spaces.Discrete, spaces.MultiDiscrete)):
            raise InputError(
                "sparoa_gym: actions of %s have no masks.\nUse an environment of choices, such as SparOA/Placement-v0."
                % self._action_space
            )
        return (self._choices != 0) | (self.flags & MASKED == 0)[:, None]

    def tail(self, rest, finals=0):
        """The last observations of `finals` episodes that were reset at once, and infos by row, now and final."""
        size = value_bytes(self._observation_space)
        observations = [reader(self._observation_space, rest, i * size, None, size)() for i in range(finals)]
        message = json.loads(rest[finals * size :])
        by_row = lambda infos: {int(row): info for row, info in infos.items()}  # noqa: E731
        return observations, by_row(message["infos"]), by_row(message["finalInfos"])
