"""Baselines, bounds and recorded episodes through the client. test/python-client.test.ts runs it."""

import base64
import copy
import csv
import json
import os
import pathlib
import pickle
import shlex
import subprocess
import tempfile
import unittest

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

import sparoa_gym
from sparoa_gym import InputError
from sparoa_gym import server as server_module
from sparoa_gym.trajectories import RecordTrajectories, TrajectoryWriter

SMALL = "model://mobilenetv3-small?size=32"
OTHER = "model://mobilenetv2?size=32"
SHARE, PLACEMENT, STREAM = "SparOA/Share-v0", "SparOA/Placement-v0", "SparOA/Stream-v0"
# What a transfer costs is its bytes, and the host launches fast: the optimum is on both devices.
CHEAP_TRANSFERS = (
    "profile://jetson-agx-orin?mode=15w&sync=0us&transfer0.latency=0us&transfer1.latency=0us"
    "&device0.launch=1us&device1.launch="
)
LOAD = {"kind": "markov", "states": [{"cpu": c, "gpu": 0.5 - c, "memory": 0.2, "meanMs": 0.3} for c in (0, 0.5)]}
CASES = {
    "share": (SHARE, {"model": SMALL}),
    "split": (SHARE, {"model": SMALL, "shares": "split"}),
    "overlap": (SHARE, {"model": SMALL, "execution": "overlap"}),
    "models": (PLACEMENT, {"model": [SMALL, OTHER]}),
    "masked": (PLACEMENT, {"model": SMALL, "profile": "profile://jetson-agx-orin?unsupported=HardSwish;HardSigmoid"}),
    "branches": ("SparOA/Branches-v0", {"model": SMALL}),
    "stream": (STREAM, {"models": [SMALL], "decisionMsPerUnit": 0.01, "requests": 3}),
}


def played(env, actions, seed=None):
    """Return and last info of the episode that the actions make."""
    env.reset(seed=seed)
    total = 0.0
    for step, action in enumerate(actions):
        _, reward, terminated, truncated, info = env.step(action)
        total += reward
        assert (terminated or truncated) == (step == len(actions) - 1), step
    return total, info


def validated(path, *flags):
    command = [*shlex.split(os.environ["SPAROA_GYM_COMMAND"]), "validate", path, *flags]
    return subprocess.run(command, capture_output=True, text=True)


class Plans(unittest.TestCase):
    def test_every_baseline_replays_exactly_and_none_is_below_the_bound(self):
        for title, (env_id, options) in CASES.items():
            env = gymnasium.make(env_id, **options)
            for seed in (0, 5) if title in ("models", "stream") else (5,):
                env.reset(seed=seed)
                state = env.unwrapped.snapshot()
                bound, reference = env.unwrapped.bound(), env.unwrapped.reference()
                objectives = {}
                for name, card in env.unwrapped.baselines().items():
                    with self.subTest(title, seed=seed, baseline=name):
                        env.unwrapped.restore(state)
                        try:
                            plan = env.unwrapped.plan(name, random_seed=7)
                        except InputError as error:
                            # Systems that use the GPU alone exist where launches are theirs.
                            self.assertIn("launched otherwise", str(error))
                            continue
                        self.assertEqual(env.unwrapped.snapshot(), state)
                        self.assertEqual(plan.seed, seed)
                        self.assertTrue(all(env.action_space.contains(action) for action in plan.actions))
                        total, info = played(env, plan.actions, plan.seed)
                        self.assertEqual(total, plan.episode_return)
                        requests = options.get("requests", 1)
                        self.assertEqual(info["objectiveMs"] / requests, plan.objective)
                        self.assertEqual(env.unwrapped.metrics(), plan.metrics)
                        self.assertEqual(plan.metric, reference["metric"])
                        again = env.unwrapped.plan(name, random_seed=7)
                        np.testing.assert_array_equal(again.actions, plan.actions)
                        objectives[name] = plan.objective
                        self.assertTrue(card["summary"] and card["decision"] in ("planned", "online"))
                if bound is not None:
                    self.assertLessEqual(bound["objective"], min(objectives.values()))
                if {"cpu-only", "gpu-only"} <= objectives.keys() and env_id != STREAM:
                    single = min(objectives["cpu-only"], objectives["gpu-only"])
                    self.assertAlmostEqual(single, reference["objective"], places=9)
            self.assertIsNotNone(bound)
            if title in ("overlap", "branches"):
                self.assertEqual(bound["kind"], "lower-bound")
            env.close()

    @unittest.skipUnless("SPAROA_TEST_MODEL" in os.environ, "names no model")
    def test_the_optimum_is_the_least_of_all_placements(self):
        mixed = 0
        for launch in ("1us", "3us", "5us", "20us"):
            options = {
                "model": os.environ["SPAROA_TEST_MODEL"],
                "profile": CHEAP_TRANSFERS + launch,
                "lookahead": 1,
            }
            env = gymnasium.make(PLACEMENT, **options).unwrapped
            env.reset(seed=0)
            units = len(env.plan("cpu-only").actions)
            self.assertLess(units, 12)
            every = gymnasium.make_vec(PLACEMENT, 2**units, autoreset_mode=AutoresetMode.DISABLED, **options)
            every.reset(seed=0)
            for unit in range(units):
                infos = every.step((np.arange(2**units) >> unit) & 1)[4]
            self.assertEqual(env.bound()["kind"], "optimum")
            self.assertAlmostEqual(env.bound()["objective"], infos["objectiveMs"].min(), places=12)
            self.assertEqual(env.plan("optimum").objective, env.bound()["objective"])
            mixed += int(0 < env.plan("optimum").actions.mean() < 1)
            every.close()
        self.assertGreater(mixed, 0)

    def test_load_and_seed_are_the_episodes_own(self):
        env = gymnasium.make(STREAM, models=[SMALL], requests=3, load=LOAD)
        bounds = {seed: env.unwrapped.bound(seed=seed)["objective"] for seed in range(4)}
        self.assertEqual(len(set(bounds.values())), 4)
        env.reset(seed=2)
        self.assertEqual(env.unwrapped.bound()["objective"], bounds[2])

    def test_what_cannot_be_planned(self):
        env = gymnasium.make(SHARE, model=SMALL).unwrapped
        with self.assertRaisesRegex(sparoa_gym.InputError, "had no seed.\nGive bound a seed"):
            env.bound()
        with self.assertRaisesRegex(sparoa_gym.InputError, 'baseline "gredy" is unknown.\n.*"greedy"'):
            env.plan("gredy", seed=0)
        for seed in (-1, 1.5, 2**53):
            with self.assertRaisesRegex(sparoa_gym.InputError, "seed"):
                env.plan("greedy", seed=seed)
        with self.assertRaisesRegex(sparoa_gym.InputError, "no episode has ended"):
            env.metrics()
        vector = gymnasium.make_vec(SHARE, 2, model=SMALL)
        with self.assertRaisesRegex(sparoa_gym.InputError, "Use single environments"):
            server_module.server().request("baselines", vector._handle)
        with self.assertRaisesRegex(sparoa_gym.InputError, '"plan": name'):
            server_module.server().request("plan", env._handle)
        self.assertEqual(env.reset(seed=0)[1]["referenceMs"], env.reference()["objective"])


class Recording(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "trajectories.csv")

    def tearDown(self):
        self.folder.cleanup()

    def test_episodes_of_every_environment_validate_and_a_changed_action_does_not(self):
        with TrajectoryWriter(self.path) as out:
            for title, (env_id, options) in CASES.items():
                env = RecordTrajectories(gymnasium.make(env_id, **options), out, "random-actions")
                env.action_space.seed(1)
                for seed in (3, 4):
                    env.reset(seed=seed)
                    over = False
                    while not over:
                        _, _, over, _, _ = env.step(env.action_space.sample())
                env.close()
        result = validated(self.path)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("%d rows replayed, all equal" % (2 * len(CASES)), result.stdout)
        with open(self.path, newline="") as file:
            rows = list(csv.DictReader(file))
        with open(self.path, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            for row in rows:
                kind = "<f4" if row["env"] in (SHARE, STREAM) else "<i4"
                # The first one goes to the other device; of Branches-v0, whose last choice closes a slot, to another branch.
                actions = np.frombuffer(base64.b64decode(row["actions"]), kind).copy()
                actions[0] = 1 - np.round(actions[0]) if kind == "<f4" else 1 - min(1, actions[0])
                writer.writerow({**row, "actions": base64.b64encode(actions.tobytes()).decode()})
        failures = json.loads(validated(self.path, "--json").stdout)["failures"]
        self.assertEqual(len(failures), len(rows), failures)
        for failure in failures:
            self.assertIn("result differs", failure)

    def test_a_file_is_continued_and_half_a_row_taken_off(self):
        env = gymnasium.make(PLACEMENT, model=SMALL)
        plan = env.unwrapped.plan("greedy", seed=0)
        played(env, plan.actions, 0)
        with TrajectoryWriter(self.path) as out:
            out.record(env, scheduler="greedy", seed=0)
        once = pathlib.Path(self.path).read_bytes()
        for left in (b"", b"SparOA/Placement-v0,half"):
            pathlib.Path(self.path).write_bytes(once + left)
            with TrajectoryWriter(pathlib.Path(self.path)) as out:
                out.record(env, scheduler="greedy")
            header, row = once.split(b"\n")[:2]
            self.assertEqual(pathlib.Path(self.path).read_bytes(), b"\n".join([header, row, row, b""]))
        pathlib.Path(self.path).write_bytes(header[:20])
        with TrajectoryWriter(self.path) as out:
            out.record(env, scheduler="greedy")
        self.assertEqual(pathlib.Path(self.path).read_bytes(), once)
        with self.assertRaisesRegex(sparoa_gym.InputError, "is closed"):
            out.record(env, scheduler="greedy")
        pathlib.Path(self.path).write_bytes(b"a,b\n1,2\n")
        with TrajectoryWriter(self.path) as out, self.assertRaisesRegex(sparoa_gym.InputError, "no trajectories.csv"):
            out.record(env, scheduler="greedy")
        self.assertEqual(pathlib.Path(self.path).read_bytes(), b"a,b\n1,2\n")

    def test_what_is_forbidden_is_recorded_as_what_was_played(self):
        env_id, options = CASES["masked"]
        env = gymnasium.make(env_id, **options)
        env.reset(seed=0)
        over = False
        while not over:
            _, _, over, _, _ = env.step(1)
        with TrajectoryWriter(self.path) as out:
            out.record(env, scheduler="gpu")
        self.assertEqual(validated(self.path).returncode, 0)
        self.assertEqual(env.unwrapped.metrics(), env.unwrapped.plan("gpu-only").metrics)

    def test_an_episode_without_a_seed_is_recorded_where_it_needs_none(self):
        with TrajectoryWriter(self.path) as out:
            env = out.recording(gymnasium.make(PLACEMENT, model=SMALL), "greedy")
            actions = env.unwrapped.plan("greedy", seed=0).actions
            for _ in range(2):
                played(env, actions)
            env.reset(seed=1)
            for action in actions[:3]:
                env.step(action)
            # What is copied or made again has its own past.
            twin = copy.deepcopy(env.env)
            for action in actions[3:]:
                twin.step(action)
            out.record(twin, scheduler="twin")
            with self.assertRaisesRegex(sparoa_gym.InputError, "no episode has ended"):
                out.record(env, scheduler="early")
            with self.assertRaisesRegex(sparoa_gym.InputError, "has seed 1, not 2"):
                out.record(twin, scheduler="twin", seed=2)
            env.unwrapped.restore(pickle.loads(pickle.dumps(env.unwrapped.snapshot())))
            for action in actions[3:-1]:
                env.step(action)
            with self.assertRaisesRegex(sparoa_gym.InputError, "not all actions .* are known"):
                env.step(actions[-1])
            for bad in ("a,b", 'a"b', "a\nb"):
                with self.assertRaisesRegex(sparoa_gym.InputError, "the scheduler is called"):
                    out.record(twin, scheduler=bad)
            stream = gymnasium.make(STREAM, models=[SMALL], requests=2)
            plan = stream.unwrapped.plan("cpu-only", seed=9)
            played(stream, plan.actions, 9)
            stream.reset()
            played(stream, plan.actions)
            with self.assertRaisesRegex(sparoa_gym.InputError, "reset without a seed.*\nGive each reset"):
                out.record(stream, scheduler="cpu-only")
        result = validated(self.path)
        self.assertIn("3 rows replayed", result.stdout, result.stderr)


if __name__ == "__main__":
    unittest.main()
