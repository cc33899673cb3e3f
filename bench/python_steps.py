"""Steps a second through the Gymnasium client, for bench/python.bench.ts: one line of JSON.

Actions are drawn before; what is timed is `step` and, at ends, `reset`, of environments as gymnasium.make gives them. Of
several batches the fastest counts, as in bench/measure.ts.
"""

import json
import sys
import time

import gymnasium
import numpy as np

import sparoa_gym

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


json.dump({"scalar": scalar_steps_per_s(), "vector": vector_steps_per_s()}, sys.stdout)
