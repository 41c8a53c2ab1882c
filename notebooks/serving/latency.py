"""How long PyTorch takes for the log-density of one row of the model that is served:

    go run . -train 2000
    /usr/bin/python3 latency.py model.safetensors

The model is written as a user would, without a library of flows. It prints the median and the
99th percentile of the times of 2000 calls, and the mean of what they took of the CPU.
"""

import importlib.util
import pathlib
import sys
import time

import torch

path = pathlib.Path(__file__).resolve().parents[2] / "nfkit/internal/versus/torch.py"
spec = importlib.util.spec_from_file_location("models", path)
models = importlib.util.module_from_spec(spec)
spec.loader.exec_module(models)

torch.set_num_threads(1)  # faster for one row than more


class Reversed(models.Spline):
    """Maps the odd components by splines of their own: every other layer of the model."""

    def inverse(self, x):
        x1, x2 = x[:, 1::2], x[:, 0::2]
        z2, l2 = self.others(x2, x1, False)
        z1, l1 = self.kept(x1, False)
        return self.merge(z2, z1), l1 + l2


state = models.State(models.read(sys.argv[1]), torch.float64)
model = models.Model("spline", "lu", 6, state)
for layer in (2, 6, 10):  # linear maps are between
    model.flows[layer] = Reversed(state, f"flows.{layer}")
x = torch.tensor([[1, 0, -1, 0.5, 1, 0, -1, 0.5]], dtype=torch.float64)
times, used = [], 0
with torch.no_grad():
    for call in range(2200):
        if call == 200:  # the first ones are slower
            used = time.process_time()
        start = time.perf_counter()
        log_prob = model.log_prob(x)
        times.append(time.perf_counter() - start)
used = (time.process_time() - used) / 2000
times = sorted(times[200:])
print(f"log-density {log_prob.item():.12f}: median {1e6 * times[1000]:.0f} µs, 99th percentile {1e6 * times[1980]:.0f} µs, CPU {1e6 * used:.0f} µs, PyTorch {torch.__version__}")
