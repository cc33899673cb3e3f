"""ONNX Runtime sessions in a Python process, for the executor `python` of sparoa-gym.

The other side asks over stdin and is answered over stdout: a line of JSON behind a mark, then byte strings, whose lengths the
line's "bytes" gives. It decides what is asked; here sessions are only opened, run and released. Needs Python 3.8 or newer,
onnxruntime and numpy.
"""

import json
import os
import queue
import signal
import sys
import threading
import time

try:
    import numpy
    import onnxruntime

    import_error = None
except Exception as error:  # An onnxruntime built for another numpy raises what it likes.
    import_error = "%s: %s" % (type(error).__name__, error)

MARK = b"sparoa-gym:"

sessions = {}
feeds = {}


def create(request, profiling=False):
    settings = request["settings"]
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, settings["level"])
    options.intra_op_num_threads = settings["intraOpThreads"]
    options.inter_op_num_threads = settings["interOpThreads"]
    options.log_severity_level = settings["logSeverity"]
    for key, value in settings["entries"].items():
        options.add_session_config_entry(key, value)
    if profiling:
        options.enable_profiling = True
        options.profile_file_prefix = request["profilePrefix"]
        options.optimized_model_filepath = request["optimisedPath"]
    names = [name for name, _ in settings["providers"]]
    session = onnxruntime.InferenceSession(
        request["model"],
        options,
        providers=names,
        provider_options=[each for _, each in settings["providers"]],
        enable_fallback=0,
    )
    for name in names:
        if name not in session.get_providers():
            raise RuntimeError("%s did not load" % name)
    return session


def run(session, times):
    for _ in range(times):
        outputs = session.run(None, feeds)
    return outputs


def tensor(kind, data):
    """The array of an input; the names of element types are numpy's, but for strings."""
    shape = kind["dims"]
    if kind["type"] == "string":
        return numpy.array(json.loads(data), dtype=object).reshape(shape)
    return numpy.frombuffer(data, dtype=kind["type"]).reshape(shape)


def with_outputs(session, outputs):
    kinds, parts = [], []
    for info, value in zip(session.get_outputs(), outputs):
        strings = value.dtype == object
        kinds.append({"name": info.name, "type": "string" if strings else value.dtype.name})
        if strings:
            value = json.dumps(value.ravel().tolist(), ensure_ascii=False, separators=(",", ":"))
        parts.append(value.encode() if strings else value.tobytes())
    return {"outputs": kinds}, parts


def answer(request, parts):
    op = request["op"]
    if op == "describe":
        if import_error:
            raise RuntimeError(import_error)
        return {"value": {"version": onnxruntime.__version__, "providers": onnxruntime.get_available_providers()}}, []
    if op == "reference":
        feeds.clear()
        feeds.update((kind["name"], tensor(kind, data)) for kind, data in zip(request["feeds"], parts))
        session = create(request)
        return with_outputs(session, run(session, 1))
    if op == "profile":
        session = create(request, profiling=True)
        try:
            run(session, request["runs"])
        finally:
            session.end_profiling()
        return {"value": None}, []
    if op == "open":
        session = create(request)
        outputs = run(session, request["runs"])
        sessions[request["plan"]] = session
        return with_outputs(session, outputs)
    if op == "run":
        session = sessions[request["plan"]]
        start = time.perf_counter()
        session.run(None, feeds)
        return {"value": (time.perf_counter() - start) * 1000}, []
    if op == "release":
        sessions.pop(request["plan"], None)
        return {"value": None}, []
    raise RuntimeError("unknown request %s" % op)


def read_requests(requests):
    """Reads on while native code runs, so that the process ends with the one that started it."""
    source = sys.stdin.buffer
    for line in iter(source.readline, b""):
        request = json.loads(line[len(MARK) :])
        requests.put((request, [source.read(length) for length in request["bytes"]]))
    os._exit(0)


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "wb")
    # Libraries that print must not disturb the replies.
    os.dup2(2, 1)
    requests = queue.Queue()
    threading.Thread(target=read_requests, args=(requests,), daemon=True).start()
    while True:
        try:
            reply, parts = answer(*requests.get())
        except Exception as error:
            reply, parts = {"failure": str(error)}, []
        reply["bytes"] = [len(part) for part in parts]
        replies.write(MARK + json.dumps(reply).encode() + b"\n")
        for part in parts:
            replies.write(part)
        replies.flush()


main()
