"""Spaces as Gymnasium's, and their values in the bytes of frames (env/server/codec.ts).

Values are read and written through views of a buffer that are made once. A buffer holds rows of `stride` bytes each;
`rows` is None for one row alone, whose values have no leading dimension.
"""

import operator

import numpy as np
from gymnasium import spaces

from .errors import InputError


def space_of(json):
    """The space that the server describes."""
    kind = json["type"]
    if kind == "Box":
        low, high = (np.array(json[k], dtype=np.float32).reshape(json["shape"]) for k in ("low", "high"))
        return spaces.Box(low, high, dtype=np.float32)
    if kind == "Discrete":
        return spaces.Discrete(json["n"], start=json["start"])
    if kind == "MultiDiscrete":
        return spaces.MultiDiscrete(json["counts"])
    if kind == "MultiBinary":
        return spaces.MultiBinary(json["n"])
    if kind == "Dict":
        return spaces.Dict({name: space_of(part) for name, part in json["spaces"].items()})
    return spaces.Tuple([space_of(part) for part in json["spaces"]])


def value_bytes(space):
    """Of one value; a multiple of 4."""
    if isinstance(space, spaces.MultiBinary):
        return 4 * -(-space.n // 4)
    parts = _parts(space)
    return 4 * int(np.prod(space.shape)) if parts is None else sum(value_bytes(part) for _, part in parts)


def mask_bytes(space):
    """Of one mask: a byte for each choice."""
    if isinstance(space, spaces.Box):
        return 0
    if isinstance(space, spaces.MultiDiscrete):
        return int(space.nvec.sum())
    parts = _parts(space)
    return int(space.n) if parts is None else sum(mask_bytes(part) for _, part in parts)


def reader(space, buffer, at, rows, stride):
    """A function that returns the value at `at`, in arrays of its own."""
    parts = _parts(space)
    if parts is not None:
        readers = []
        for name, part in parts:
            readers.append((name, reader(part, buffer, at, rows, stride)))
            at += value_bytes(part)
        return _joined(space, readers)
    view = _view(space, buffer, at, rows, stride)
    if isinstance(space, spaces.Box):
        return view.copy
    if isinstance(space, spaces.Discrete) and rows is None:
        return lambda: np.int64(view[()])
    return lambda: view.astype(space.dtype)


def writer(space, buffer, at, rows, stride):
    """A function that puts a value at `at`; what it means is checked by the server, only its form here."""
    parts = _parts(space)
    if parts is not None:
        writers = []
        for name, part in parts:
            writers.append((name, writer(part, buffer, at, rows, stride)))
            at += value_bytes(part)

        def write_parts(value):
            for name, write in writers:
                write(value[name])

        return write_parts
    view = _view(space, buffer, at, rows, stride)
    if isinstance(space, spaces.Discrete) and rows is None:

        def write_index(value):
            try:
                view[()] = operator.index(value)
            except (TypeError, OverflowError):
                raise InputError("sparoa_gym: the action %r is not in %s.\nGive a whole number." % (value, space)) from None

        return write_index
    kinds = "fiu" if isinstance(space, spaces.Box) else "iub"

    def write(value):
        array = np.asarray(value)
        if array.shape != view.shape or array.dtype.kind not in kinds:
            raise InputError(
                "sparoa_gym: an action of shape %s and type %s is not in %s.\nGive an array of shape %s."
                % (array.shape, array.dtype, space if rows is None else "%d x %s" % (rows, space), view.shape)
            )
        with np.errstate(all="ignore"):
            view[...] = array
        if view.dtype.kind != "f" and (view != array).any():
            raise InputError("sparoa_gym: an action of %s is not in %s.\nGive choices." % (array, space))

    return write


def mask_reader(space, buffer, at, rows, stride):
    """A function that returns the mask at `at`, as `space.sample` takes it; None for spaces without."""
    if mask_bytes(space) == 0:
        return None

    def flat(at, size):
        shape, strides = ((size,), (1,)) if rows is None else ((rows, size), (stride, 1))
        return np.ndarray(shape, np.int8, buffer, at, strides)

    if isinstance(space, spaces.MultiDiscrete):
        ends = np.cumsum(space.nvec)
        views = [flat(at + int(end - size), int(size)) for end, size in zip(ends, space.nvec)]
        return lambda: tuple(view.copy() for view in views)
    parts = _parts(space)
    if parts is None:
        return flat(at, int(space.n)).copy
    readers = []
    for name, part in parts:
        readers.append((name, mask_reader(part, buffer, at, rows, stride) or (lambda: None)))
        at += mask_bytes(part)
    return _joined(space, readers)


def _parts(space):
    """Names and spaces of a composite space; None for others."""
    if isinstance(space, spaces.Dict):
        return sorted(space.spaces.items())
    return list(enumerate(space.spaces)) if isinstance(space, spaces.Tuple) else None


def _joined(space, readers):
    if isinstance(space, spaces.Dict):
        return lambda: {name: read() for name, read in readers}
    return lambda: tuple(read() for _, read in readers)


def _view(space, buffer, at, rows, stride):
    dtype = "<f4" if isinstance(space, spaces.Box) else np.uint8 if isinstance(space, spaces.MultiBinary) else "<i4"
    one = np.ndarray(space.shape, dtype, buffer, at)
    return one if rows is None else np.ndarray((rows, *space.shape), dtype, buffer, at, (stride, *one.strides))
