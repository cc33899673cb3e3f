"""A vector of environments as Stable-Baselines3 takes it. Importing this imports stable_baselines3.

    from sparoa_gym.sb3 import SparoaVecEnv
    model = PPO("MlpPolicy", VecMonitor(SparoaVecEnv("SparOA/Placement-v0", 32)))

All environments step by one message, where `make_vec_env` sends one for each.
"""

import numpy as np
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import VecEnv

from .errors import InputError
from .frames import control_frame, seed_of
from .result import TERMINATED, TRUNCATED
from .vector import SparoaVectorEnv

# What is answered by row.
_METHODS = ("action_masks", "info", "render")


class SparoaVecEnv(VecEnv):
    """`n_envs` environments `env_id`; keyword arguments are their options.

    Infos are empty but where an episode ended. Masks are not in them: MaskablePPO asks for `action_masks()`. Statistics of
    episodes are VecMonitor's, as for any vector of Stable-Baselines3.
    """

    def __init__(self, env_id, n_envs=1, render_mode=None, **options):
        self._vector = SparoaVectorEnv(env_id, n_envs, render_mode, AutoresetMode.SAME_STEP, **options)
        self._exchange = self._vector._exchange
        self._actions = None
        super().__init__(n_envs, self._vector.single_observation_space, self._vector.single_action_space)

    def reset(self):
        if any(self._options):
            raise InputError("sparoa_gym: a vector takes no options at reset.\nLeave set_options() out.")
        seeds = [seed_of(seed) for seed in self._seeds]
        frame = control_frame(self._vector._handle, {"do": "reset", "seed": None if None in seeds else seeds})
        infos = self._exchange.tail(self._exchange.send(frame))[1]
        self.reset_infos = [infos[row] for row in range(self.num_envs)]
        self._reset_seeds()
        return self._exchange.observation()

    def step_async(self, actions):
        self._actions = actions

    def step_wait(self):
        rest = self._exchange.step(self._actions)
        flags = self._exchange.flags
        dones = flags & (TERMINATED | TRUNCATED) != 0
        infos = [{} for _ in range(self.num_envs)]
        if rest:
            ended = [int(row) for row in np.flatnonzero(dones)]
            observations, now, final = self._exchange.tail(rest, len(ended))
            for row, observation in zip(ended, observations):
                infos[row] = {
                    **final[row],
                    "terminal_observation": observation,
                    "TimeLimit.truncated": bool(flags[row] & TERMINATED == 0),
                }
                self.reset_infos[row] = now[row]
        return self._exchange.observation(), self._exchange.rewards.astype(np.float32), dones, infos

    def close(self):
        self._vector.close()

    def get_images(self):
        return list(self._vector.render()) if self.render_mode == "rgb_array" else [None] * self.num_envs

    def env_method(self, method_name, *method_args, indices=None, **method_kwargs):
        if method_name not in _METHODS:
            raise AttributeError("SparoaVecEnv has no method %s by environment; it has %s." % (method_name, _METHODS))
        rows = getattr(self._vector, method_name)(*method_args, **method_kwargs)
        return [rows[index] for index in self._get_indices(indices)]

    def get_attr(self, attr_name, indices=None):
        of = self if attr_name in ("observation_space", "action_space") else self._vector
        return [getattr(of, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name, value, indices=None):
        raise AttributeError("SparoaVecEnv: %s cannot be set: its environments run in another process." % attr_name)

    def env_is_wrapped(self, wrapper_class, indices=None):
        return [False for _ in self._get_indices(indices)]
