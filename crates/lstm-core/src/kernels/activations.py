"""Fits the polynomial of activations.rs: Remez' exchange algorithm for the least largest relative error.

    python3 activations.py        (needs numpy)
"""

import numpy as np

HALF_LN_2 = np.log(2) / 2 * 1.0005  # rounding k leaves r a little beyond ln 2 / 2


def remez(function, weight, powers):
    """Coefficients c that make max |weight · (Σ cᵢ·r^powersᵢ − function)| over |r| ≤ HALF_LN_2 smallest, and that error."""
    count = len(powers) + 1
    grid = HALF_LN_2 * np.cos(np.linspace(np.pi, 0, 20_000))
    points = HALF_LN_2 * np.cos(np.linspace(np.pi, 0, count))
    for _ in range(50):
        signs = (-1.0) ** np.arange(count) / weight(points)
        system = np.column_stack([points[:, None] ** powers, signs])
        *coefficients, level = np.linalg.solve(system, function(points))
        error = weight(grid) * (grid[:, None] ** powers @ coefficients - function(grid))
        # One extremum between each two changes of sign.
        runs = np.split(np.arange(len(grid)), np.flatnonzero(np.diff(np.sign(error))) + 1)
        extrema = [run[np.argmax(np.abs(error[run]))] for run in runs]
        if len(extrema) < count:
            break
        points = grid[extrema[:count]]
    return coefficients, np.abs(error).max()


def growth(r):
    """(eʳ − 1) / r, 1 at 0."""
    near = np.abs(r) < 1e-5
    return np.where(near, 1 + r / 2 + r * r / 6, np.expm1(r) / np.where(near, 1, r))


coefficients, error = remez(growth, lambda r: 1 / growth(r), np.arange(6))
print(f"(exp(r) - 1) / r: largest error {error * 2**23:.3f} ULP")
print(", ".join(f"{c:.9e}" for c in coefficients))
