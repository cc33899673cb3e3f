"""Stable-Baselines3's SAC on the quickstart's model of largest headroom: does it capture as much of it as our SAC?

    python sac_witness.py latency.csv config.json > sac.csv

reads the quickstart's results (results/reference/quickstart, or a run of your own): the cell of each model, its best single
device and its optimum, what our SAC reached there, and the settings that both share: environment steps, reward scale,
discount, sizes of networks. Trains three seeds of SB3's SAC on the same environment through sparoa_gym, and writes a
row for each, then their median beside ours. Everything is simulated. Needs stable-baselines3.
"""

import csv
import json
import statistics
import sys

import gymnasium
import stable_baselines3
import torch
from stable_baselines3 import SAC

import sparoa_gym  # noqa: F401: registers the environments

SEEDS = (0, 1, 2)
# Our SAC's, as agents/sac/config.ts has them; the run's config says what differs.
DEFAULTS = {
    "hidden": [64, 64],
    "learningRate": 1e-3,
    "gamma": 0.99,
    "tau": 0.005,
    "batchSize": 256,
    "bufferSize": 100_000,
    "learningStarts": 1000,
    "trainEvery": 8,
    "updates": 8,
    "initialAlpha": 1,
    "targetEntropy": None,
}


def largest_headroom(rows):
    """Of each model what schedulers reached, for the model whose optimum gains most over the better single device."""
    cells = {}
    for row in rows:
        cells.setdefault((row["model"], row["profile"]), {})[row["scheduler"]] = row
    latency = lambda cell, name: float(cell[name]["latencyMs"])  # noqa: E731
    single = lambda cell: min(latency(cell, "cpu-only"), latency(cell, "gpu-only"))  # noqa: E731
    where, cell = max(cells.items(), key=lambda item: single(item[1]) / latency(item[1], "optimum"))
    return where, single(cell), latency(cell, "optimum"), float(cell["sac"]["capturedHeadroom"]), cell["sac"]["seeds"]


def episode(env, act):
    """Steps and the last info of one episode."""
    observation, _ = env.reset()
    for steps in range(1, 1_000_000):
        observation, _, terminated, truncated, info = env.step(act(observation))
        if terminated or truncated:
            return steps, info


def train(make, seed, training, agent):
    """The final policy's latency, by one deterministic rollout, as our learners are evaluated."""
    env = make()
    units, _ = episode(env, lambda _: env.action_space.sample())
    scale = training["rewardScalePerUnit"] * units
    scaled = gymnasium.wrappers.TransformReward(env, lambda reward: scale * reward)
    model = SAC(
        "MlpPolicy",
        scaled,
        learning_rate=agent["learningRate"],
        buffer_size=agent["bufferSize"],
        learning_starts=agent["learningStarts"],
        batch_size=agent["batchSize"],
        tau=agent["tau"],
        gamma=agent["gamma"],
        train_freq=agent["trainEvery"],
        gradient_steps=agent["updates"],
        ent_coef="auto_%g" % agent["initialAlpha"],
        target_entropy="auto" if agent["targetEntropy"] is None else agent["targetEntropy"],
        policy_kwargs={"net_arch": list(agent["hidden"])},
        seed=seed,
        device="cpu",
    ).learn(training["steps"])
    _, info = episode(env, lambda observation: model.predict(observation, deterministic=True)[0])
    env.close()
    return info["objectiveMs"]


def main(latency_csv, config_json):
    torch.set_num_threads(1)
    with open(latency_csv, newline="") as file:
        (model, profile), single, optimum, ours, our_seeds = largest_headroom(csv.DictReader(file))
    with open(config_json) as file:
        config = json.load(file)
    agent, training = {**DEFAULTS, **config["agent"]}, config["training"]
    make = lambda: gymnasium.make("SparOA/Share-v0", model=model, profile=profile, **config["environment"]["options"])  # noqa: E731
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow("learner,library,model,profile,kind,steps,seed,latencyMs,capturedHeadroom".split(","))
    library = "stable-baselines3 %s; torch %s" % (stable_baselines3.__version__, torch.__version__)
    captured = []
    for seed in SEEDS:
        latency = train(make, seed, training, agent)
        captured.append((single - latency) / (single - optimum))
        out.writerow(["sac", library, model, profile, "simulated", training["steps"], seed, latency, captured[-1]])
        sys.stdout.flush()
    out.writerow(["sac", library, model, profile, "simulated", training["steps"], "median of %d" % len(SEEDS), "", statistics.median(captured)])
    out.writerow(["sac", "sparoa-gym", model, profile, "simulated", training["steps"], "median of %s" % our_seeds, "", ours])
    return 0 if abs(statistics.median(captured) - ours) <= 0.05 else "More than 5 points from ours."


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
