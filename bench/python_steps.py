"""Steps a second through the Gymnasium client, for bench/python.bench.ts: one line of JSON.

Actions are drawn before; what is timed is `step` and, at ends, `reset`, of environments as gymnasium.make gives them. Of
several batches the fastest counts, as in bench/measure.ts. With Stable-Baselines3 its PPO learns, too, on our vector and on
theirs of 64 environments.
"""

import json
import sys
import time

import gymnasium
import numpy as np

import sparoa_gym

try:
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecMonitor

    from sparoa_gym.sb3 import SparoaVecEnv
except ImportError:
    PPO = None

ENVIRONMENT, MODEL = "SparOA/Placement-v0", "model://mobilenetv3-small"


def scalar_steps_per_s(steps=20_000, batches=7):
    env = gymnasium.make(ENVIRONMENT, model=MODEL)
    env.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 2, steps)
    best = 0.0
    for _ in range(batches):
        started = time.perf_counter()
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        best = max(best, steps / (time.perf_counter() - started))
    env.close()
    return best


def vector_steps_per_s(count=64, steps=1500, batches=7):
    envs = gymnasium.make_vec(
        ENVIRONMENT, num_envs=count, model=MODEL, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP
    )
    envs.reset(seed=0)
    actions = np.random.default_rng(0).integers(0, 2, (steps, count))
    best = 0.0
    for _ in range(batches):
        started = time.perf_counter()
        for row in actions:
            envs.step(row)
        best = max(best, steps * count / (time.perf_counter() - started))
    envs.close()
    return best


def ppo_steps_per_s(vector, rollouts=4):
    """Learning included; of several rollouts with their update the fastest counts."""
    model = PPO("MlpPolicy", vector, n_steps=64, batch_size=1024, n_epochs=4, seed=0, device="cpu")
    best, size = 0.0, 64 * vector.num_envs
    for _ in range(rollouts):
        started = time.perf_counter()
        model.learn(size)
        best = max(best, size / (time.perf_counter() - started))
    vector.close()
    return best


measured = {"scalar": scalar_steps_per_s(), "vector": vector_steps_per_s()}
if PPO is not None:
    torch.set_num_threads(1)
    measured["ppo"] = ppo_steps_per_s(VecMonitor(SparoaVecEnv(ENVIRONMENT, 64, model=MODEL)))
    measured["ppoOfScalars"] = ppo_steps_per_s(make_vec_env(ENVIRONMENT, 64, env_kwargs={"model": MODEL}))
json.dump(measured, sys.stdout)
