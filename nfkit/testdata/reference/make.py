"""Writes the weights of small models of normflows, and what it computes with them. Made with PyTorch 1.13: python3 make.py"""

import json

import normflows
import torch
from normflows.distributions import DiagGaussian, TwoMoons
from normflows.flows import ActNorm, AffineConstFlow, Composite, MaskedAffineAutoregressive, Reverse

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)
values = {}


def perturb(model):
    """Changes all parameters and statistics, so that nothing is at an identity."""
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn_like(p))
        for name, b in model.named_buffers():
            if name.endswith("running_mean"):
                b.copy_(0.3 * torch.randn_like(b))
            if name.endswith("running_var"):
                b.copy_(0.5 + torch.rand_like(b))
            if name.endswith("num_batches_tracked"):
                b.fill_(17)
    return model.eval()


def write(name, model, x):
    torch.save(model.state_dict(), name + ".pt")
    with torch.no_grad():
        values[name] = {"input": x.tolist(), "log_prob": model.log_prob(x).tolist()}


def model(d, flows, p=None):
    return perturb(normflows.NormalizingFlow(DiagGaussian(d), flows, p))


x3, x2 = torch.randn(4, 3), torch.randn(4, 2)
write("maf", model(3, [Reverse(MaskedAffineAutoregressive(3, 8)) for _ in range(2)]), x3)
write("iaf", model(3, [MaskedAffineAutoregressive(3, 8, num_blocks=1)]), x3)
write("maf_batch_norm", model(3, [Reverse(MaskedAffineAutoregressive(3, 8, use_batch_norm=True))]), x3)
write("maf_batch_norm_feed_forward", model(3, [
    Reverse(MaskedAffineAutoregressive(3, 8, use_batch_norm=True, use_residual_blocks=False, random_mask=True))]), x3)
write("target", model(2, [AffineConstFlow(2)], TwoMoons()), x2)
write("composite", model(2, [Composite([AffineConstFlow(2), Reverse(Composite([AffineConstFlow(2), AffineConstFlow(2)]))])]), x2)

# The first evaluation sets an ActNorm, here in both directions.
fresh = normflows.NormalizingFlow(DiagGaussian(2), [Reverse(ActNorm(2)), ActNorm(2)])
write("actnorm_before", fresh, 3 + 2 * x2)
write("actnorm_after", fresh, x2)

# The weights of a parity case, rounded: the lengths of singular vectors are not 1 any more.
case = json.load(open("../parity/residual_brute_force_2_16_16_2.json"))
torch.save({k: torch.tensor(v["data"]).reshape(v["shape"]).to(torch.bfloat16) for k, v in case["state"].items()}, "residual_bfloat16.pt")

json.dump(values, open("values.json", "w"))
