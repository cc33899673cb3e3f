"""A vector of environments, stepped by the server as one, as a Gymnasium vector environment."""

import weakref

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from .env import RENDER_MODES, check_render_mode, close, made_again, rendered
from .errors import InputError
from .frames import control_frame, seed_of, with_absolute_paths
from .result import MASKED, TERMINATED, TRUNCATED, Exchange
from .server import server
from .spaces import space_of

# Gymnasium's names of the modes and ours.
_modes = {AutoresetMode.NEXT_STEP: "next-step", AutoresetMode.SAME_STEP: "same-step", AutoresetMode.DISABLED: "disabled"}


class SparoaVectorEnv(VectorEnv):
    """`gymnasium.make_vec` makes these. `autoreset_mode` is Gymnasium's; keyword arguments are the environments' options.

    Infos are as Gymnasium's vectors give them: `action_mask` has a row for each environment; each value of an episode's
    start or end is an array, and `_name` marks the rows that have it. With the mode SameStep, `final_obs` and `final_info`
    hold the last values of the ended episodes. Pickled, it is made again from its options, before its first reset.
    """

    metadata = {"render_modes": RENDER_MODES, "render_fps": 4, "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, env_id, num_envs=1, render_mode=None, autoreset_mode=AutoresetMode.NEXT_STEP, **options):
        options = with_absolute_paths(options)
        self._server = server()
        self._mode = AutoresetMode(autoreset_mode)
        self._made = {
            "env_id": env_id, "num_envs": num_envs, "render_mode": render_mode, "autoreset_mode": self._mode, **options
        }
        made = self._server.request(
            "make", id=env_id, options=options, count=num_envs, autoreset=_modes[self._mode]
        )
        self._handle = made["handle"]
        self._closer = weakref.finalize(self, self._server.drop, self._handle)
        self._closer.atexit = False
        check_render_mode(env_id, render_mode, made["renderModes"])
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "autoreset_mode": self._mode}
        self.num_envs = num_envs
        self.single_observation_space = space_of(made["observationSpace"])
        self.single_action_space = space_of(made["actionSpace"])
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._exchange = Exchange(
            self._server, self._handle, self.single_observation_space, self.single_action_space, num_envs
        )

    def reset(self, *, seed=None, options=None):
        """`options` may hold `reset_mask`, which environments to reset; nothing else."""
        seed = [seed_of(each) for each in seed] if np.ndim(seed) else seed_of(seed)
        super().reset(seed=seed if isinstance(seed, int) else None)
        options = dict(options or {})
        only = options.pop("reset_mask", None)
        if options:
            raise InputError(
                "sparoa_gym: a vector takes no option %s at reset.\nGive `reset_mask` alone." % ", ".join(options)
            )
        rest = self._exchange.send(control_frame(self._handle, {"do": "reset", "seed": seed, "only": _ints(only)}))
        return self._exchange.observation(), self._infos(self._exchange.flags, rest, np.zeros(0, np.intp))

    def step(self, actions):
        rest = self._exchange.step(actions)
        flags = self._exchange.flags
        terminated = flags & TERMINATED != 0
        truncated = flags & TRUNCATED != 0
        ended = np.flatnonzero(terminated | truncated) if rest and self._mode is AutoresetMode.SAME_STEP else ()
        infos = self._infos(flags, rest, ended)
        return self._exchange.observation(), self._exchange.rewards.copy(), terminated, truncated, infos

    def _infos(self, flags, rest, ended):
        infos = {}
        if self._exchange.mask is not None:
            masked = flags & MASKED != 0
            if masked.any():
                infos["action_mask"], infos["_action_mask"] = self._exchange.mask(), masked
        if rest:
            observations, now, final = self._exchange.tail(rest, len(ended))
            for row, observation in zip(ended, observations):
                infos = self._add_info(infos, {"final_obs": observation, "final_info": final[int(row)]}, row)
            for row, info in now.items():
                infos = self._add_info(infos, info, row)
        return infos

    def info(self):
        """The whole infos of the latest step or reset, one for each environment; names are the server's, but for `action_mask`."""
        infos = self._server.request("info", self._handle)["info"]
        mask = self._exchange.mask() if self._exchange.mask else None
        for row, info in enumerate(infos):
            info.pop("actionMask", None)
            if self._exchange.flags[row] & MASKED:
                info["action_mask"] = tuple(part[row] for part in mask) if isinstance(mask, tuple) else mask[row]
        return infos

    def action_masks(self):
        """Which choices are allowed, as booleans: a row for each environment."""
        return self._exchange.allowed()

    def __reduce__(self):
        return made_again, (type(self), self._made), {"spec": self.spec}

    def __deepcopy__(self, _memo):
        raise InputError("sparoa_gym: a vector cannot be copied.\nCopy environments of gymnasium.make, or make it again.")

    def render(self):
        if self.render_mode is None:
            return None
        return tuple(rendered(self._server, self._handle, self.render_mode))

    def close_extras(self, **_):
        close(self._server, self._handle, self._closer)


def _ints(mask):
    return None if mask is None else [int(flag) for flag in mask]
