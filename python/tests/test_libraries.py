"""The client as libraries and their users take it: probing, copying, pickling, interrupting, masking, filming. test/python-client.test.ts runs it."""

import copy
import os
import pathlib
import pickle
import shutil
import signal
import sys
import tempfile
import threading
import time
import unittest

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

import sparoa_gym
from sparoa_gym import frames
from sparoa_gym import server as server_module

try:
    import stable_baselines3 as sb3
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import VecMonitor

    from sparoa_gym.sb3 import SparoaVecEnv
except ImportError:
    sb3 = None
try:
    from sb3_contrib import MaskablePPO
except ImportError:
    MaskablePPO = None

SMALL = {"model": "model://mobilenetv3-small?size=32", "lookahead": 1}
PLACEMENT, SHARE = "SparOA/Placement-v0", "SparOA/Share-v0"
# The GPU of this board cannot run some of the units: there is something to mask.
MASKED = {**SMALL, "profile": "profile://jetson-agx-orin?unsupported=HardSwish;HardSigmoid;GlobalAveragePool"}


def same(a, b):
    np.testing.assert_equal(a, b)


def play(env, actions):
    return [env.step(action) for action in actions]


class Copies(unittest.TestCase):
    def test_a_copy_goes_on_as_its_origin_and_apart_from_it(self):
        rng = np.random.default_rng(0)
        for env_id in sparoa_gym.environment_ids:
            with self.subTest(env_id):
                env = gymnasium.make(env_id)
                env.reset(seed=2)
                env.action_space.seed(3)
                play(env, [env.action_space.sample() for _ in range(int(rng.integers(1, 5)))])
                state = env.unwrapped.snapshot()
                twin = copy.deepcopy(env)
                actions = [env.action_space.sample() for _ in range(4)]
                self.assertIsNot(twin.unwrapped, env.unwrapped)
                seen = play(env, actions)
                same(play(twin, actions), seen)
                env.unwrapped.restore(state)
                same(play(env, actions), seen)
                other = gymnasium.make(env_id)
                other.reset()
                other.unwrapped.restore(pickle.loads(pickle.dumps(state)))
                same(play(other, actions), seen)
                same(twin.unwrapped.info(), env.unwrapped.info())
                for each in (env, twin, other):
                    each.close()

    def test_a_copy_masks_as_its_origin_does(self):
        env = gymnasium.make(PLACEMENT, **MASKED)
        _, info = env.reset()
        while info["action_mask"].all():
            info = env.step(0)[4]
        allowed = int(np.flatnonzero(info["action_mask"])[0])
        twin = copy.deepcopy(env)
        same(twin.unwrapped.action_masks(), info["action_mask"].astype(bool))
        # What is forbidden becomes what is allowed, in both.
        same(twin.step(1 - allowed)[:4], env.step(allowed)[:4])

    def test_a_pickle_is_made_again_from_its_options(self):
        env = gymnasium.make(SHARE, **SMALL)
        first = env.reset(seed=1)
        again = pickle.loads(pickle.dumps(env))
        same(again.reset(seed=1), first)
        self.assertEqual(again.unwrapped.spec, env.unwrapped.spec)
        vector = pickle.loads(pickle.dumps(gymnasium.make_vec(SHARE, 2, **SMALL)))
        same(vector.reset(seed=1)[0][0], first[0])
        with self.assertRaisesRegex(sparoa_gym.InputError, "a vector cannot be copied"):
            copy.deepcopy(vector)
        unbegun = gymnasium.make(SHARE, **SMALL)
        same(copy.deepcopy(unbegun).reset(seed=1), first)
        with self.assertRaisesRegex(sparoa_gym.InputError, "before reset"):
            unbegun.unwrapped.snapshot()

    def test_a_state_that_is_none_is_refused(self):
        env = gymnasium.make(SHARE, **SMALL).unwrapped
        env.reset()
        state = env.snapshot()
        for bad in ({}, {**state, "run": 3}, {**state, "graphHash": "other"}):
            with self.assertRaises(sparoa_gym.InputError):
                env.restore(bad)
        env.restore(state)
        env.step(env.action_space.sample())


class Values(unittest.TestCase):
    def test_numbers_of_numpy_are_seeds_options_and_actions(self):
        expected = gymnasium.make(PLACEMENT, **SMALL).reset(seed=7)
        for kind in (np.int8, np.int32, np.uint64, np.int64):
            env = gymnasium.make(PLACEMENT, model=SMALL["model"], lookahead=kind(1))
            same(env.reset(seed=kind(7)), expected)
            env.step(kind(1))
        vector = gymnasium.make_vec(PLACEMENT, 2, **SMALL)
        same(vector.reset(seed=np.array([7, 8]))[0], vector.reset(seed=np.int64(7))[0])

    def test_what_is_no_seed_option_or_action_is_refused(self):
        env = gymnasium.make(PLACEMENT, **SMALL).unwrapped
        vector = gymnasium.make_vec(PLACEMENT, 2, **SMALL)
        for seed in (-1, 1.0, 1.5, "1", 2**53, 2**70, np.float64(2), object(), [1]):
            with self.assertRaisesRegex(sparoa_gym.InputError, "seed"):
                env.reset(seed=seed)
        for seed in (-1, 1.5, "1", [1], [1, 2, 3], [1, None]):
            with self.assertRaisesRegex(sparoa_gym.InputError, "seed"):
                vector.reset(seed=seed)
        for value in (float("nan"), object(), {1, 2}, 1j, {"deep": [object()]}):
            with self.assertRaisesRegex(sparoa_gym.InputError, "cannot be sent"):
                gymnasium.make(PLACEMENT, lookahead=value)
        env.reset()
        vector.reset()
        for action in (0.5, "1", None, 2**40, -(2**40), 2):
            with self.assertRaises(sparoa_gym.InputError):
                env.step(action)
        with self.assertRaises(sparoa_gym.InputError):
            vector.step(np.array([2**32, 0]))
        env.step(1)

    @unittest.skipUnless("SPAROA_TEST_MODEL" in os.environ, "names no model")
    def test_a_path_is_that_of_the_folder_of_the_moment(self):
        server_module.server()  # Its working folder is this one.
        start, folder = os.getcwd(), tempfile.mkdtemp()
        model = os.environ["SPAROA_TEST_MODEL"]  # Of one input, 1x3x16x16.
        profile = pathlib.Path(__file__).parents[2] / "predictor" / "profiles" / "boards" / "jetson-agx-orin.json"
        try:
            os.mkdir(os.path.join(folder, "in"))
            for name in ("a b.onnx", "what?.onnx"):
                shutil.copy(model, os.path.join(folder, "in", name))
            shutil.copy(profile, os.path.join(folder, "in", "own.json"))
            np.save(os.path.join(folder, "in", "x.npy"), np.zeros((1, 3, 16, 16), np.float32))
            os.chdir(os.path.join(folder, "in"))
            here = os.getcwd()
            for name, options in {
                "text": {"model": "a b.onnx"},
                "path": {"model": pathlib.Path("a b.onnx"), "profile": pathlib.Path("own.json")},
                "question mark": {"model": "what?.onnx", "profile": "own.json?mode=maxn"},
                "query": {"model": "./a b.onnx?batch=1&input=x.npy", "profile": "../in/own.json"},
                "list": {"model": ["a b.onnx"]},
                "URI": {"model": pathlib.Path(here, "a b.onnx").as_uri() + "?input=x.npy"},
                "built in": {"model": "model://mobilenetv3-small?size=32"},
            }.items():
                with self.subTest(name):
                    gymnasium.make(SHARE, **options).reset()
            gymnasium.make_vec(SHARE, 2, model=pathlib.Path("a b.onnx")).reset()
            pickled = pickle.dumps(gymnasium.make(SHARE, model="a b.onnx"))
            os.chdir(start)
            pickle.loads(pickled).reset()
            with self.assertRaisesRegex(sparoa_gym.InputError, "no such file|ENOENT|not found|does not exist"):
                gymnasium.make(SHARE, model="a b.onnx")
            table = frames.with_absolute_paths({"profile": "table://in/p q.json"})["profile"]
            self.assertEqual(table, "table://%s/in/p%%20q.json" % start.replace(" ", "%20"))
        finally:
            os.chdir(start)
            shutil.rmtree(folder)


class Interrupts(unittest.TestCase):
    def interrupted(self, seconds, action):
        timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        try:
            action()
        finally:
            timer.join()

    def test_ctrl_c_at_any_moment_leaves_the_environment_usable(self):
        env = gymnasium.make(PLACEMENT, **SMALL).unwrapped
        vector = gymnasium.make_vec(PLACEMENT, 64, **SMALL)
        vector.reset(seed=0)
        pid = server_module.server().process.pid
        rng = np.random.default_rng(1)
        expected = env.reset(seed=4)

        def steps():
            while True:
                vector.step(np.zeros(64, int))
                if env.step(0)[2]:
                    env.reset()

        for _ in range(30):
            env.reset()
            with self.assertRaises(KeyboardInterrupt):
                self.interrupted(rng.uniform(0.001, 0.03), steps)
            same(env.reset(seed=4), expected)
        self.assertEqual(server_module.server().process.pid, pid)
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    def test_a_slow_answer_is_read_to_its_end_and_a_second_ctrl_c_is_not_deferred(self):
        env = gymnasium.make(PLACEMENT, **SMALL).unwrapped
        env.reset()
        pid = server_module.server().process.pid
        stopped = lambda: (os.kill(pid, signal.SIGSTOP), env.step(0))  # noqa: E731
        going_on = threading.Timer(0.6, os.kill, (pid, signal.SIGCONT))
        going_on.start()
        with self.assertRaises(KeyboardInterrupt):
            self.interrupted(0.2, stopped)
        going_on.join()
        env.step(1)
        second = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        second.start()
        with self.assertRaises(KeyboardInterrupt):
            self.interrupted(0.2, stopped)
        second.join()
        with self.assertRaisesRegex(sparoa_gym.ServerError, "interrupted"):
            env.step(1)
        gymnasium.make(PLACEMENT, **SMALL).reset()

    def test_other_handlers_and_threads_stay_as_they_are(self):
        env = gymnasium.make(PLACEMENT, **SMALL).unwrapped
        env.reset()
        heard = []
        before = signal.signal(signal.SIGINT, lambda *_: heard.append(1))
        try:
            self.interrupted(0.05, lambda: [env.reset() for _ in range(200) if not heard or time.sleep(0.001)])
            while not heard:
                time.sleep(0.01)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self.interrupted(0.05, lambda: [env.reset() for _ in range(100)])
        finally:
            signal.signal(signal.SIGINT, before)
        results = []
        thread = threading.Thread(target=lambda: results.append(env.reset()))
        thread.start()
        thread.join()
        self.assertEqual(len(results), 1)


class OtherSides(unittest.TestCase):
    """Commands that are no server, and one that stops."""

    def refused(self, code, pattern, seconds="2"):
        server_module.shutdown()
        command, limit = os.environ["SPAROA_GYM_COMMAND"], os.environ.get("SPAROA_GYM_TIMEOUT")
        program = os.path.join(tempfile.mkdtemp(), "other.py")
        pathlib.Path(program).write_text(code)
        os.environ.update(SPAROA_GYM_COMMAND='"%s" "%s"' % (sys.executable, program), SPAROA_GYM_TIMEOUT=seconds)
        try:
            with self.assertRaisesRegex((sparoa_gym.ServerError, sparoa_gym.InputError), pattern):
                gymnasium.make(PLACEMENT)
        finally:
            os.environ["SPAROA_GYM_COMMAND"] = command
            if limit is None:
                del os.environ["SPAROA_GYM_TIMEOUT"]
            shutil.rmtree(os.path.dirname(program))

    def test_each_is_an_error_that_says_so(self):
        answer = "import struct, sys\nw = sys.stdout.buffer.write\nw(struct.pack('<IHBx', %s, 0, %d) + %r)\nsys.stdout.flush()\nsys.stdin.read()"
        self.refused("print('hi')", "the server ended .exit code 0.")
        self.refused("print('welcome')", "no `sparoa-gym serve`: b'welcome")
        self.refused("import time\ntime.sleep(60)", "did not answer within 2 s.*SPAROA_GYM_TIMEOUT")
        self.refused("while True: print('yes')", "no `sparoa-gym serve`")
        self.refused(answer % (2**31, 1, b""), "no `sparoa-gym serve`")
        self.refused(answer % (2, 1, b"[]"), "no `sparoa-gym serve`: it answered")
        self.refused(answer % (2, 1, b"{}"), "this client speaks protocol")
        self.refused(answer % (14, 1, b'{"protocol":1}'), "speaks protocol 2, the other side answered .*1")
        self.refused("", "SPAROA_GYM_TIMEOUT is", seconds="soon")
        gymnasium.make(PLACEMENT, **SMALL).reset()

    def test_a_server_that_stops_is_given_up(self):
        server_module.shutdown()
        os.environ["SPAROA_GYM_TIMEOUT"] = "3"
        try:
            env = gymnasium.make(PLACEMENT, **SMALL)
            env.reset()
            os.kill(server_module.server().process.pid, signal.SIGSTOP)
            with self.assertRaisesRegex(sparoa_gym.ServerError, "did not answer within 3 s"):
                env.step(0)
        finally:
            del os.environ["SPAROA_GYM_TIMEOUT"]
        gymnasium.make(PLACEMENT, **SMALL).reset()

    def test_what_is_too_long_to_send_is_not_sent(self):
        env = gymnasium.make(PLACEMENT, **SMALL)
        with self.assertRaisesRegex(sparoa_gym.InputError, "too long for the server"):
            gymnasium.make(PLACEMENT, model=["x" * 2**20] * 70)
        env.reset()


class Pictures(unittest.TestCase):
    def test_frames_of_an_episode_have_one_size_and_show_it_grow(self):
        for env_id in sparoa_gym.environment_ids:
            with self.subTest(env_id):
                env = gymnasium.make(env_id, render_mode="rgb_array")
                env.reset(seed=0)
                env.action_space.seed(0)
                pictures = [env.render()]
                for _ in range(6):
                    env.step(env.action_space.sample())
                    pictures.append(env.render())
                for picture in pictures:
                    self.assertEqual((picture.dtype, picture.shape), (np.uint8, pictures[0].shape))
                    self.assertEqual(picture.shape[2], 3)
                    self.assertTrue((picture[0] == 255).all())  # A white margin.
                self.assertFalse((pictures[0] == pictures[6]).all())
                env.close()

    def test_a_unit_on_the_gpu_is_drawn_in_the_gpus_row(self):
        env = gymnasium.make(PLACEMENT, render_mode="rgb_array", **SMALL)
        rows = []
        for device in (0, 1):
            env.reset(seed=0)
            env.step(device)
            coloured = np.ptp(env.render()[:180].astype(int), axis=2).max(axis=1) > 60
            rows.append(np.flatnonzero(coloured).mean())
        self.assertLess(rows[0] + 20, rows[1])

    def test_a_vector_has_a_picture_of_each(self):
        vector = gymnasium.make_vec(PLACEMENT, 3, render_mode="rgb_array", **SMALL)
        vector.reset(seed=0)
        vector.step(np.array([0, 0, 1]))
        a, b, c = vector.render()
        same(a, b)
        self.assertFalse((a == c).all())

    def test_frames_are_recorded(self):
        env = gymnasium.wrappers.RenderCollection(gymnasium.make(PLACEMENT, render_mode="rgb_array", **SMALL))
        env.reset()
        env.step(0)
        self.assertEqual(len(env.render()), 2)


class Masks(unittest.TestCase):
    def test_info_method_and_vector_say_the_same(self):
        env = gymnasium.make(PLACEMENT, **MASKED)
        vector = gymnasium.make_vec(PLACEMENT, 2, autoreset_mode=AutoresetMode.SAME_STEP, **MASKED)
        _, info = env.reset(seed=0)
        _, infos = vector.reset(seed=0)
        forbidden = 0
        over = False
        while not over:
            mask = info["action_mask"].astype(bool)
            forbidden += int((~mask).sum())
            same(env.get_wrapper_attr("action_masks")(), mask)
            same(env.unwrapped.info()["action_mask"], info["action_mask"])
            same(vector.action_masks(), np.stack([mask, mask]))
            same(infos["action_mask"][1], info["action_mask"])
            same(vector.info()[1]["action_mask"], info["action_mask"])
            action = int(np.flatnonzero(mask)[-1])
            _, _, over, _, info = env.step(action)
            _, _, _, _, infos = vector.step([action, action])
        self.assertGreater(forbidden, 0)
        self.assertNotIn("action_mask", info)
        with self.assertRaisesRegex(sparoa_gym.InputError, "have no masks"):
            gymnasium.make(SHARE, **SMALL).unwrapped.action_masks()

    @unittest.skipIf(MaskablePPO is None, "sb3-contrib is not installed")
    def test_maskable_ppo_takes_only_what_is_allowed(self):
        for vector in (make_vec_env(PLACEMENT, 2, env_kwargs=MASKED), SparoaVecEnv(PLACEMENT, 2, **MASKED)):
            model = MaskablePPO("MlpPolicy", vector, n_steps=64, batch_size=64, n_epochs=1, seed=0, device="cpu")
            model.learn(128)
            buffer = model.rollout_buffer
            taken = buffer.actions.reshape(-1).astype(int)
            masks = buffer.action_masks.reshape(len(taken), 2)
            self.assertTrue((masks[np.arange(len(taken)), taken] == 1).all())
            self.assertTrue((masks == 0).any())
            vector.close()


@unittest.skipIf(sb3 is None, "stable-baselines3 is not installed")
class Baselines(unittest.TestCase):
    def test_names_alone_are_enough(self):
        vector = make_vec_env(PLACEMENT, 2, env_kwargs=SMALL)
        vector.reset()
        self.assertEqual(vector.render().dtype, np.uint8)
        for env_id in sparoa_gym.environment_ids:
            self.assertEqual(make_vec_env(env_id).reset().shape[0], 1)
        sb3.SAC("MlpPolicy", SHARE, learning_starts=20, buffer_size=100, device="cpu").learn(30)

    def test_the_vector_does_what_their_own_vector_does(self):
        for env_id in (PLACEMENT, SHARE):
            ours = SparoaVecEnv(env_id, 3, render_mode="rgb_array", **SMALL)
            theirs = make_vec_env(env_id, 3, env_kwargs=SMALL)
            for vector in (ours, theirs):
                vector.seed(5)
                vector.action_space.seed(5)
            same(ours.reset(), theirs.reset())
            ends = 0
            while ends < 6:
                actions = np.stack([ours.action_space.sample() for _ in range(3)])
                (a, b), (c, d) = [(one[:3], one[3]) for one in (ours.step(actions), theirs.step(actions))]
                same(a, c)
                for row in np.flatnonzero(a[2]):
                    ends += 1
                    for key in ("terminal_observation", "TimeLimit.truncated", "objectiveMs"):
                        same(b[row][key], d[row][key])
            same(ours.render(), theirs.render())
            same(ours.env_method("info", indices=[1]), theirs.env_method("info", indices=[1]))
            with self.assertRaises(AttributeError):
                ours.env_method("explode")
            ours.close()
            theirs.close()

    def test_ppo_learns_on_it(self):
        vector = VecMonitor(SparoaVecEnv(PLACEMENT, 8, **SMALL))
        model = sb3.PPO("MlpPolicy", vector, n_steps=128, batch_size=256, n_epochs=4, seed=0, device="cpu")
        before = evaluate_policy(model, vector, 8)[0]
        model.learn(4096)
        self.assertGreater(evaluate_policy(model, vector, 8)[0], before)


if __name__ == "__main__":
    unittest.main()
