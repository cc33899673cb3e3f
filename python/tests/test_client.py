"""The client against Gymnasium's and Stable-Baselines3's own checkers, and against itself. test/python-client.test.ts runs it."""

import os
import unittest
import warnings

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import sparoa_gym
from sparoa_gym import server as server_module
from sparoa_gym.frames import PROTOCOL

try:
    from stable_baselines3 import SAC
    from stable_baselines3.common.env_checker import check_env as check_env_for_baselines
except ImportError:
    SAC = None

SMALL = {"model": "model://mobilenetv3-small?size=32", "lookahead": 1}


class EveryId(unittest.TestCase):
    def test_the_list_of_ids_is_the_servers(self):
        hello = server_module.server().request("hello", protocol=PROTOCOL)
        self.assertEqual(list(sparoa_gym.environment_ids), hello["environments"])

    def test_gymnasiums_checker_passes_without_options(self):
        for env_id in sparoa_gym.environment_ids:
            with self.subTest(env_id):
                env = gymnasium.make(env_id)
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    check_env(env.unwrapped)
                env.close()

    def test_the_boards_state_is_observed_where_it_is_asked_for(self):
        blocks = {
            "SparOA/Share-v0": ["progress", "state"],
            "SparOA/Placement-v0": ["progress", "state"],
            "SparOA/Branches-v0": ["ready", "slot", "state"],
        }
        for env_id, observation in blocks.items():
            with self.subTest(env_id):
                options = {"model": SMALL["model"], "profile": "profile://pixel-4?mode=2med"}
                without = gymnasium.make(env_id, observation=observation[:-1], **options)
                env = gymnasium.make(env_id, observation=observation, **options)
                self.assertEqual(env.observation_space.shape[0], without.observation_space.shape[0] + 10)
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    check_env(env.unwrapped)
                state = env.reset(seed=0)[0][-10:]
                # Idle, at full clock, in a mode that allows less than the fastest cores; sensors without a value.
                np.testing.assert_array_equal(state[[0, 1, 2, 3, 4, 6, 7, 8, 9]], [0, 0, 0, 1, 1, 1, 0, 0, 0])
                self.assertAlmostEqual(float(state[5]), 44.52 / 58.02, places=5)
                env.close()
                without.close()

    @unittest.skipIf(SAC is None, "stable-baselines3 is not installed")
    def test_baselines_checker_passes(self):
        for env_id in sparoa_gym.environment_ids:
            with self.subTest(env_id):
                env = gymnasium.make(env_id)
                check_env_for_baselines(env, warn=False)
                env.close()

    def test_a_vector_does_what_single_environments_do_in_every_mode(self):
        for env_id in sparoa_gym.environment_ids:
            for mode in AutoresetMode:
                with self.subTest(env_id=env_id, mode=mode):
                    self.compare_vector(env_id, mode)

    def compare_vector(self, env_id, mode, count=2):
        """Gymnasium's own vector of single environments of ours is the reference."""
        ours = gymnasium.make_vec(env_id, count, autoreset_mode=mode)
        single = lambda: gymnasium.make(env_id)  # noqa: E731
        reference = gymnasium.vector.SyncVectorEnv([single] * count, autoreset_mode=mode)
        self.assertEqual(ours.observation_space, reference.observation_space)
        self.assertEqual(ours.action_space, reference.action_space)
        self.same(ours.reset(seed=4), reference.reset(seed=4))
        ours.action_space.seed(7)
        after_end = 0
        while after_end < 5:
            actions = ours.action_space.sample()
            a, b = ours.step(actions), reference.step(actions)
            self.same(a, b)
            over = a[2] | a[3]
            after_end += int(over.any() or after_end > 0)
            if over.any() and mode is AutoresetMode.DISABLED:
                mask = np.ones(count, bool) if over.all() else over
                self.same(
                    ours.reset(options={"reset_mask": mask.copy()}), reference.reset(options={"reset_mask": mask.copy()})
                )
        ours.close()
        reference.close()

    def same(self, a, b):
        self.assertEqual(type(a), type(b))
        if isinstance(a, dict):
            self.assertEqual(sorted(a), sorted(b))
            for key in a:
                self.same(a[key], b[key])
        elif isinstance(a, tuple):
            for x, y in zip(a, b, strict=True):
                self.same(x, y)
        elif isinstance(a, np.ndarray) and a.dtype != object:
            np.testing.assert_array_equal(a, b)
            self.assertEqual(a.dtype, b.dtype)
        elif isinstance(a, np.ndarray):
            for x, y in zip(a, b, strict=True):
                self.same(x, y)
        else:
            self.assertEqual(a, b)


class Conversation(unittest.TestCase):
    def setUp(self):
        self.env = gymnasium.make("SparOA/Placement-v0", **SMALL)

    def tearDown(self):
        self.env.close()

    def test_what_is_returned_does_not_change_later(self):
        first, info = self.env.reset()
        kept, mask = first.copy(), info["action_mask"].copy()
        second = self.env.step(1)
        self.env.step(0)
        np.testing.assert_array_equal(first, kept)
        np.testing.assert_array_equal(info["action_mask"], mask)
        self.assertFalse(np.shares_memory(first, second[0]))

    def test_an_error_leaves_the_environment_as_it_was(self):
        self.env.reset()
        with self.assertRaisesRegex(sparoa_gym.InputError, "action 7 is not in Discrete"):
            self.env.step(7)
        self.assertEqual(len(self.env.step(1)), 5)

    def test_the_trace_comes_when_asked_for(self):
        self.env.reset()
        over = False
        while not over:
            _, _, over, _, info = self.env.step(1)
        whole = self.env.unwrapped.info()
        self.assertNotIn("trace", info)
        self.assertEqual(whole["objectiveMs"], info["objectiveMs"])
        self.assertEqual(whole["trace"]["makespanMs"], info["objectiveMs"])

    def test_render_modes(self):
        for mode, start in (("ansi", "1 of "), ("svg", "<svg")):
            env = gymnasium.make("SparOA/Placement-v0", render_mode=mode, **SMALL)
            env.reset()
            env.step(1)
            self.assertTrue(env.render().startswith(start))
            env.close()
        vector = gymnasium.make_vec("SparOA/Placement-v0", 2, render_mode="ansi", **SMALL)
        vector.reset()
        self.assertEqual(len(vector.render()), 2)

    def test_environments_that_nobody_holds_are_closed(self):
        server = server_module.server()
        handle = gymnasium.make("SparOA/Placement-v0", **SMALL).unwrapped._handle
        self.env.reset()
        with self.assertRaisesRegex(sparoa_gym.InputError, "there is no environment"):
            server.request("info", handle)

    def test_what_cannot_be_made(self):
        with self.assertRaisesRegex(sparoa_gym.InputError, 'Did you mean "mobilenetv'):
            gymnasium.make("SparOA/Share-v0", model="model://mobilenetv3")
        with self.assertRaisesRegex(sparoa_gym.InputError, "shape"):
            gymnasium.make("SparOA/Share-v0").unwrapped.step(np.zeros(3, np.float32))

    @unittest.skipIf(SAC is None, "stable-baselines3 is not installed")
    def test_baselines_sac_learns_through_it(self):
        env = gymnasium.make("SparOA/Share-v0", **SMALL)
        model = SAC("MlpPolicy", env, learning_starts=100, train_freq=8, gradient_steps=1, seed=0, device="cpu")
        model.learn(300)
        self.assertGreaterEqual(model.num_timesteps, 300)
        env.close()


class Processes(unittest.TestCase):
    def test_a_server_that_ended_is_replaced(self):
        env = gymnasium.make("SparOA/Placement-v0", **SMALL).unwrapped
        process = server_module.server().process
        process.kill()
        process.wait()
        with self.assertRaisesRegex(sparoa_gym.ServerError, "the server ended"):
            env.reset()
        env.close()
        gymnasium.make("SparOA/Placement-v0", **SMALL).reset()

    @unittest.skipUnless(hasattr(os, "fork"), "no fork here")
    def test_a_forked_process_has_a_server_of_its_own(self):
        env = gymnasium.make("SparOA/Placement-v0", **SMALL)
        env.reset()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                try:
                    env.step(1)
                except sparoa_gym.ServerError:
                    gymnasium.make("SparOA/Placement-v0", **SMALL).reset()
                    sparoa_gym.shutdown()
                    code = 0
            finally:
                os._exit(code)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(len(env.step(1)), 5)

    @unittest.skipUnless(hasattr(os, "killpg"), "no process groups here")
    def test_ctrl_c_reaches_this_process_alone(self):
        server = server_module.server()
        self.assertNotEqual(os.getpgid(server.process.pid), os.getpgid(0))


if __name__ == "__main__":
    unittest.main()
