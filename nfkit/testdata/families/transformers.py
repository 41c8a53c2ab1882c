# Values of transformers for the golden test of nfkit, from the formulas of the papers: python3 transformers.py
# Prints, for each, z and ln dz/dx at four places for the parameters p_i = 0.8·sin(1.3·i + 0.7).
import math
import numpy as np

L = np.longdouble
xs = [L("-3.1"), L("-0.4"), L("0.9"), L("2.2")]


def params(m):
    return np.array([L(0.8 * math.sin(1.3 * i + 0.7)) for i in range(m)])


def softmax(v):
    e = np.exp(v - v.max())
    return e / e.sum()


def clip(v, b):
    return v / (1 + np.abs(v / b))


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def logit(p):
    return np.log(p) - np.log1p(-p)


def Phi(v):
    return np.array([L(math.erfc(-float(u) / math.sqrt(2))) / 2 for u in np.atleast_1d(v)])


def quantile(p):
    lo, hi = -10.0, 10.0
    for _ in range(80):
        mid = (lo + hi) / 2
        lo, hi = (mid, hi) if Phi(mid)[0] < p else (lo, mid)
    return L((lo + hi) / 2)


def logistic_mixture(p, x):
    w, mu, s = softmax(p[:8]), p[8:16], np.exp(clip(p[16:], 6.9))
    return logit((w * sigmoid((x - mu) / s)).sum())


def gaussian_mixture(p, x):
    w, mu, s = softmax(p[:8]), p[8:16], np.exp(clip(p[16:], 6.9))
    return quantile((w * Phi((x - mu) / s)).sum())


def deep_sigmoid(p, x):
    for l in range(2):
        q = p[24 * l : 24 * l + 24]
        x = logit((softmax(q[:8]) * sigmoid(np.exp(clip(q[8:16], 6.9)) * x + q[16:])).sum())
    return x


def deep_dense_sigmoid(p, x):
    rows = lambda v, m: np.array([softmax(r) for r in v.reshape(m, 8)])
    W, a, b = rows(p[:64], 8), np.exp(clip(p[64:72], 6.9)), p[72:80]
    h = logit(W @ sigmoid(a * x + b))
    p = p[80:]
    W, a, b, U = rows(p[:8], 1), np.exp(clip(p[8:16], 6.9)), p[16:24], rows(p[24:], 8)
    return logit(W @ sigmoid(a * (U @ h) + b))[0]


def bernstein(p, x):
    n = 16
    steps = np.concatenate([[L(1) / n] * 2, (1 - L(4) / n) * (L(1) / 100 / 12 + L(99) / 100 * softmax(p)), [L(1) / n] * 2])
    alpha = -5 + 10 * np.concatenate([[L(0)], np.cumsum(steps)])
    t = (x + 5) / 10
    return sum(alpha[j] * math.comb(n, j) * t**j * (1 - t) ** (n - j) for j in range(n + 1))


def nodes(n):
    x, w = np.polynomial.legendre.leggauss(n)
    return (x.astype(L) + 1) / 2, w.astype(L) / 2


def integral(f, x, n=400):
    u, w = nodes(n)
    return x * (w * np.array([f(x * v) for v in u])).sum()


def sum_of_squares(p, x):
    a = p[1:].reshape(3, 4)
    eps = L(1) / 1000
    f = lambda u: eps + (1 - eps) / 3 * sum((1 + sum(a[k, j] * (u / 10) ** (j + 1) for j in range(4))) ** 2 for k in range(3))
    return p[0] + integral(f, x)


def unconstrained_monotone(p, x):
    w, b, v = clip(p[2:10], 2), p[10:18], p[18:]
    f = lambda u: np.exp(7 * np.tanh(((v * np.tanh(w * u + b)).sum() + p[1]) / 7))
    return p[0] + integral(f, x)


def linear_spline(p, x):
    h = 10 * (L(1) / 100 / 8 + L(99) / 100 * softmax(p))
    return np.interp(float(x), np.linspace(-5, 5, 9), (-5 + np.concatenate([[0], np.cumsum(h)])).astype(float))


def cubic_spline(p, x):
    share = lambda v: 10 * (L(1) / 100 / 8 + L(99) / 100 * softmax(v))
    w, h = share(p[:8]), share(p[8:16])
    X, Z, s = -5 + np.concatenate([[0], np.cumsum(w)]), -5 + np.concatenate([[0], np.cumsum(h)]), h / w
    e = sigmoid(clip(p[16:], 6.9)) * 3
    d = [e[0] * s[0]]
    for k in range(1, 8):
        P = (s[k - 1] * w[k] + s[k] * w[k - 1]) / (w[k - 1] + w[k])
        d.append(2 * min(s[k - 1], s[k], P / 2))
    d.append(e[1] * s[-1])
    k = np.searchsorted(X, x) - 1
    a = (d[k] + d[k + 1] - 2 * s[k]) / w[k] ** 2  # eq. 2 to 5 of the paper
    b = (3 * s[k] - 2 * d[k] - d[k + 1]) / w[k]
    u = x - X[k]
    return ((a * u + b) * u + d[k]) * u + Z[k]


for f, m in [(logistic_mixture, 24), (gaussian_mixture, 24), (deep_sigmoid, 48), (deep_dense_sigmoid, 168), (bernstein, 12),
             (sum_of_squares, 13), (unconstrained_monotone, 26), (linear_spline, 8), (cubic_spline, 18)]:
    p, row = params(m), []
    for x in xs:
        h = L("1e-2") if f is not gaussian_mixture else L("2e-2")
        if f is linear_spline:
            h = L("1e-3")
        g = lambda k: f(p, x + k * h)
        slope = (672 * (g(1) - g(-1)) - 168 * (g(2) - g(-2)) + 32 * (g(3) - g(-3)) - 3 * (g(4) - g(-4))) / (840 * h)
        row += ["%.10f" % f(p, x), "%.8f" % np.log(slope)]
    print(f.__name__, ", ".join(row))
