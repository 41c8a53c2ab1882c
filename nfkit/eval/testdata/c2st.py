"""Prints the table of c2st_test.go: what scikit-learn makes of the same pairs of samples, in the recipe of sbibm.

    python3 c2st.py      # some minutes; Debian's python3-sklearn, 1.2.1
"""

import numpy as np
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neural_network import MLPClassifier

N = 10_000
# dim, shift of the first column, scale, bend of the last column
PAIRS = [
    (2, 0, 1, 0),
    (2, 0.25, 1, 0),
    (3, 0.5, 1, 0),
    (2, 0, 0.6, 0),
    (2, 0, 0.7, 0.5),
    (3, 0.5, 0.6, 0.5),
    (2, 1.5, 1, 0),
    (3, 1, 0.5, 0.5),
    (1, 2.5, 1, 0),
    (2, 3.3, 1, 0),
]


def uniforms(n, d, seed):
    """splitmix64"""
    z = np.uint64(seed) + np.arange(1, n * d + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (((z >> np.uint64(11)).astype(float) + 0.5) / 2.0**53).reshape(n, d)


def normals(n, d, seed):
    return np.sqrt(-2 * np.log(uniforms(n, d, seed))) * np.cos(2 * np.pi * uniforms(n, d, seed + 1))


for i, (d, shift, scale, bend) in enumerate(PAIRS):
    reference, w = normals(N, d, 4 * i), normals(N, d, 4 * i + 2)
    x = scale * w
    x[:, 0] += shift
    x[:, -1] += bend * (w[:, 0] ** 2 - 1)
    mean, sd = reference.mean(axis=0), reference.std(axis=0, ddof=1)
    data = np.concatenate([(reference - mean) / sd, (x - mean) / sd])
    target = np.concatenate([np.zeros(N), np.ones(N)])
    net = MLPClassifier(hidden_layer_sizes=(10 * d, 10 * d), max_iter=1000, random_state=1)
    scores = cross_val_score(net, data, target, cv=KFold(n_splits=5, shuffle=True, random_state=1))
    print(f"\t{{{d}, {shift}, {scale}, {bend}, {scores.mean():.4f}}},", flush=True)
