"""The frames of env/server/frames.ts, and what Python programs put into them: paths, NumPy's numbers, seeds."""

import json
import operator
import os
import re
import struct
from pathlib import Path
from urllib.parse import quote, unquote, unquote_plus

from .errors import InputError

# The first bytes of a frame: payload length, handle, kind.
HEADER = struct.Struct("<IHBx")
PROTOCOL = 2
CONTROL, STEP, ERROR = 1, 2, 3

# Options that name models and device profiles, or lists of them.
_NAMES = ("model", "profile")
_MOST = 2**53 - 1


def control_frame(handle, content):
    """Raises InputError where the content is not JSON: a NaN, or an object that is none of the above."""
    try:
        payload = json.dumps(content, default=_plain, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            "sparoa_gym: what was given cannot be sent (%s).\nGive numbers, texts, paths, lists and dictionaries of them."
            % error
        ) from None
    return HEADER.pack(len(payload), handle, CONTROL) + payload


def _plain(value):
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.path.abspath(value)
    raise TypeError("%r is a %s" % (value, type(value).__name__))


def seed_of(seed):
    """A seed as the server takes it. Raises InputError where it is no whole number, or a double would round it."""
    if seed is None:
        return None
    try:
        whole = operator.index(seed)
    except TypeError:
        whole = -1
    if 0 <= whole <= _MOST:
        return whole
    raise InputError("sparoa_gym: the seed is %r.\nGive a whole number from 0 to 2**53 - 1." % (seed,))


def with_absolute_paths(options):
    """The options with every path absolute: the server's working folder is that of the moment when it was started."""
    return {name: _located(value) if name in _NAMES else value for name, value in options.items()}


def _located(value):
    if isinstance(value, os.PathLike):
        return os.path.abspath(value)
    if isinstance(value, str):
        return _absolute(value)
    return [_located(each) for each in value] if isinstance(value, (list, tuple)) else value


def _absolute(uri):
    scheme = re.match("[a-z]+://", uri)
    if scheme is None and os.path.exists(uri):
        return os.path.abspath(uri)
    # A path may hold question marks of its own.
    address, mark, query = uri.partition("?") if scheme else uri.rpartition("?") if "?" in uri else (uri, "", "")
    if scheme is None:
        address = os.path.abspath(address)
    elif scheme[0] == "table://" and not address.startswith("table:///"):
        address = "table://" + quote(Path(os.path.abspath(unquote(address[len("table://") :]))).as_posix(), safe="/:")
    return address + mark + "&".join(_absolute_input(part) for part in query.split("&"))


def _absolute_input(parameter):
    """`input=page.png` and `input.x=page.png` name files, too."""
    name, equals, value = parameter.partition("=")
    if not equals or not (unquote_plus(name) == "input" or unquote_plus(name).startswith("input.")):
        return parameter
    return "%s=%s" % (name, quote(os.path.abspath(unquote_plus(value)), safe="/:"))
