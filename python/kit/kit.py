#!/usr/bin/env python3
"""Measures this board for sparoa-gym: units of models on its CPU and GPU, crossings, whole models and schedules.

Needs Python 3.8 or newer, numpy and onnxruntime (on a Jetson NVIDIA's build of it). Everything else is used where it is
there: trtexec, INA3221 power rails, clocks, temperatures, nvpmodel. See README.md beside this file.

What fails is written down with its reason, and the rest goes on. What was measured is kept in work/, so a run that was
interrupted continues where it stopped.
"""

import argparse
import datetime
import glob
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

import numpy
import onnxruntime

HERE = os.path.dirname(os.path.abspath(__file__))
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "webgpu": "WebGpuExecutionProvider",
}
# The first onnxruntime that places nodes by session.layer_assignment_settings.
PLACES_NODES = (1, 25)
# Sizes of crossings beside those of the models' tensors, in bytes.
CROSSINGS = [4 ** n for n in range(2, 13)]
MOST_CROSSINGS = 64


def say(text):
    print("[%s] %s" % (time.strftime("%H:%M:%S"), text), flush=True)


def one_line(error):
    """Without the place of this folder, which is nobody's business."""
    return " ".join(("%s: %s" % (type(error).__name__, error)).replace(HERE, "kit").split())[:500]


def ms_since(start):
    return round((time.perf_counter() - start) * 1000, 6)


# ---- Devices and sessions


class Device:
    """One of the pair: `cpu:4` is a CPU with 4 threads, `cuda:0` the first GPU under CUDA."""

    def __init__(self, text):
        match = re.match(r"^(cpu|cuda|tensorrt|webgpu)(?::(\d+))?$", text)
        if not match:
            raise SystemExit('kit: the device "%s" is unknown. Give cpu:<threads>, cuda:0, tensorrt:0 or webgpu.' % text)
        self.kind = match.group(1)
        number = int(match.group(2)) if match.group(2) else (1 if self.kind == "cpu" else 0)
        self.threads = max(1, number) if self.kind == "cpu" else 1
        self.index = number if self.kind in ("cuda", "tensorrt") else 0
        self.id = "webgpu" if self.kind == "webgpu" else "%s:%d" % (self.kind, self.threads if self.is_cpu else self.index)
        self.provider = PROVIDERS[self.kind]
        if self.provider not in onnxruntime.get_available_providers():
            raise SystemExit(
                "kit: this onnxruntime (%s) has no %s, only %s. Install one that has it, or test the kit itself with"
                " --devices cpu:1+cpu:1." % (onnxruntime.__version__, self.provider, ", ".join(onnxruntime.get_available_providers()))
            )

    @property
    def is_cpu(self):
        return self.kind == "cpu"

    @property
    def memory(self):
        """Where an OrtValue of this device lies; None where Python cannot put one there."""
        return {"cpu": "cpu", "cuda": "cuda", "tensorrt": "cuda"}.get(self.kind)

    def provider_entry(self):
        return (self.provider, {"device_id": str(self.index)}) if self.kind in ("cuda", "tensorrt") else (self.provider, {})


def options_of(threads, entries=(), profile=None):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Spinning threads of an idle session steal cores from the one being measured.
    if threads > 1:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    for key, value in entries:
        options.add_session_config_entry(key, value)
    if profile:
        options.enable_profiling = True
        options.profile_file_prefix = profile
    return options


def session_on(device, path, profile=None):
    """A session on this device alone: what a GPU cannot run is an error, not left to the CPU without a word."""
    entries = [] if device.is_cpu else [("session.disable_cpu_ep_fallback", "1")]
    return open_session(path, options_of(device.threads, entries, profile), [device.provider_entry()])


def session_on_both(pair, path, placement, profile=None):
    """A session on both devices, every unit where `placement` says: nodes carry the label u<unit>."""
    labels = [",".join("=u%d" % unit for unit, where in enumerate(placement) if where == device) for device in (0, 1)]
    setting = "; ".join("%s(%s)" % (name, each) for name, each in zip(("cpu", "gpu"), labels) if each)
    options = options_of(pair[0].threads, [("session.layer_assignment_settings", setting)], profile)
    return open_session(path, options, [pair[1].provider_entry(), (PROVIDERS["cpu"], {})])


def open_session(path, options, providers):
    # Without fallback to another provider where the first fails to load, in versions that would.
    session = onnxruntime.InferenceSession(
        path, options, providers=[name for name, _ in providers], provider_options=[each for _, each in providers], enable_fallback=0
    )
    for name, _ in providers:
        if name not in session.get_providers():
            raise RuntimeError("%s did not load" % name)
    return session


def profiled_events(make, feeds, runs=2):
    """ONNX Runtime's own profile: the last runs' events, reduced to what the reader needs."""
    with tempfile.TemporaryDirectory() as folder:
        session = make(os.path.join(folder, "profile"))
        for _ in range(runs):
            session.run(None, feeds)
        path = session.end_profiling()
        with open(path) as file:
            events = json.load(file)
    kept = []
    for event in events:
        if event.get("cat") not in ("Node", "Session", "Api", "Kernel"):
            continue
        args = event.get("args") or {}
        # Parts of a node's time before and after its kernel are not used.
        if event["cat"] == "Node" and not event["name"].endswith("_kernel_time"):
            continue
        kept.append(
            {
                "cat": event["cat"],
                "name": event["name"],
                "ts": event["ts"],
                "dur": event["dur"],
                "args": {key: args[key] for key in ("op_name", "provider") if key in args},
            }
        )
    return kept


# ---- One model


class Model:
    """A model of the kit with the sessions of its units, and the tensors between them on each device."""

    def __init__(self, entry, pair):
        self.entry = entry
        self.pair = pair
        self.folder = os.path.join(HERE, entry["folder"])
        self.units = entry["graph"]["units"]
        self.tensors = entry["graph"]["tensors"]
        self.ids = {tensor["name"]: tensor["id"] for tensor in self.tensors}
        self.feeds = self.read_arrays("inputs.bin", entry["inputs"])
        self.expected = self.read_arrays("expected.bin", entry["outputs"])
        self.values = None
        self.sessions = {}
        self.bindings = {}
        self.unsupported = {}

    @property
    def whole(self):
        return os.path.join(self.folder, "model.onnx")

    def read_arrays(self, name, described):
        with open(os.path.join(self.folder, name), "rb") as file:
            data = file.read()
        return {
            each["name"]: numpy.frombuffer(data, each["type"], count=int(numpy.prod(each["shape"])), offset=each["offset"])
            .reshape(each["shape"])
            .copy()
            for each in described
        }

    def difference(self, outputs):
        """
        The largest difference from what is expected, relative to the largest number of each output. Equal infinities agree,
        and so does no number with no number; a number differs from either by the largest there is, which JSON can hold.
        """
        worst = 0.0
        for name, expected in self.expected.items():
            actual = numpy.asarray(outputs[name])
            if actual.shape != expected.shape:
                raise RuntimeError("output %s has the shape %s instead of %s" % (name, actual.shape, expected.shape))
            if expected.size == 0:
                continue
            actual, expected = actual.astype("float64"), expected.astype("float64")
            finite = numpy.isfinite(actual) & numpy.isfinite(expected)
            a, b = actual[~finite], expected[~finite]
            if not numpy.all((a == b) | (numpy.isnan(a) & numpy.isnan(b))):
                return sys.float_info.max
            apart = numpy.max(numpy.abs(actual[finite] - expected[finite]), initial=0.0)
            scale = numpy.max(numpy.abs(expected[finite]), initial=0.0)
            worst = max(worst, float(apart / scale) if scale > 0 else float(apart))
        return worst

    def open_sessions(self):
        """Opens every unit on each device that runs it, and runs the model once through the CPU's for all tensors' values."""
        if self.values is not None:
            return
        values = {self.ids[name]: value for name, value in self.feeds.items()}
        for unit, file in zip(self.units, self.entry["unitFiles"]):
            path = os.path.join(self.folder, file)
            for device in (0, 1):
                if unit["onlyOn"] is not None and unit["onlyOn"] != device:
                    continue
                try:
                    self.sessions[unit["id"], device] = session_on(self.pair[device], path)
                except Exception as error:
                    self.unsupported[unit["id"], device] = one_line(error)
            try:
                session = self.sessions[unit["id"], 0]
                names = [output.name for output in session.get_outputs()]
                feeds = {each.name: values[self.ids[each.name]] for each in session.get_inputs()}
                made = dict(zip(names, session.run(names, feeds)))
            except Exception as error:
                self.unsupported.setdefault((unit["id"], 0), one_line(error))
                made = {}
            # What nobody can compute here is zeros: the units that read it can be timed all the same.
            for id in unit["outputs"]:
                tensor = self.tensors[id]
                values[id] = made[tensor["name"]] if tensor["name"] in made else zeros(tensor)
        self.values = values

    def open_units(self):
        """Binds every unit to its tensors on each device, so that a run copies nothing, and runs it once."""
        self.open_sessions()
        if self.bindings:
            return
        self.buffers = {id: self.buffer_pair(value) for id, value in self.values.items()}
        for (unit, device), session in self.sessions.items():
            if (unit, device) in self.unsupported:
                continue
            try:
                self.bindings[unit, device] = self.bind(session, device)
                self.run_unit(unit, device)
            except Exception as error:
                self.unsupported[unit, device] = one_line(error)

    def missing(self):
        """Units that neither device runs."""
        return [unit["id"] for unit in self.units if all(not self.runs(unit, device) for device in (0, 1))]

    def runs(self, unit, device):
        return unit["onlyOn"] in (None, device) and (unit["id"], device) not in self.unsupported

    def buffer_pair(self, value):
        return [Buffer(numpy.ascontiguousarray(value).copy(), device) for device in self.pair]

    def bind(self, session, device):
        binding = session.io_binding()
        for each in session.get_inputs():
            binding.bind_ortvalue_input(each.name, self.buffers[self.ids[each.name]][device].value)
        for each in session.get_outputs():
            binding.bind_ortvalue_output(each.name, self.buffers[self.ids[each.name]][device].value)
        return binding

    def run_unit(self, unit, device):
        session, binding = self.sessions[unit, device], self.bindings[unit, device]
        start = time.perf_counter()
        session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        return ms_since(start)

    def execute(self, placement):
        """Units one after the other where `placement` says, tensors moved once to each device that reads them.
        Returns the ms of each unit, None of one that nothing runs, and of each move as (tensor, to, ms)."""
        there = {self.ids[name]: {0} for name in self.feeds}
        moves = []

        def bring(tensor, device):
            if device not in there[tensor]:
                buffers = self.buffers[tensor]
                moves.append((tensor, device, buffers[1 - device].copy_to(buffers[device])))
                there[tensor].add(device)

        units = []
        for unit in self.units:
            device = placement[unit["id"]]
            if self.runs(unit, device):
                for tensor in unit["inputs"]:
                    bring(tensor, device)
                units.append(self.run_unit(unit["id"], device))
            else:
                units.append(None)
            for tensor in unit["outputs"]:
                there[tensor] = {device}
        for name in self.expected:
            bring(self.ids[name], 0)
        return units, moves

    def outputs(self):
        return {name: self.buffers[self.ids[name]][0].array for name in self.expected}

    def allowed(self, placement):
        """The placement with each unit that only one device runs there."""
        return [
            int(where) if self.runs(unit, int(where)) or not self.runs(unit, 1 - int(where)) else 1 - int(where)
            for unit, where in zip(self.units, placement)
        ]


def zeros(tensor):
    return numpy.zeros(tensor["shape"], {"float": "float32", "double": "float64"}.get(tensor["type"], tensor["type"]))


class Buffer:
    """A tensor on a device. On a CPU the OrtValue wraps the array; on a GPU it has memory of its own."""

    def __init__(self, array, device):
        if device.memory is None:
            raise RuntimeError("Python cannot put tensors on %s" % device.id)
        self.is_cpu = device.is_cpu
        self.array = array if device.is_cpu else None
        self.value = onnxruntime.OrtValue.ortvalue_from_numpy(array, device.memory, device.index)

    def copy_to(self, other):
        if self.is_cpu and other.is_cpu:
            start = time.perf_counter()
            numpy.copyto(other.array, self.array)
            return ms_since(start)
        if self.is_cpu:
            start = time.perf_counter()
            other.value.update_inplace(self.array)
            return ms_since(start)
        start = time.perf_counter()
        array = self.value.numpy()
        elapsed = ms_since(start)
        # numpy() brings it into an array of its own; where units read it is a copy more, which is not part of the crossing.
        numpy.copyto(other.array, array)
        return elapsed


# ---- Stages: each returns what is kept of it


def measure_units(model, settings):
    """Random placements, each followed by its complement, so that devices and units take turns."""
    model.open_units()
    draw = random.Random(0)
    unit_ms = [[[], []] for _ in model.units]
    moves = {}
    for turn in range(settings.warm_up + settings.rounds):
        first = [draw.randrange(2) for _ in model.units]
        for flip in (0, 1):
            placement = model.allowed([where ^ flip for where in first])
            units, moved = model.execute(placement)
            if turn < settings.warm_up:
                continue
            for unit, ms in enumerate(units):
                if ms is not None:
                    unit_ms[unit][placement[unit]].append(ms)
            for tensor, to, ms in moved:
                moves.setdefault((tensor, to), []).append(ms)
    return {
        "rounds": settings.rounds,
        "warmUpRounds": settings.warm_up,
        "unitMs": unit_ms,
        "moves": [{"tensor": tensor, "to": to, "ms": ms} for (tensor, to), ms in sorted(moves.items())],
        "unsupported": [{"unit": unit, "device": device, "reason": why} for (unit, device), why in sorted(model.unsupported.items())],
        "difference": None if model.missing() else model.difference(model.outputs()),
    }


def measure_whole(model, settings):
    """The whole model in one session on each device, taking turns; inputs and outputs are the host's."""
    sessions, results = {}, []
    for device in (0, 1):
        result = {"device": device, "ms": [], "error": None, "difference": None, "powerMw": None}
        results.append(result)
        try:
            session = session_on(model.pair[device], model.whole)
            names = [output.name for output in session.get_outputs()]
            for _ in range(settings.warm_up):
                outputs = session.run(names, model.feeds)
            result["difference"] = model.difference(dict(zip(names, outputs)))
            sessions[device] = session
        except Exception as error:
            result["error"] = one_line(error)
    for _ in range(settings.repeats):
        for device, session in sessions.items():
            results[device]["ms"].append(timed_run(session, model.feeds))
    for device, session in sessions.items():
        results[device]["powerMw"] = power_during(settings.root, lambda: session.run(None, model.feeds), settings.power_seconds)
    return results


def timed_run(session, feeds):
    start = time.perf_counter()
    session.run(None, feeds)
    return ms_since(start)


def measure_kernels(model, settings):
    """ONNX Runtime's own times of kernels, in a session of the whole model on each device."""
    results = []
    for device in (0, 1):
        try:
            make = lambda profile: session_on(model.pair[device], model.whole, profile)
            results.append({"device": device, "events": profiled_events(make, model.feeds), "error": None})
        except Exception as error:
            results.append({"device": device, "events": [], "error": one_line(error)})
    return results


def measure_schedules(model, settings):
    """Each schedule unit by unit, through the units' own sessions; in another order in every round."""
    model.open_units()
    if model.missing():
        raise RuntimeError("no device runs unit %d" % model.missing()[0])
    schedules = [model.allowed(map(int, text)) for text in model.entry["schedules"][: settings.schedules]]
    results = [
        {"schedule": index, "placement": as_text(placement), "mechanism": "units", "ms": [], "error": None, "difference": None}
        for index, placement in enumerate(schedules)
    ]
    draw = random.Random(1)
    for turn in range(1 + settings.schedule_rounds):
        for index in draw.sample(range(len(schedules)), len(schedules)):
            units, moves = model.execute(schedules[index])
            if turn == 0:
                results[index]["difference"] = model.difference(model.outputs())
            else:
                results[index]["ms"].append(round(sum(units) + sum(ms for _, _, ms in moves), 6))
    return results


def measure_sessions(model, settings):
    """Each schedule in one session whose nodes are placed by their labels; twice over, the second time in reverse order."""
    version = tuple(int(part) for part in onnxruntime.__version__.split(".")[:2])
    if model.pair[1].is_cpu:
        raise RuntimeError("two CPUs are one device to a session: its nodes cannot be placed")
    if version < PLACES_NODES:
        raise RuntimeError("onnxruntime %s places nodes by itself; %d.%d is the first that takes placements" % (onnxruntime.__version__, *PLACES_NODES))
    model.open_sessions()
    results = []
    for index, text in enumerate(model.entry["schedules"][: settings.schedules]):
        placement = as_text(model.allowed(map(int, text)))
        results.append({"schedule": index, "placement": placement, "mechanism": "session", "ms": [], "events": [], "error": None, "difference": None})
    half = max(1, settings.schedule_rounds // 2)
    for turn, order in enumerate((results, results[::-1])):
        for result in order:
            if result["error"]:
                continue
            placement = list(map(int, result["placement"]))
            try:
                session = session_on_both(model.pair, model.whole, placement)
                names = [output.name for output in session.get_outputs()]
                for _ in range(settings.warm_up):
                    outputs = session.run(names, model.feeds)
                result["difference"] = model.difference(dict(zip(names, outputs)))
                result["ms"] += [timed_run(session, model.feeds) for _ in range(half)]
                del session
                if turn == 0:
                    result["events"] = profiled_events(lambda prefix: session_on_both(model.pair, model.whole, placement, prefix), model.feeds)
            except Exception as error:
                result["error"] = one_line(error)
    return results


def as_text(placement):
    return "".join(map(str, placement))


def measure_trtexec(model, settings):
    """TensorRT's own times of the layers of the whole model; building the engine takes minutes."""
    command = find_trtexec(settings.root)
    if command is None:
        raise RuntimeError("there is no trtexec on the PATH or in /usr/src/tensorrt/bin")
    with tempfile.TemporaryDirectory() as folder:
        files = {key: os.path.join(folder, key + ".json") for key in ("profile", "layers", "times")}
        arguments = [
            command,
            "--onnx=" + model.whole,
            "--profilingVerbosity=detailed",
            "--separateProfileRun",
            "--exportProfile=" + files["profile"],
            "--exportLayerInfo=" + files["layers"],
            "--exportTimes=" + files["times"],
        ]
        done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1800)
        text = done.stdout.decode(errors="replace")
        if done.returncode != 0:
            raise RuntimeError("trtexec ended with %d: %s" % (done.returncode, text.strip()[-300:]))
        version = re.search(r"TensorRT (?:version: |v)?\[?([\w.]+)", text)
        return {
            "arguments": arguments[2:],
            "version": version.group(1) if version else None,
            "files": {key: json.load(open(path)) for key, path in files.items() if os.path.exists(path)},
        }


def find_trtexec(root):
    beside = os.path.join(root, "usr/src/tensorrt/bin/trtexec")
    return shutil.which("trtexec") or (beside if os.access(beside, os.X_OK) else None)


STAGES = [
    ("units", measure_units),
    ("whole", measure_whole),
    ("kernels", measure_kernels),
    ("schedules", measure_schedules),
    ("sessions", measure_sessions),
    ("trtexec", measure_trtexec),
]


def measure_crossings(manifest, pair, settings):
    """Copies between the devices by size, in another order in every round."""
    sizes = set(CROSSINGS)
    for model in manifest["models"]:
        sizes.update(tensor["bytes"] for tensor in model["graph"]["tensors"] if tensor["bytes"] > 0)
    sizes = sorted(sizes)
    # Every n-th of them, the smallest and the largest included.
    if len(sizes) > MOST_CROSSINGS:
        sizes = sorted({sizes[round(i * (len(sizes) - 1) / (MOST_CROSSINGS - 1))] for i in range(MOST_CROSSINGS)})
    buffers = {size: [Buffer(numpy.zeros(size, "uint8"), device) for device in pair] for size in sizes}
    times = {(size, to): [] for size in sizes for to in (0, 1)}
    draw = random.Random(2)
    for turn in range(settings.warm_up + settings.repeats):
        for size, to in draw.sample(sorted(times), len(times)):
            ms = buffers[size][1 - to].copy_to(buffers[size][to])
            if turn >= settings.warm_up:
                times[size, to].append(ms)
    return [{"bytes": size, "to": to, "ms": ms} for (size, to), ms in sorted(times.items())]


# ---- The machine


def read(root, path):
    try:
        with open(os.path.join(root, path), "rb") as file:
            return file.read().decode(errors="replace").rstrip("\0\n ").strip()
    except OSError:
        return None


def number(root, path):
    text = read(root, path)
    match = re.match(r"-?[\d.]+", text or "")
    return float(match.group(0)) if match else None


def names(root, path, pattern):
    try:
        found = [name for name in os.listdir(os.path.join(root, path)) if re.match(pattern, name)]
    except OSError:
        return []
    return sorted(found, key=lambda name: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)])


def cpu_clocks(root):
    """cpufreq counts in kHz."""
    found = []
    for name in names(root, "sys/devices/system/cpu", r"cpu\d+$"):
        folder = "sys/devices/system/cpu/%s/cpufreq" % name
        khz, limit = number(root, folder + "/scaling_cur_freq"), number(root, folder + "/scaling_max_freq")
        if khz is not None:
            found.append({"core": int(name[3:]), "mhz": khz / 1e3, "limitMhz": None if limit is None else limit / 1e3})
    return found


GPU_NAME = r"(([0-9a-f]+\.)?(gpu|gm20b|gp10b|gv11b|ga10b)|gpu-gpc-0)$"


def gpu_clock(root):
    """devfreq counts in Hz."""
    found = names(root, "sys/class/devfreq", GPU_NAME)
    if not found:
        return None
    hz, limit = (number(root, "sys/class/devfreq/%s/%s" % (found[0], file)) for file in ("cur_freq", "max_freq"))
    return {"device": found[0], "mhz": None if hz is None else hz / 1e6, "limitMhz": None if limit is None else limit / 1e6}


def temperatures(root):
    """Zones of parts that are powered off have no value."""
    zones = {}
    for name in names(root, "sys/class/thermal", r"thermal_zone\d+$"):
        folder = "sys/class/thermal/" + name
        milli = number(root, folder + "/temp")
        if milli is not None:
            zones[read(root, folder + "/type") or name] = milli / 1000
    return zones


def power_rails(root):
    """INA3221 rails as (name, read mW): hwmon gives mV and mA, NVIDIA's older iio driver mW."""
    rails = []
    for chip in names(root, "sys/bus/i2c/devices", r"\d+-[0-9a-f]{4}$"):
        folder = "sys/bus/i2c/devices/" + chip
        if not (read(root, folder + "/name") or "").startswith("ina3221"):
            continue
        for hwmon in names(root, folder + "/hwmon", r"hwmon\d+$"):
            for label in names(root, "%s/hwmon/%s" % (folder, hwmon), r"in[123]_label$"):
                base = "%s/hwmon/%s/" % (folder, hwmon)
                rails.append((read(root, base + label), [base + "in%s_input" % label[2], base + "curr%s_input" % label[2]]))
        for device in names(root, folder, r"iio:device\d+$"):
            for label in names(root, "%s/%s" % (folder, device), r"rail_name_\d$"):
                base = "%s/%s/" % (folder, device)
                rails.append((read(root, base + label), [base + "in_power%s_input" % label[-1]]))
    return [(name, paths) for name, paths in rails if name and name != "NC"]


def power(root):
    """mW by rail, of those that can be read now."""
    found = {}
    for name, paths in power_rails(root):
        values = [number(root, path) for path in paths]
        if None not in values:
            found[name] = values[0] if len(values) == 1 else values[0] * values[1] / 1000
    return found


def power_during(root, work, seconds):
    """Mean mW by rail while `work` is repeated; a thread reads the rails ten times a second. None without rails."""
    if not power(root):
        return None
    readings, done = [], threading.Event()

    def sample():
        while not done.wait(0.1):
            readings.append(power(root))

    thread = threading.Thread(target=sample)
    thread.start()
    end = time.perf_counter() + seconds
    try:
        while time.perf_counter() < end:
            work()
    finally:
        done.set()
        thread.join()
    rails = sorted({rail for each in readings for rail in each})
    return {rail: sum(each[rail] for each in readings if rail in each) / sum(rail in each for each in readings) for rail in rails} or None


def state(root):
    return {
        "cpuClocks": cpu_clocks(root),
        "gpuClock": gpu_clock(root),
        "celsius": temperatures(root),
        "powerMw": power(root),
        "load1": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def power_mode():
    """The first lines of `nvpmodel -q`: NV Power Mode: MAXN."""
    command = shutil.which("nvpmodel")
    if command is None:
        return None
    try:
        done = subprocess.run([command, "-q"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20)
        match = re.search(r"NV Power Mode:\s*(\S+)", done.stdout.decode(errors="replace"))
        return match.group(1) if match else None
    except (OSError, subprocess.SubprocessError):
        return None


def cpu_name(root):
    text = read(root, "proc/cpuinfo") or ""
    match = re.search(r"^(?:model name|Model|Hardware)\s*:\s*(.+)$", text, re.M)
    part = re.search(r"^CPU part\s*:\s*(\S+)", text, re.M)
    return match.group(1) if match else "CPU part %s" % part.group(1) if part else platform.machine()


def vector_extension(root):
    match = re.search(r"^(?:flags|Features)\s*:(.*)$", read(root, "proc/cpuinfo") or "", re.M)
    flags = set(match.group(1).split()) if match else set()
    return next((each for each in ("avx512f", "avx2", "avx", "sse4_2", "sve", "asimd") if each in flags), None)


def describe_machine(root):
    return {
        "board": read(root, "proc/device-tree/model"),
        "release": (read(root, "etc/nv_tegra_release") or "").split("\n")[0] or None,
        "powerMode": power_mode(),
        "cpu": cpu_name(root),
        "cores": os.cpu_count(),
        "vectorExtension": vector_extension(root),
        "memoryKb": next((int(kb) for kb in re.findall(r"MemTotal:\s*(\d+)", read(root, "proc/meminfo") or "")), None),
        "platform": "%s-%s" % (sys.platform, platform.machine()),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "onnxRuntime": onnxruntime.__version__,
        "providers": onnxruntime.get_available_providers(),
        "trtexec": find_trtexec(root) is not None,
        "state": state(root),
    }


# ---- The run


def write_json(path, value):
    """Beside its place first: a file that is there is whole."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".tmp", "w") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".tmp", path)


def load_json(path):
    """None where there is no such file, or it was cut: what it held is measured again."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
        return value if isinstance(value, dict) else None
    except (OSError, ValueError):
        return None


def load_manifest():
    """What this folder holds. Its names become paths, so they must be plain ones below it."""
    manifest = load_json(os.path.join(HERE, "manifest.json"))
    if manifest is None or not isinstance(manifest.get("models"), list):
        raise SystemExit("kit: manifest.json is missing or damaged. Copy the kit again.")
    for entry in manifest["models"]:
        folder = str(entry["folder"]).split("/")
        for name in [entry["name"], folder[-1]] + entry["unitFiles"]:
            if not re.match(r"(?!\.)[\w.-]+\Z", str(name), re.ASCII) or len(folder) != 2 or folder[0] != "models":
                raise SystemExit("kit: manifest.json names %r, which is no place in this folder. Copy the kit again." % (name,))
    return manifest


def run_stage(name, work, settings):
    """What came of it, or why nothing did, with the machine's state before and after."""
    before, start = state(settings.root), time.perf_counter()
    try:
        value, error = work(), None
        say("%s: done in %.1f s" % (name, time.perf_counter() - start))
    except Exception as failure:
        value, error = None, one_line(failure)
        say("%s: not measured: %s" % (name, error))
    return {"value": value, "error": error, "seconds": time.perf_counter() - start, "before": before, "after": state(settings.root)}


def pack(path, manifest, work):
    with tarfile.open(path + ".tmp", "w:gz", format=tarfile.USTAR_FORMAT) as archive:
        for name, file in [("manifest.json", os.path.join(HERE, "manifest.json"))] + [
            (os.path.basename(file), file) for file in sorted(glob.glob(os.path.join(work, "*.json")))
        ]:
            archive.add(file, "kit-results/" + name)
    os.replace(path + ".tmp", path)


def default_devices():
    cores = os.cpu_count() or 1
    for kind in ("cuda", "tensorrt"):
        if PROVIDERS[kind] in onnxruntime.get_available_providers():
            return "cpu:%d+%s:0" % (cores, kind)
    raise SystemExit(
        "kit: this onnxruntime (%s) has no CUDA: it offers %s. Install NVIDIA's build, or test the kit itself with --devices cpu:1+cpu:1."
        % (onnxruntime.__version__, ", ".join(onnxruntime.get_available_providers()))
    )


def parse_arguments():
    parser = argparse.ArgumentParser(description="Measure this board for sparoa-gym; see README.md.")
    parser.add_argument("--devices", help="CPU and GPU, such as cpu:6+cuda:0 (default: all cores and the first CUDA device)")
    parser.add_argument("--quick", action="store_true", help="fewer repeats and schedules, no TensorRT: to see that it works")
    parser.add_argument("--out", default="kit-results.tar.gz", help="the archive to write (default: %(default)s)")
    parser.add_argument("--work", default=os.path.join(HERE, "work"), help="what is measured so far (default: work/ beside this file)")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run measured")
    parser.add_argument("--root", default="/", help="the folder that stands for / when the machine is described")
    settings = parser.parse_args()
    quick = settings.quick
    settings.warm_up = 2
    settings.rounds = 3 if quick else 20
    settings.repeats = 5 if quick else 50
    settings.schedules = 6 if quick else 1000
    settings.schedule_rounds = 2 if quick else 10
    settings.power_seconds = 0.5 if quick else 5
    settings.root = os.path.join(settings.root, "")
    return settings


def main():
    settings = parse_arguments()
    manifest = load_manifest()
    pair = [Device(text) for text in (settings.devices or default_devices()).split("+")]
    if len(pair) != 2 or not pair[0].is_cpu:
        raise SystemExit("kit: --devices needs a CPU and another device, such as cpu:6+cuda:0.")
    if settings.fresh:
        shutil.rmtree(settings.work, ignore_errors=True)
    devices = "+".join(device.id for device in pair)
    # Measurements of other devices or of another kit do not go on.
    key = {"kit": manifest["kit"], "devices": devices, "quick": settings.quick}
    machine_path = os.path.join(settings.work, "machine.json")
    machine = load_json(machine_path)
    if machine is not None:
        if machine.get("key") != key:
            raise SystemExit("kit: %s holds measurements of %s, not of %s. Give --fresh to forget them." % (settings.work, machine.get("key"), key))
        say("continues what began on %s" % machine["date"])
    elif os.path.exists(machine_path):
        raise SystemExit("kit: %s is damaged, so nobody knows what was measured. Give --fresh to begin again." % machine_path)
    else:
        date = datetime.datetime.now(datetime.timezone.utc).isoformat()
        write_json(machine_path, dict(describe_machine(settings.root), key=key, date=date))

    if pair[1].memory is None:
        say("%s: Python cannot put tensors there, so units and crossings are not measured" % pair[1].id)
    crossings = os.path.join(settings.work, "crossings.json")
    if load_json(crossings) is None:
        write_json(crossings, run_stage("crossings", lambda: measure_crossings(manifest, pair, settings), settings))
    failed = 0
    for position, entry in enumerate(manifest["models"]):
        path = os.path.join(settings.work, "model-%s.json" % entry["name"])
        result = load_json(path) or {"name": entry["name"], "stages": {}}
        try:
            model = Model(entry, pair)
        except Exception as error:
            say("%s: cannot be read: %s" % (entry["name"], one_line(error)))
            failed += 1
            continue
        for name, stage in STAGES:
            if name in result["stages"] or (name == "trtexec" and settings.quick):
                continue
            label = "model %d of %d, %s, %s" % (position + 1, len(manifest["models"]), entry["name"], name)
            result["stages"][name] = run_stage(label, lambda: stage(model, settings), settings)
            write_json(path, result)
        failed += result["stages"]["units"]["error"] is not None
    pack(settings.out, manifest, settings.work)
    say("%s: %d models, %d of them without units; send this file" % (settings.out, len(manifest["models"]), failed))


if __name__ == "__main__":
    main()
