"""One environment of the server as a Gymnasium environment."""

import struct
import weakref

import gymnasium

from .result import MASKED, TERMINATED, TRUNCATED, Exchange
from .server import HEADER, InputError, control_frame, server
from .spaces import space_of

_reward = struct.Struct("<d").unpack_from


class SparoaEnv(gymnasium.Env):
    """`gymnasium.make` makes these. Keyword arguments are the environment's options, as docs/environments.md has them.

    An info has `action_mask` where actions are masked; at the start and the end of an episode it has what the environment
    tells then (`referenceMs`; `objectiveMs`, `error`). `info()` fetches all of it, the trace included.
    """

    metadata = {"render_modes": ["ansi", "svg"], "render_fps": 1}

    def __init__(self, env_id, render_mode=None, **options):
        self._server = server()
        made = self._server.request("make", id=env_id, options=options)
        self._handle = made["handle"]
        self._closer = weakref.finalize(self, self._server.drop, self._handle)
        self._closer.atexit = False
        check_render_mode(env_id, render_mode, made["renderModes"])
        self.render_mode = render_mode
        self.observation_space = space_of(made["observationSpace"])
        self.action_space = space_of(made["actionSpace"])
        self._exchange = Exchange(self._server, self._handle, self.observation_space, self.action_space)
        self._buffer, self._flags_at = self._exchange.buffer, self._exchange.flags_at

    def reset(self, *, seed=None, options=None):
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
        """The whole info of the latest step or reset, with names as the server has them."""
        return self._server.request("info", self._handle)["info"]

    def render(self):
        """The episode so far as text: lines (`ansi`), or a Gantt chart (`svg`)."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() was called without a render_mode; give one to gymnasium.make().")
            return None
        return self._server.request("render", self._handle, mode=self.render_mode)["text"]

    def close(self):
        close(self._server, self._handle, self._closer)


def check_render_mode(env_id, mode, known):
    if mode is not None and mode not in known:
        raise InputError(
            '%s: there is no render mode "%s".\n%s'
            % (env_id, mode, "Known: %s." % ", ".join(known) if known else "Leave it out: this one renders nothing.")
        )


def close(server, handle, closer):
    """Once; a server that has ended has closed its environments."""
    if closer.detach() and server.usable:
        server.request("close", handle)
