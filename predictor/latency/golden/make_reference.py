"""The frozen samples, and what scikit-learn's boosted trees predict for them. Run in this folder: python make_reference.py

samples.csv: a synthetic device (seed 0): latency is a fixed cost and the longer of arithmetic and memory traffic, by operator
class, with 5 % noise. The numbers of features are exact in float32, which scikit-learn converts them to.
reference.json: predictions for the last quarter of the rows by
GradientBoostingRegressor(random_state=0, **options), squared loss, fitted to the logarithm of the others' latency.
"""

import json

import numpy as np
import sklearn
from sklearn.ensemble import GradientBoostingRegressor

random = np.random.default_rng(0)
rows = 320
kind = random.integers(0, 3, rows)
flops = np.exp2(random.uniform(12, 30, rows)).round() // 1024 * 1024
size = np.exp2(random.uniform(10, 23, rows)).round() // 64 * 64
kernel = random.choice([1, 3, 5, 7], rows)
channels = random.integers(1, 256, rows) * 4
flops_per_ms = np.array([4e8, 5e7, 1e8])[kind]
bytes_per_ms = np.array([2e7, 1e7, 2e7])[kind]
latency = (0.01 + np.maximum(flops / flops_per_ms, size / bytes_per_ms)) * np.exp(random.normal(0, 0.05, rows))
columns = [kind, flops, size, kernel, channels]
with open("samples.csv", "w") as file:
    file.write("class,flops,bytes,kernelSize,channels,latencyMs\n")
    for *features, ms in zip(*columns, latency):
        file.write(",".join(str(int(value)) for value in features) + f",{float(f'{ms:.6g}')!r}\n")

table = np.loadtxt("samples.csv", delimiter=",", skiprows=1)
x, y = table[:, :-1], np.log(table[:, -1])
assert (x == x.astype(np.float32)).all()
fitted = rows * 3 // 4
cases = [
    {"n_estimators": 1, "learning_rate": 1.0, "max_depth": 3, "min_samples_leaf": 5},
    {"n_estimators": 50, "learning_rate": 0.1, "max_depth": 3, "min_samples_leaf": 10},
    {"n_estimators": 100, "learning_rate": 0.1, "max_depth": 4, "min_samples_leaf": 10},
]
results = []
for options in cases:
    model = GradientBoostingRegressor(random_state=0, **options)
    model.fit(x[:fitted], y[:fitted])
    results.append({"options": options, "logMs": model.predict(x[fitted:]).tolist()})
with open("reference.json", "w") as file:
    json.dump({"scikitLearn": sklearn.__version__, "fitted": fitted, "cases": results}, file, indent=1)
    file.write("\n")
