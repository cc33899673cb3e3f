"""One environment of the server as a Gymnasium environment."""

import base64
import copy
import struct
import weakref

import gymnasium
import numpy as np

from .errors import RenderModeError
from .frames import HEADER, control_frame, seed_of, with_absolute_paths
from .planning import Planning
from .result import MASKED, TERMINATED, TRUNCATED, Exchange
from .server import server
from .spaces import space_of

RENDER_MODES = ["ansi", "svg", "rgb_array"]

_reward = struct.Struct("<d").unpack_from


class SparoaEnv(Planning, gymnasium.Env):
    """`gymnasium.make` makes these. Keyword arguments are the environment's options, as docs/environments.md has them.

    An info has `action_mask` where actions are masked. At the start of an episode it has `referenceMs`, at the end
    `objectiveMs` or `error`, and whatever else the environment adds. `info()` fetches all of it, the trace included.

    Baselines, bounds and references of an episode are those of `Planning`.

    `copy.deepcopy` is `fork()`; pickled, it is made again from its options, and stands before its first reset.
    """

    metadata = {"render_modes": RENDER_MODES, "render_fps": 4}

    def __init__(self, env_id, render_mode=None, **options):
        options = with_absolute_paths(options)
        connection = server()
        made = connection.request("make", id=env_id, options=options)
        self._made = {"env_id": env_id, "render_mode": render_mode, **options}
        self.observation_space = space_of(made["observationSpace"])
        self.action_space = space_of(made["actionSpace"])
        self.render_mode = render_mode
        self._attach(connection, made["handle"])
        check_render_mode(env_id, render_mode, made["renderModes"])

    def _attach(self, connection, handle):
        self._server, self._handle = connection, handle
        self._closer = weakref.finalize(self, connection.drop, handle)
        self._closer.atexit = False
        self._exchange = Exchange(connection, handle, self.observation_space, self.action_space)
        self._buffer, self._flags_at = self._exchange.buffer, self._exchange.flags_at

    def reset(self, *, seed=None, options=None):
        seed = seed_of(seed)
        super().reset(seed=seed)
        frame = control_frame(self._handle, {"do": "reset", "seed": seed, "options": options})
        rest = self._exchange.send(frame)
        return self._exchange.observation(), self._info(self._buffer[self._flags_at], rest)

    def step(self, action):
        rest = self._exchange.step(action)
        flags = self._buffer[self._flags_at]
        return (
            self._exchange.observation(),
            _reward(self._buffer, HEADER.size)[0],
            flags & TERMINATED != 0,
            flags & TRUNCATED != 0,
            self._info(flags, rest),
        )

    def _info(self, flags, rest):
        info = self._exchange.tail(rest)[1][0] if rest else {}
        if flags & MASKED:
            info["action_mask"] = self._exchange.mask()
        return info

    def info(self):
        """The whole info of the latest step or reset; names are the server's, but for `action_mask`."""
        info = self._server.request("info", self._handle)["info"]
        info.pop("actionMask", None)
        if self._buffer[self._flags_at] & MASKED:
            info["action_mask"] = self._exchange.mask()
        return info

    def action_masks(self):
        """Which choices are allowed, as booleans: `action_mask` as MaskablePPO of sb3-contrib asks for it."""
        return self._exchange.allowed()[0]

    def snapshot(self):
        """Where the episode stands, as plain data (JSON). Simulated environments only, as the next two."""
        return self._server.request("snapshot", self._handle)["state"]

    def restore(self, state):
        """Goes on from where `snapshot` was taken, here or in an environment made alike."""
        self._exchange.send(control_frame(self._handle, {"do": "restore", "state": state}))

    def fork(self):
        """An environment of its own that stands where this one does."""
        fork = object.__new__(type(self))
        handle = self._server.request("fork", self._handle)["handle"]
        own = ("_server", "_handle", "_closer", "_exchange", "_buffer", "_flags_at")
        fork.__dict__.update({name: copy.deepcopy(each) for name, each in self.__dict__.items() if name not in own})
        fork._attach(self._server, handle)
        fork._exchange.adopt(self._exchange)
        return fork

    def __deepcopy__(self, _memo):
        return self.fork()

    def __reduce__(self):
        return made_again, (type(self), self._made), {"spec": self.spec}

    def render(self):
        """The episode so far: lines of text (`ansi`), a Gantt chart (`svg`), or that chart's pixels (`rgb_array`)."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() was called without a render_mode; give one to gymnasium.make().")
            return None
        return rendered(self._server, self._handle, self.render_mode)[0]

    def close(self):
        close(self._server, self._handle, self._closer)


def made_again(kind, made):
    """What a pickle has of an environment or a vector."""
    return kind(**made)


def check_render_mode(env_id, mode, known):
    if mode is not None and mode not in known:
        raise RenderModeError(
            '%s: there is no render mode "%s".\n%s'
            % (env_id, mode, "Known: %s." % ", ".join(known) if known else "Leave it out: this one renders nothing.")
        )


def rendered(server, handle, mode):
    """One text or array of pixels for each environment of the handle."""
    drawn = server.request("render", handle, mode=mode)
    return drawn["texts"] if "texts" in drawn else [_pixels(**picture) for picture in drawn["pictures"]]


def _pixels(width, height, rgb):
    return np.frombuffer(bytearray(base64.b64decode(rgb)), np.uint8).reshape(height, width, 3)


def close(server, handle, closer):
    """Once; a server that has ended has closed its environments."""
    if closer.detach() and server.usable:
        server.request("close", handle)
