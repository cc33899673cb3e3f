"""What the gym knows of an episode beyond the environment: baselines, reference, bound, metrics (experiments/serving.ts).

All of it is found under the episode's own seed, load and options. Other episodes are played in a copy of the environment: the
one under way goes on untouched.
"""

import base64
from typing import Any, Dict, NamedTuple, Optional

import numpy as np
from gymnasium import spaces

from .errors import InputError
from .frames import seed_of


class Plan(NamedTuple):
    """An episode as a baseline plays it."""

    seed: int
    """Of the episode: `env.reset(seed=plan.seed)` and these actions give these numbers, to the bit."""
    actions: np.ndarray
    """One for each step."""
    episode_return: float
    metric: str
    """The name of the objective, such as `latencyMs`."""
    objective: float
    metrics: Dict[str, Optional[float]]
    """Units are in the names; None is what is not to be had."""


class Planning:
    """Part of `SparoaEnv`: `env.unwrapped.plan("greedy", seed=0)`. `seed` is the episode's, by default that of the latest reset.

    Raises InputError for environments on hardware, which play one episode at a time, but for `baselines` and `metrics`.
    """

    def baselines(self):
        """Schedulers that do not learn: by name, `summary`, `stochastic`, `decision` (planned or online)."""
        answer = self._server.request("baselines", self._handle)["baselines"]
        return {each.pop("name"): each for each in answer}

    def plan(self, name, *, seed=None, random_seed=0):
        """An episode by the baseline of that name, as a `Plan`. `random_seed` is of what a stochastic one draws."""
        answer = self._server.request(
            "plan", self._handle, name=name, seed=seed_of(seed), randomSeed=seed_of(random_seed)
        )
        actions = self._actions(base64.b64decode(answer["actions"]))
        return Plan(answer["seed"], actions, answer["return"], answer["metric"], answer["objective"], answer["metrics"])

    def reference(self, *, seed=None):
        """What anyone gets without thinking: a dictionary of `name`, `objective` and its `metric`."""
        return self._server.request("reference", self._handle, seed=seed_of(seed))["reference"]

    def bound(self, *, seed=None):
        """What no scheduler is below: `kind` (optimum, lower-bound or clairvoyant), `objective`, `metric`; None where
        nothing is proved.
        """
        return self._server.request("bound", self._handle, seed=seed_of(seed))["bound"]

    def metrics(self) -> Dict[str, Any]:
        """Of the episode that has just ended: the objective, `return` and others; units are in the names."""
        return self._server.request("metrics", self._handle)["metrics"]

    def trajectory_row(self, scheduler, *, seed=None):
        """The header and the line of trajectories.csv for the episode that has just ended.

        `seed` is needed where the latest reset had none, and the episode depends on it.
        """
        answer = self._server.request("row", self._handle, scheduler=scheduler, seed=seed_of(seed))
        return answer["header"], answer["line"]

    def _actions(self, data):
        space = self.action_space
        if isinstance(space, spaces.Box):
            return np.frombuffer(data, "<f4").astype(space.dtype).reshape(-1, *space.shape)
        if isinstance(space, spaces.Discrete):
            return np.frombuffer(data, "<i4").astype(space.dtype)
        raise InputError("sparoa_gym: actions of %s are not planned.\nUse a Box or Discrete." % space)
