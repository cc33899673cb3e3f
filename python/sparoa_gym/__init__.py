"""The environments of SparOA Gym in Python. Importing this registers their ids with Gymnasium.

    import gymnasium, sparoa_gym
    env = gymnasium.make("SparOA/Share-v0", model="model://resnet18")

They run in a Node process, `sparoa-gym serve`, which the first one made starts (server.py).
"""

import json
from importlib.resources import files

import gymnasium

from .errors import InputError, ServerError
from .server import shutdown

__all__ = ["InputError", "ServerError", "environment_ids", "shutdown"]

# Written by `sparoa-gym list environments --json`; importing starts no process.
environment_ids = tuple(json.loads(files(__name__).joinpath("environments.json").read_text())["environments"])

for _id in environment_ids:
    gymnasium.register(
        _id,
        entry_point="sparoa_gym.env:SparoaEnv",
        vector_entry_point="sparoa_gym.vector:SparoaVectorEnv",
        kwargs={"env_id": _id},
    )
