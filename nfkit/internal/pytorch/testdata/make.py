"""Writes the .pt files of this folder. Made with PyTorch 1.13 of Debian 12: python3 make.py"""

from collections import OrderedDict

import torch

torch.manual_seed(0)
numbers = torch.arange(6).reshape(2, 3) - 2

torch.save({str(t).removeprefix("torch."): numbers.clamp(0 if t == torch.uint8 else -2).to(t) for t in [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool]}, "types.pt")

big = torch.arange(24.0, dtype=torch.float64)
torch.save(OrderedDict(
    rows=big[4:10].reshape(2, 3), transposed=big[:6].reshape(2, 3).T, column=big.reshape(4, 6)[:, 5],
    expanded=big[7:9].expand(3, 2), number=big[9], none=big[:0].reshape(0, 4), ones=big[3:4].reshape(1, 1, 1),
    block=big.reshape(2, 3, 4)[:, 1:, ::2]), "strides.pt")

model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
adam = torch.optim.Adam(model.parameters())
model(torch.ones(4, 2)).sum().backward()
adam.step()
with torch.no_grad():
    for i, p in enumerate(model.parameters()):
        p.copy_(torch.arange(p.numel()).reshape(p.shape) + 10.0 * i)
torch.save(model.state_dict(), "model.pt")
torch.save(model.state_dict(), "protocol4.pt", pickle_protocol=4)
torch.save(dict(model.named_parameters()), "parameters.pt")
torch.save({"epoch": 3, "big": -(1 << 40), "model": model.state_dict(), "ema": model.state_dict(), "adam": adam.state_dict(),
            "loss": [1.5, -2.0, None, True], "name": "ünder", "shape": (1, 2, 3, 4)}, "checkpoint.pt")

# What is refused.
torch.save(model, "module.pt")
torch.save(model.state_dict(), "legacy.pt", _use_new_zipfile_serialization=False)
torch.jit.save(torch.jit.script(torch.nn.Linear(2, 1)), "script.pt")
torch.save(torch.ones(2), "tensor.pt")
torch.save({"a": torch.ones(2), "b": [1]}, "mixed.pt")
torch.save({"a": torch.ones(2, dtype=torch.complex64)}, "complex.pt")
