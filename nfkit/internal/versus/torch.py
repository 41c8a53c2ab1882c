"""The models of package workload in plain PyTorch: what a user would write, without a library of flows.

Reads requests from standard input, a line of JSON each, and answers each with a line of JSON on standard output.
"""

import json
import math
import struct
import sys
import time

import numpy
import torch
import torch.nn.functional as F


def read(path):
    """Returns the tensors of a safetensors file that the other side wrote: float64, int64, and masks in bytes."""
    with open(path, "rb") as f:
        data = f.read()
    (length,) = struct.unpack("<Q", data[:8])
    body = bytearray(data[8 + length :])
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        dtype, size = {"F64": (torch.float64, 8), "I64": (torch.int64, 8), "U8": (torch.uint8, 1)}[entry["dtype"]]
        t = torch.frombuffer(body, dtype=dtype, count=(end - begin) // size, offset=begin).reshape(entry["shape"])
        tensors[name] = t.double() if size == 1 else t.clone()
    return tensors


class State:
    """The tensors under a prefix. Those that are asked for as parameters are trained."""

    def __init__(self, tensors, dtype):
        self.tensors, self.dtype, self.trained = tensors, dtype, []

    def buffer(self, name):
        t = self.tensors[name]
        return t.to(self.dtype) if t.is_floating_point() else t

    def param(self, name):
        p = torch.nn.Parameter(self.buffer(name))
        self.trained.append(p)
        return p


class Linear:
    def __init__(self, state, name):
        self.weight, self.bias = state.param(name + ".weight"), state.param(name + ".bias")

    def __call__(self, x):
        return F.linear(x, self.weight, self.bias)


class MaskedLinear(Linear):
    def __init__(self, state, name):
        super().__init__(state, name)
        self.mask = state.buffer(name + ".mask")

    def __call__(self, x):
        return F.linear(x, self.weight * self.mask, self.bias)


class ResidualNet:
    """Two residual blocks. A context enters the first layer, and gates the blocks."""

    def __init__(self, state, name, linear):
        self.initial, self.final = linear(state, name + ".initial_layer"), linear(state, name + ".final_layer")
        self.blocks = [[linear(state, f"{name}.blocks.{b}.linear_layers.{k}") for k in (0, 1)] for b in (0, 1)]
        self.context, self.gates = None, [None, None]
        if name + ".context_layer.weight" in state.tensors:
            self.context = state.buffer("context")
            self.enter = Linear(state, name + ".context_layer")
            self.gates = [Linear(state, f"{name}.blocks.{b}.context_layer") for b in (0, 1)]

    def __call__(self, x):
        h = self.initial(x)
        if self.context is not None:
            h = h + self.enter(self.context)
        for (first, second), gate in zip(self.blocks, self.gates):
            g = second(F.relu(first(F.relu(h))))
            h = h + (g if gate is None else g * torch.sigmoid(gate(self.context)))
        return self.final(h)


class Coupling:
    """Keeps the first half of the components; scales and shifts the second."""

    def __init__(self, state, name):
        self.layers = [Linear(state, f"{name}.flows.1.param_map.net.{k}") for k in (0, 2, 4)]

    def net(self, x):
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        x = self.layers[-1](x)
        return x[:, 0::2], x[:, 1::2]

    def inverse(self, x):
        x1, x2 = x.chunk(2, dim=1)
        t, s = self.net(x1)
        return torch.cat([x1, (x2 - t) * torch.exp(-s)], dim=1), -s.sum(dim=1)

    def forward(self, z):
        z1, z2 = z.chunk(2, dim=1)
        t, s = self.net(z1)
        return torch.cat([z1, z2 * torch.exp(s) + t], dim=1), s.sum(dim=1)


def knots(logits, bound):
    """Positions of the knots on [-bound, bound] and widths of the bins between them."""
    bins = logits.shape[-1]
    widths = 1e-3 + (1 - 1e-3 * bins) * torch.softmax(logits, dim=-1)
    ends = F.pad(2 * torch.cumsum(widths[..., :-1], dim=-1) - 1, (1, 0), value=-1.0)
    ends = F.pad(ends, (0, 1), value=1.0) * bound
    return ends, ends[..., 1:] - ends[..., :-1]


def linear_tails(logits):
    """Slopes at the knots of a spline that is the identity outside of its interval."""
    return F.pad(1e-3 + F.softplus(logits), (1, 1), value=1.0)


def spline(x, logits, scale, invert=False, bound=3.0, tails=linear_tails):
    """Rational-quadratic splines or their inverses, and the logarithms of the derivatives. bound may be a column."""
    bins = logits.shape[-1] // 3 if tails is not linear_tails else (logits.shape[-1] + 1) // 3
    lowest, highest = (-bound, bound) if isinstance(bound, float) else (-bound[:, 0], bound[:, 0])
    inside = (x >= lowest) & (x <= highest)
    p = x.clamp(lowest, highest)[..., None]
    lefts, widths = knots(logits[..., :bins] * scale, bound)
    bottoms, heights = knots(logits[..., bins : 2 * bins] * scale, bound)
    slopes = tails(logits[..., 2 * bins :])
    ends = bottoms if invert else lefts
    k = torch.searchsorted(ends[..., 1:-1].detach().contiguous(), p.detach(), right=True)

    left, w = lefts.gather(-1, k), widths.gather(-1, k)
    bottom, h = bottoms.gather(-1, k), heights.gather(-1, k)
    d0, d1 = slopes.gather(-1, k), slopes.gather(-1, k + 1)
    delta = h / w
    if invert:
        y = p - bottom
        bend = d0 + d1 - 2 * delta
        a = y * bend + h * (delta - d0)
        b = h * d0 - y * bend
        c = -delta * y
        theta = 2 * c / (-b - torch.sqrt(b * b - 4 * a * c))
    else:
        theta = (p - left) / w
    both = theta * (1 - theta)
    denominator = delta + (d0 + d1 - 2 * delta) * both
    derivative = delta**2 * (d1 * theta**2 + 2 * delta * both + d0 * (1 - theta) ** 2) / denominator**2
    log = torch.log(derivative[..., 0])
    if invert:
        y, log = (theta * w + left)[..., 0], -log
    else:
        y = (bottom + h * (delta * theta**2 + d0 * both) / denominator)[..., 0]
    return torch.where(inside, y, x), torch.where(inside, log, torch.zeros_like(log))


class Spline:
    """Maps components with even numbers by splines of their own, the others by splines that depend on those."""

    def __init__(self, state, name):
        name += ".prqct"
        self.net = ResidualNet(state, name + ".transform_net", Linear)
        self.own = [state.param(f"{name}.unconditional_transform.unnormalized_{part}") for part in ("widths", "heights", "derivatives")]

    def others(self, x2, given, invert):
        logits = self.net(given).view(len(x2), x2.shape[1], -1)
        y2, l2 = spline(x2, logits, 1 / math.sqrt(self.net.final.weight.shape[1]), invert)
        return y2, l2.sum(dim=1)

    def kept(self, x1, invert):
        y1, l1 = spline(x1, torch.cat(self.own, dim=1).expand(len(x1), -1, -1), 1, invert)
        return y1, l1.sum(dim=1)

    def merge(self, even, odd):
        y = even.new_empty(len(even), even.shape[1] + odd.shape[1])
        y[:, 0::2], y[:, 1::2] = even, odd
        return y

    def inverse(self, x):
        x1, x2 = x[:, 0::2], x[:, 1::2]
        z2, l2 = self.others(x2, x1, False)
        z1, l1 = self.kept(x1, False)
        return self.merge(z1, z2), l1 + l2

    def forward(self, z):
        x1, l1 = self.kept(z[:, 0::2], True)
        x2, l2 = self.others(z[:, 1::2], x1, True)
        return self.merge(x1, x2), l1 + l2


class Autoregressive:
    """Maps each component by a function with parameters that depend on those before it."""

    def all_at_once(self, x):
        y, log = self.function(x, self.net(x).view(len(x), x.shape[1], -1))
        return y, log.sum(dim=1)

    def one_by_one(self, y):
        """Finds the components of x in turn, as the libraries do."""
        x = torch.zeros_like(y)
        for _ in range(y.shape[1]):
            x, log = self.function(y, self.net(x).view(len(x), x.shape[1], -1), True)
        return x, log.sum(dim=1)


class IAF(Autoregressive):
    def __init__(self, state, name):
        self.net = ResidualNet(state, name + ".autoregressive_net", MaskedLinear)

    def function(self, x, parameters, invert=False):
        a, t = parameters.unbind(dim=2)
        scale = torch.sigmoid(a + 2) + 1e-3
        if invert:
            return (x - t) / scale, -torch.log(scale)
        return scale * x + t, torch.log(scale)

    forward, inverse = Autoregressive.all_at_once, Autoregressive.one_by_one


class MAF(IAF):
    def __init__(self, state, name):
        super().__init__(state, name + ".flow")

    forward, inverse = Autoregressive.one_by_one, Autoregressive.all_at_once


class ARSpline(Autoregressive):
    def __init__(self, state, name):
        self.net = ResidualNet(state, name + ".mprqat.autoregressive_net", MaskedLinear)

    def function(self, x, parameters, invert=False):
        return spline(x, parameters, 1, invert)

    forward, inverse = Autoregressive.one_by_one, Autoregressive.all_at_once


class Circular(ARSpline):
    """Autoregressive splines of a number on [-5, 5] and an angle, which the network sees as a sine and a cosine."""

    def __init__(self, state, name):
        super().__init__(state, name)
        name += ".mprqat"
        self.weights = state.param(name + ".autoregressive_net.preprocessing.weights")
        self.bound = state.buffer(name + ".tail_bound")[:, None]
        self.scale = math.pi / self.bound[1, 0]
        self.inner, self.net = self.net, self.periodic
        self.circular = torch.tensor([[False], [True]])

    def periodic(self, x):
        angle = self.scale * x[:, 1]
        feature = self.weights[0, 0] * torch.sin(angle) + self.weights[0, 1] * torch.cos(angle)
        return self.inner(torch.stack([x[:, 0], feature], dim=1))

    def tails(self, logits):
        """Slopes: 1 at the ends of the interval of the number, the same at either end of the circle."""
        slopes = 1e-3 + F.softplus(logits)
        first = torch.where(self.circular, slopes[..., :1], torch.ones_like(slopes[..., :1]))
        return torch.cat([first, slopes[..., 1:-1], first], dim=-1)

    def function(self, x, parameters, invert=False):
        return spline(x, parameters, 1, invert, self.bound, self.tails)


class Residual:
    """z = x + g(x) with a contraction g of two components: densities are explicit, samples are iterated."""

    def __init__(self, state, name):
        self.layers = []
        for k in (0, 2, 4):
            linear = f"{name}.iresblock.nnet.net.{k + 1}"
            self.layers.append((state.param(f"{name}.iresblock.nnet.net.{k}.beta"), Linear(state, linear),
                                state.buffer(linear + ".u"), state.buffer(linear + ".v")))
        self.tolerance = 1e-5 if state.dtype == torch.float32 else 1e-12

    def factors(self):
        """What does not depend on the point: the parameter of each activation, and the weights with their norm bounded."""
        return [(F.softplus(beta), linear.weight / torch.clamp(torch.dot(u, linear.weight @ v) / 0.9, min=1.0), linear.bias)
                for beta, linear, u, v in self.layers]

    def net(self, x, factors):
        for beta, weight, bias in factors:
            x = F.linear(x * torch.sigmoid(x * beta) / 1.1, weight, bias)
        return x

    def log_det(self, x, factors):
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            y = self.net(x, factors)
            (first,) = torch.autograd.grad(y[:, 0].sum(), x, retain_graph=True)
            (second,) = torch.autograd.grad(y[:, 1].sum(), x)
        return torch.log(((1 + first[:, 0]) * (1 + second[:, 1]) - first[:, 1] * second[:, 0]).abs())

    def forward(self, z):
        """For samples alone: no gradient flows through the iteration."""
        factors, x = self.factors(), z
        for _ in range(1000):
            before, x = x, z - self.net(x, factors)
            change, size = (x - before).abs().amax(dim=1), x.abs().amax(dim=1).clamp(min=1)
            if (change <= self.tolerance * size).all():
                break
        return x, -self.log_det(x, factors)


class ActNorm:
    """Scales and shifts each component."""

    def __init__(self, state, name):
        self.s, self.t = state.param(name + ".s"), state.param(name + ".t")

    def inverse(self, x):
        return (x - self.t) * torch.exp(-self.s), -self.s.sum()

    def forward(self, z):
        return z * torch.exp(self.s) + self.t, self.s.sum()


class DeepSigmoid(Autoregressive):
    """Maps each component by a network with positive weights: two layers of eight sigmoids, with a logit behind each."""

    def __init__(self, state, name):
        self.net = ResidualNet(state, name + ".net", MaskedLinear)

    def function(self, x, parameters):
        h, log = x, 0
        for layer in parameters.view(*x.shape, 2, 3, 8).unbind(dim=2):
            w, a, b = layer.unbind(dim=2)
            w, a = torch.softmax(w, dim=-1), torch.exp(clip(a, 6.9))
            s = a * h[..., None] + b
            below, above = torch.sigmoid(s), torch.sigmoid(-s)
            p, q = (w * below).sum(dim=-1), (w * above).sum(dim=-1)
            log = log + torch.log((w * below * above * a).sum(dim=-1)) - torch.log(p) - torch.log(q)
            h = torch.log(p) - torch.log(q)
        return h, log

    inverse = Autoregressive.all_at_once


def clip(x, bound):
    return x / (1 + x.abs() / bound)


class Integral(torch.autograd.Function):
    """The integral from 0 to x of a function with parameters, and its gradient: that by x is the integrand, that by the parameters an integral as well.
    So it keeps nothing of what it computes at the nodes."""

    @staticmethod
    def forward(ctx, x, parameters, f, nodes, weights):
        ctx.save_for_backward(x, parameters)
        ctx.f, ctx.nodes, ctx.weights = f, nodes, weights
        return x * (f(x[..., None] * nodes, parameters) * weights).sum(dim=-1)

    @staticmethod
    def backward(ctx, gradient):
        x, parameters = ctx.saved_tensors
        with torch.enable_grad():
            p = parameters.detach().requires_grad_(True)
            values = ctx.f(x[..., None] * ctx.nodes, p)
            (by_parameters,) = torch.autograd.grad(values, p, (gradient * x)[..., None] * ctx.weights)
        return gradient * ctx.f(x[..., None], parameters)[..., 0], by_parameters, None, None, None


class Monotone(Autoregressive):
    """Maps each component by the integral of a positive network of eight units, by a Gauss-Legendre rule of 48 nodes."""

    def __init__(self, state, name):
        self.net = ResidualNet(state, name + ".net", MaskedLinear)
        nodes, weights = numpy.polynomial.legendre.leggauss(48)
        self.nodes, self.weights = (torch.from_numpy(v).to(state.dtype) for v in ((nodes + 1) / 2, weights / 2))

    @staticmethod
    def log_integrand(u, parameters):
        r, w, b, v = parameters[..., None, :].split([1, 8, 8, 8], dim=-1)
        g = (v * torch.tanh(clip(w, 2) * u[..., None] + b)).sum(dim=-1) + r[..., 0]
        return 7 * torch.tanh(g / 7)

    @staticmethod
    def integrand(u, parameters):
        return torch.exp(Monotone.log_integrand(u, parameters))

    def function(self, x, parameters):
        shift, parameters = parameters[..., 0], parameters[..., 1:]
        near = x.clamp(-5, 5)
        log = self.log_integrand(near[..., None], parameters)[..., 0]
        integral = Integral.apply(near, parameters, self.integrand, self.nodes, self.weights)
        return integral + shift + (x - near) * torch.exp(log), log

    inverse = Autoregressive.all_at_once


class Swap:
    """The halves change places."""

    def __init__(self, state, name):
        pass

    def forward(self, x):
        return x.roll(-(x.shape[1] // 2), dims=1), 0

    def inverse(self, x):
        return x.roll(x.shape[1] // 2, dims=1), 0


class LULinearPermute:
    def __init__(self, state, name):
        self.permutation = state.buffer(name + ".permutation._permutation")
        self.undo = torch.argsort(self.permutation)
        self.bias, self.lower, self.upper, self.diag = (
            state.param(f"{name}.linear.{part}") for part in ("bias", "lower_entries", "upper_entries", "unconstrained_upper_diag"))
        d = len(self.diag)
        self.below, self.above = torch.tril_indices(d, d, -1), torch.triu_indices(d, d, 1)
        self.on = torch.arange(d)

    def factors(self):
        d = len(self.diag)
        lower, upper = self.bias.new_zeros(d, d), self.bias.new_zeros(d, d)
        lower[self.below[0], self.below[1]] = self.lower
        lower[self.on, self.on] = 1.0
        upper[self.above[0], self.above[1]] = self.upper
        diag = F.softplus(self.diag) + 1e-3
        upper[self.on, self.on] = diag
        return lower, upper, torch.log(diag).sum()

    def inverse(self, x):
        lower, upper, log = self.factors()
        return F.linear(F.linear(x[:, self.permutation], upper), lower, self.bias), log

    def forward(self, z):
        lower, upper, log = self.factors()
        y = torch.linalg.solve_triangular(lower, (z - self.bias).T, upper=False, unitriangular=True)
        y = torch.linalg.solve_triangular(upper, y, upper=True)
        return y.T[:, self.undo], -log


class InvertibleAffine:
    """Multiplies rows by a matrix that is kept as its LU decomposition."""

    def __init__(self, state, name):
        p, self.sign = state.buffer(name + ".P"), state.buffer(name + ".sign_S")
        self.rows, self.columns = p.argmax(dim=0), p.argmax(dim=1)
        self.lower, self.log_s, self.upper = (state.param(f"{name}.{part}") for part in ("L", "log_S", "U"))
        self.eye = state.buffer(name + ".eye")

    def factors(self):
        return torch.tril(self.lower, -1) + self.eye, torch.triu(self.upper, 1) + torch.diag(self.sign * torch.exp(self.log_s))

    def inverse(self, x):
        lower, upper = self.factors()
        return x[:, self.rows] @ lower @ upper, self.log_s.sum()

    def forward(self, z):
        lower, upper = self.factors()
        y = torch.linalg.solve_triangular(upper.T, z.T, upper=False)
        y = torch.linalg.solve_triangular(lower.T, y, upper=True, unitriangular=True)
        return y.T[:, self.columns], -self.log_s.sum()


class ConvNet:
    """Kernels of 3, 1 and 3."""

    def __init__(self, state, name):
        self.layers = [Linear(state, f"{name}.net.{k}") for k in (0, 2, 4)]

    def __call__(self, x):
        for k, layer in enumerate(self.layers):
            x = F.conv2d(x, layer.weight, layer.bias, padding=layer.weight.shape[2] // 2)
            if k < 2:
                x = F.relu(x)
        return x


class Conv1x1:
    """Multiplies the channels of each pixel by a matrix that is kept as its LU decomposition."""

    def __init__(self, state, name):
        self.p, self.sign, self.eye = (state.buffer(f"{name}.{part}") for part in ("P", "sign_S", "eye"))
        self.lower, self.log_s, self.upper = (state.param(f"{name}.{part}") for part in ("L", "log_S", "U"))

    def factors(self):
        lower = torch.tril(self.lower, -1) + self.eye
        return lower, torch.triu(self.upper, 1) + torch.diag(self.sign * torch.exp(self.log_s))

    def apply(self, x, w, sign):
        return F.conv2d(x, w[:, :, None, None]), sign * x.shape[2] * x.shape[3] * self.log_s.sum()

    def inverse(self, x):
        lower, upper = self.factors()
        return self.apply(x, self.p @ lower @ upper, 1)

    def forward(self, z):
        lower, upper = self.factors()
        w = torch.linalg.solve_triangular(lower, self.p.T, upper=False, unitriangular=True)
        return self.apply(z, torch.linalg.solve_triangular(upper, w, upper=True), -1)


class ChannelNorm:
    """Scales and shifts each channel."""

    def __init__(self, state, name):
        self.s, self.t = state.param(name + ".s"), state.param(name + ".t")

    def inverse(self, x):
        return (x - self.t) * torch.exp(-self.s), -x.shape[2] * x.shape[3] * self.s.sum()

    def forward(self, z):
        return z * torch.exp(self.s) + self.t, z.shape[2] * z.shape[3] * self.s.sum()


class ImageCoupling:
    """Keeps the first half of the channels; scales and shifts the second."""

    def __init__(self, state, name):
        self.net = ConvNet(state, name + ".flows.1.param_map")

    def parts(self, x):
        x1, x2 = x.chunk(2, dim=1)
        param = self.net(x1)
        s = param[:, 1::2] + 2
        return x1, x2, param[:, 0::2], torch.sigmoid(s), F.logsigmoid(s).sum(dim=(1, 2, 3))

    def inverse(self, x):
        x1, x2, shift, scale, log = self.parts(x)
        return torch.cat([x1, (x2 - shift) * scale], dim=1), log

    def forward(self, z):
        z1, z2, shift, scale, log = self.parts(z)
        return torch.cat([z1, z2 / scale + shift], dim=1), -log


class Glow:
    """Images in three levels, of which the first is the deepest."""

    def __init__(self, layers, state):
        self.levels = [[layer(state, f"flows.{i}.{k}.flows.{part}") for k in range(layers)
                        for part, layer in enumerate((ImageCoupling, Conv1x1, ChannelNorm))] for i in range(3)]

    def log_prob(self, x):
        side = math.isqrt(x.shape[1])
        x, log = x.view(-1, 1, side, side), 0
        for i in (2, 1, 0):
            x = F.pixel_unshuffle(x, 2)
            for flow in reversed(self.levels[i]):
                x, l = flow.inverse(x)
                log = log + l
            if i > 0:
                x, z = x.chunk(2, dim=1)
                log = log + normal(z.flatten(1))
        return log + normal(x.flatten(1))

    def transform(self, z):
        """Takes rows of latent grids, one after the other, with channels last."""
        log, side, at, x = normal(z), math.isqrt(z.shape[1]), 0, None
        for i in (0, 1, 2):
            n, channels = side >> 3 - i, (2 << 3 - i) // (1 if i == 0 else 2)
            part = z[:, at : at + n * n * channels].reshape(-1, n, n, channels).permute(0, 3, 1, 2)
            at += n * n * channels
            x = part if x is None else torch.cat([x, part], dim=1)
            for flow in self.levels[i]:
                x, l = flow.forward(x)
                log = log - l
            x = F.pixel_shuffle(x, 2)
        return x.flatten(1), log


class LatticeCoupling:
    """Keeps one colour of a checkerboard, which is all that its network sees; scales and shifts the other one."""

    def __init__(self, state, name, phase, side):
        self.layers = [Linear(state, f"{name}.net.net.{k}") for k in (0, 2, 4)]
        sites = torch.arange(side)
        self.changed = ((sites[:, None] + sites) % 2 == phase).to(state.dtype)
        self.kept = 1 - self.changed

    def parts(self, x):
        h = (self.kept * x)[:, None]
        for k, layer in enumerate(self.layers):
            h = F.conv2d(F.pad(h, (1, 1, 1, 1), mode="circular"), layer.weight, layer.bias)
            if k < 2:
                h = F.leaky_relu(h)
        t, a = (self.changed[None, None] * torch.tanh(h)).unbind(dim=1)
        return t, a, a.sum(dim=(1, 2))

    def inverse(self, x):
        t, a, log = self.parts(x)
        return (x - t) * torch.exp(-a), -log

    def forward(self, z):
        t, a, log = self.parts(z)
        return z * torch.exp(a) + t, log


class Lattice:
    """Square fields in rows."""

    def __init__(self, layers, state):
        self.side = math.isqrt(state.buffer("x").shape[1])
        self.flows = [LatticeCoupling(state, f"flows.{k}", k % 2, self.side) for k in range(layers)]

    def log_prob(self, x):
        x, log = x.view(-1, self.side, self.side), 0
        for flow in reversed(self.flows):
            x, l = flow.inverse(x)
            log = log + l
        return log + normal(x.flatten(1))

    def transform(self, z):
        log, x = normal(z), z.view(-1, self.side, self.side)
        for flow in self.flows:
            x, l = flow.forward(x)
            log = log - l
        return x.flatten(1), log


class ContinuousFlow:
    """A field that is integrated by steps of RK4, with the trace of its Jacobian."""

    def __init__(self, steps, state):
        self.steps = steps
        self.layers = [Linear(state, f"flows.0.field.net.{k}") for k in (0, 2, 4)]

    def field(self, x, time):
        angles = [k * math.pi * time for k in (1, 2, 3)]
        h = torch.cat([x, time] + [f(a) for a in angles for f in (torch.cos, torch.sin)], dim=1)
        for layer in self.layers[:-1]:
            h = F.silu(layer(h))
        return self.layers[-1](h)

    def with_trace(self, x, time):
        v = self.field(x, torch.full_like(x[:, :1], time))
        trace = 0
        for j in range(x.shape[1]):
            trace = trace + torch.autograd.grad(v[:, j].sum(), x, create_graph=True)[0][:, j]
        return v, trace

    def log_prob(self, x):
        x, log, h = x.detach().requires_grad_(True), 0, -1 / self.steps
        for k in range(self.steps):
            time = 1 + k * h
            v1, t1 = self.with_trace(x, time)
            v2, t2 = self.with_trace(x + h / 2 * v1, time + h / 2)
            v3, t3 = self.with_trace(x + h / 2 * v2, time + h / 2)
            v4, t4 = self.with_trace(x + h * v3, time + h)
            x = x + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
            log = log + h / 6 * (t1 + 2 * t2 + 2 * t3 + t4)
        return log + normal(x)


class Model:
    def __init__(self, kind, mix, layers, state):
        layer = {"coupling": Coupling, "spline": Spline, "maf": MAF, "iaf": IAF, "ar-spline": ARSpline, "naf": DeepSigmoid, "umnn": Monotone, "context-ar-spline": ARSpline,
                 "circular": Circular, "circular-10": Circular, "residual": Residual, "lu": LULinearPermute,
                 "invertible-affine": InvertibleAffine}[kind]
        kinds = [layer] if not mix else [layer, {"lu": LULinearPermute, "swap": Swap, "actnorm": ActNorm}[mix]]
        self.flows = [part(state, f"flows.{len(kinds) * k + i}") for k in range(layers) for i, part in enumerate(kinds)]
        self.angle = layer is Circular

    def log_prob(self, x):
        log = 0
        for flow in reversed(self.flows):
            x, l = flow.inverse(x)
            log = log + l
        return log + self.base(x)

    def transform(self, z):
        log = self.base(z)
        for flow in self.flows:
            z, l = flow.forward(z)
            log = log - l
        return z, log

    def base(self, z):
        """The log-density of the base: standard normal, or for a number and an angle normal and uniform."""
        if self.angle:
            inside = torch.where(z[:, 1].abs() <= math.pi, 0.0, -math.inf)
            return normal(z[:, :1]) - math.log(2 * math.pi) + inside
        return normal(z)


def normal(z):
    return -0.5 * z.shape[1] * math.log(2 * math.pi) - 0.5 * (z * z).sum(dim=1)


def wells(x):
    """Double wells in each pair of components: the log-density."""
    a, b = x[:, 0::2], x[:, 1::2]
    return (0.5 * a + 6 * a**2 - a**4 - 0.5 * b**2).sum(dim=1)


def gaussian_von_mises(x):
    """The log-density of a number and an angle."""
    number, angle = x.unbind(dim=1)
    return -0.5 * number**2 + torch.cos(angle - 3 * number) - 1.5 * math.log(2 * math.pi) - 0.23591435850717854


def force(x):
    """The log-density of the wells, and its gradient."""
    x = x.detach().requires_grad_(True)
    log = wells(x)
    (gradient,) = torch.autograd.grad(log.sum(), x)
    return log.detach(), gradient


def leapfrog(x, v, size, steps):
    """Trajectories: where they end, the change of the log-density, and that of the Hamiltonian."""
    start, gradient = force(x)
    kinetic = 0.5 * (v * v).sum(dim=1)
    v = v + 0.5 * size * gradient
    for k in range(steps):
        x = x + size * v
        end, gradient = force(x)
        v = v + (size if k < steps - 1 else 0.5 * size) * gradient
    return x, end - start, end - start + kinetic - 0.5 * (v * v).sum(dim=1)


class Work:
    """A model and what is to be done with it."""

    def __init__(self, request):
        state = State(read(request["file"]), getattr(torch, request["precision"]))
        if request.get("kind") in ("glow", "lattice", "cnf"):
            self.model = {"glow": Glow, "lattice": Lattice, "cnf": ContinuousFlow}[request["kind"]](request["layers"], state)
        elif "kind" in request:
            self.model = Model(request["kind"], request.get("mix"), request["layers"], state)
        self.x = state.buffer("x")
        self.angle = getattr(self.model, "angle", False) if "kind" in request else False
        self.target = gaussian_von_mises if self.angle else wells
        self.step = {"train": self.train, "gradient": self.gradient, "log-prob": self.log_prob, "sample": self.sample,
                     "reverse-kl": self.reverse_kl, "hamiltonian": self.hamiltonian, "matching": self.matching}[request["task"]]
        self.task = request["task"]
        self.draws, self.leapfrogs, self.step_size = request["draws"], request["leapfrogs"], request["step_size"]
        if state.trained:
            self.adam = torch.optim.Adam(state.trained, lr=request["rate"], weight_decay=request["decay"])

    def train(self):
        self.adam.zero_grad(set_to_none=True)
        loss = -self.model.log_prob(self.x).mean()
        loss.backward()
        self.adam.step()
        return loss.detach()

    def gradient(self):
        self.adam.zero_grad(set_to_none=True)
        loss = -self.model.log_prob(self.x).mean()
        loss.backward()
        return loss.detach()

    def noise(self):
        z = torch.randn_like(self.x)
        if self.angle:
            z[:, 1] = 2 * math.pi * (torch.rand(len(z), dtype=z.dtype) - 0.5)
        return z

    def log_prob(self):
        with torch.no_grad():
            return -self.model.log_prob(self.x).mean()

    def sample(self):
        with torch.no_grad():
            return self.model.transform(self.noise())

    def reverse_kl(self, z=None):
        self.adam.zero_grad(set_to_none=True)
        x, log = self.model.transform(self.noise() if z is None else z)
        loss = (log - self.target(x)).mean()
        loss.backward()
        self.adam.step()
        return loss.detach()

    def matching(self, time=None):
        self.adam.zero_grad(set_to_none=True)
        start, end = self.x.chunk(2, dim=1)
        time = torch.rand_like(start[:, :1]) if time is None else time
        loss = (self.model.field(start + time * (end - start), time) - (end - start)).square().sum(dim=1).mean()
        loss.backward()
        self.adam.step()
        return loss.detach()

    def hamiltonian(self):
        x, kept = torch.randn_like(self.x), []
        for k in range(self.draws + 1):
            y, _, ratio = leapfrog(x, torch.randn_like(x), self.step_size, self.leapfrogs)
            accepted = torch.log(torch.rand(len(x), dtype=x.dtype)) < ratio
            x = torch.where(accepted[:, None], y, x)
            if k > 0:
                kept.append(x)
        return torch.stack(kept)

    def check(self, steps):
        """The numbers that the other side must find as well."""
        if self.task == "hamiltonian":
            y, change, _ = leapfrog(self.x, self.x.flip(0), self.step_size, self.leapfrogs)
            return [y.mean().item(), (y * y).mean().item(), change.mean().item()]
        if self.task == "reverse-kl":
            return [self.reverse_kl(self.x).item() for _ in range(steps)]
        if self.task == "matching":
            time = (torch.arange(len(self.x), dtype=self.x.dtype)[:, None] + 0.5) / len(self.x)
            return [self.matching(time).item() for _ in range(steps)]
        if self.task == "sample":
            with torch.no_grad():
                x, log = self.model.transform(self.x)
                return [x.mean().item(), (x * x).mean().item(), log.mean().item()]
        if self.task == "gradient":
            return [self.train().item() for _ in range(steps)]
        return [self.step().item() for _ in range(steps)]

    def time(self, repeat):
        start = time.perf_counter()
        for _ in range(repeat):
            self.step()
        return (time.perf_counter() - start) / repeat


def main():
    work = None
    for line in sys.stdin:
        request, reply = json.loads(line), {}
        try:
            torch.set_num_threads(request["threads"])
            if request["do"] == "version":
                reply["version"] = torch.__version__
            elif request["do"] == "build":
                work = None  # frees the memory of the one before
                work = Work(request)
                reply["check"] = work.check(request["steps"])
            elif request["do"] == "time":
                reply["seconds"] = work.time(request["repeat"])
        except Exception as e:
            reply = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(reply), flush=True)


main()
