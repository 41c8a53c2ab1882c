"""Writes the weights of image models under the names that normflows gives them, and what they compute.

It has the formulas of normflows' layers in plain PyTorch, in float64, so that it runs without that package. Made with PyTorch 1.13: python3 make.py
"""

import json
import math

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)


def weights(*shape):
    return 0.3 * torch.randn(*shape)


class ConvNet2d:
    """Kernels of 3, 1 and 3, with a ReLU of slope leaky between."""

    def __init__(self, state, name, channels, leaky):
        self.leaky, self.layers = leaky, []
        for i, edge in enumerate((3, 1, 3)):
            w, b = weights(channels[i + 1], channels[i], edge, edge), weights(channels[i + 1])
            state[f"{name}.net.{2 * i}.weight"], state[f"{name}.net.{2 * i}.bias"] = w, b
            self.layers.append((w, b, edge // 2))

    def __call__(self, x):
        for i, (w, b, pad) in enumerate(self.layers):
            x = F.conv2d(x, w, b, padding=pad)
            if i < 2:
                x = F.leaky_relu(x, self.leaky)
        return x


class ConvResidualNet:
    def __init__(self, state, name, inputs, outputs, hidden, context, blocks):
        def conv(part, i, o, edge):
            w, b = weights(o, i, edge, edge), weights(o)
            state[f"{name}{part}.weight"], state[f"{name}{part}.bias"] = w, b
            return lambda x: F.conv2d(x, w, b, padding=edge // 2)

        self.initial = conv("initial_layer", inputs + context, hidden, 1)
        self.blocks = [(conv(f"blocks.{k}.context_layer", context, hidden, 1),
                        conv(f"blocks.{k}.conv_layers.0", hidden, hidden, 3),
                        conv(f"blocks.{k}.conv_layers.1", hidden, hidden, 3)) for k in range(blocks)]
        self.final = conv("final_layer", hidden, outputs, 1)

    def __call__(self, x, context):
        h = self.initial(torch.cat([x, context], dim=1))
        for gate, first, second in self.blocks:
            g = second(F.relu(first(F.relu(h))))
            h = h + F.glu(torch.cat([g, gate(context)], dim=1), dim=1)
        return self.final(h)


class GlowBlock:
    """Coupling, 1x1 convolution and ActNorm; the density undoes them from last to first."""

    def __init__(self, state, name, channels, hidden):
        kept = (channels + 1) // 2
        self.net = ConvNet2d(state, name + ".flows.0.flows.1.param_map", (kept, hidden, hidden, 2 * (channels - kept)), 0.1)
        lower, upper = weights(channels, channels), weights(channels, channels)
        p = torch.eye(channels)[torch.randperm(channels)]
        log_s, sign = weights(channels), torch.sign(torch.randn(channels))
        self.w = p @ (torch.tril(lower, -1) + torch.eye(channels)) @ (torch.triu(upper, 1) + torch.diag(sign * torch.exp(log_s)))
        self.log_w = log_s.sum()
        for part, value in {"L": lower, "log_S": log_s, "U": upper, "P": p, "sign_S": sign, "eye": torch.eye(channels)}.items():
            state[f"{name}.flows.1.{part}"] = value
        self.s, self.t = weights(1, channels, 1, 1), weights(1, channels, 1, 1)
        state[name + ".flows.2.s"], state[name + ".flows.2.t"] = self.s, self.t
        state[name + ".flows.2.data_dep_init_done"] = torch.tensor(1.0)

    def inverse(self, x):
        pixels = x.shape[2] * x.shape[3]
        x, log = (x - self.t) * torch.exp(-self.s), -pixels * self.s.sum()
        x, log = F.conv2d(x, self.w[:, :, None, None]), log + pixels * self.log_w
        kept, changed = x[:, : (x.shape[1] + 1) // 2], x[:, (x.shape[1] + 1) // 2 :]
        param = self.net(kept)
        shift, scale = param[:, 0::2], torch.sigmoid(param[:, 1::2] + 2)
        return torch.cat([kept, (changed - shift) * scale], dim=1), log + torch.log(scale).sum(dim=(1, 2, 3))


def squeeze(x):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(n, 4 * c, h // 2, w // 2)


def normal(z, loc, log_scale):
    terms = -0.5 * math.log(2 * math.pi) - log_scale - 0.5 * ((z - loc) / torch.exp(log_scale)) ** 2
    return terms.sum(dim=(1, 2, 3))


class ClassCondDiagGaussian:
    def __init__(self, state, name, shape, classes):
        self.loc, self.log_scale = weights(*shape, classes), weights(*shape, classes)
        state[name + ".loc"], state[name + ".log_scale"] = self.loc, self.log_scale

    def log_prob(self, z, y):
        return normal(z, torch.einsum("chwk,nk->nchw", self.loc, y), torch.einsum("chwk,nk->nchw", self.log_scale, y))


class GlowBase:
    def __init__(self, state, name, shape, classes):
        c = shape[0]
        loc, loc_logs, scale, scale_logs = (weights(1, c, 1, 1) for _ in range(4))
        loc_cc, scale_cc = weights(classes, c), weights(classes, c)
        state.update({name + ".loc": loc, name + ".loc_logs": loc_logs, name + ".log_scale": scale, name + ".log_scale_logs": scale_logs,
                      name + ".loc_cc": loc_cc, name + ".log_scale_cc": scale_cc})
        self.loc = lambda y: loc * torch.exp(3 * loc_logs) + (y @ loc_cc)[:, :, None, None]
        self.scale = lambda y: scale * torch.exp(3 * scale_logs) + (y @ scale_cc)[:, :, None, None]

    def log_prob(self, z, y):
        return normal(z, self.loc(y) + 0 * z, self.scale(y) + 0 * z)


class AffineGaussian:
    """With scale and shift for each channel, on all pixels."""

    def __init__(self, state, name, shape, classes):
        c = shape[0]
        s, t, s_cc, t_cc = weights(1, c, 1, 1), weights(1, c, 1, 1), weights(classes, c), weights(classes, c)
        state.update({name + ".transform.s": s, name + ".transform.t": t, name + ".transform.s_cc": s_cc, name + ".transform.t_cc": t_cc})
        self.s = lambda y: s + (y @ s_cc)[:, :, None, None]
        self.t = lambda y: t + (y @ t_cc)[:, :, None, None]

    def log_prob(self, z, y):
        return normal(z, self.t(y) + 0 * z, self.s(y) + 0 * z)


class Glow:
    """MultiscaleFlow with levels from the deepest on, and a logit of 0.05 + 0.9x."""

    def __init__(self, base, channels, height, width, classes, levels=2, blocks=1, hidden=5):
        self.state, self.bases, self.blocks = {}, [], []
        for i in range(levels):
            halvings = levels - i
            c = channels * 2 ** (levels + 1 - i)
            shape = (c if i == 0 else c // 2, height >> halvings, width >> halvings)
            self.bases.append(base(self.state, f"q0.{i}", shape, classes))
            self.blocks.append([GlowBlock(self.state, f"flows.{i}.{k}", c, hidden) for k in range(blocks)])

    def log_prob(self, x, y):
        x = 0.05 + 0.9 * x
        log = (math.log(0.9) - torch.log(x) - torch.log1p(-x)).sum(dim=(1, 2, 3))
        x = torch.log(x) - torch.log1p(-x)
        for i in reversed(range(len(self.blocks))):
            x = squeeze(x)
            for block in reversed(self.blocks[i]):
                x, l = block.inverse(x)
                log = log + l
            if i > 0:
                x, z = x.chunk(2, dim=1)
                log = log + self.bases[i].log_prob(z, y)
        return log + self.bases[0].log_prob(x, y)


values = {}
n, classes, channels, height, width = 3, 3, 2, 4, 8
y = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0.2, 0.5, 0.3]])
x = torch.rand(n, channels, height, width)
last = x.permute(0, 2, 3, 1).reshape(n, -1).tolist()  # channels last
for name, base, blocks in ("class_cond_diag", ClassCondDiagGaussian, 2), ("glow_base", GlowBase, 1), ("affine_gaussian", AffineGaussian, 1):
    glow = Glow(base, channels, height, width, classes, blocks=blocks)
    torch.save(glow.state, f"glow_{name}.pt")
    values["glow_" + name] = {"input": last, "context": y.tolist(), "output": glow.log_prob(x, y).reshape(n, 1).tolist()}

state = {}
net = ConvResidualNet(state, "", channels, 3, 4, classes, 2)
torch.save(state, "residual_net.pt")
out = net(x, y[:, :, None, None].expand(n, classes, height, width))
values["residual_net"] = {"input": last, "context": y.tolist(), "output": out.permute(0, 2, 3, 1).reshape(n, -1).tolist()}
json.dump(values, open("values.json", "w"))
