"""Where the texts of a kind lie densest on a map."""

from __future__ import annotations

import numpy as np
import pandas as pd

SHARE = 0.5  # of a kind's texts lie within its outlines
FEWEST = 8  # texts of which there are outlines
_CELLS = 96  # of the grid, on a side
_BANDWIDTH = 0.5  # of Scott's, which is for one heap and would melt several into one
COLUMNS = ["panel", "value", "line", "at", "x", "y"]


def outlines(
    panel: str, places: np.ndarray, values: np.ndarray, extent: np.ndarray
) -> pd.DataFrame:
    """Lines around the densest places of each kind of texts, which hold SHARE of them.

    Args:
        panel: its key, for the frame.
        places: texts x 2.
        values: the kind of each text.
        extent: lowest and highest x, then y: [[x0, x1], [y0, y1]].

    Returns:
        COLUMNS: a row a corner of a line; `line` tells lines apart, `at` gives their order.
    """
    found = []
    kinds = pd.Series(np.asarray(values, dtype=str))
    for value, at in kinds.groupby(kinds, sort=True).groups.items():
        for i, line in enumerate(_lines(places[np.asarray(at)], extent)):
            frame = pd.DataFrame(line, columns=["x", "y"])
            name = f"{panel} {value} {i}"
            found.append(frame.assign(panel=panel, value=value, line=name, at=range(len(frame))))
    return pd.concat(found)[COLUMNS] if found else pd.DataFrame(columns=COLUMNS)


def _lines(places: np.ndarray, extent: np.ndarray) -> list[np.ndarray]:
    """Closed lines that hold SHARE of the places, the highest density first."""
    from contourpy import LineType, contour_generator
    from scipy.ndimage import gaussian_filter

    if len(places) < FEWEST:
        return []
    counts, xs, ys = np.histogram2d(places[:, 0], places[:, 1], bins=_CELLS, range=extent.tolist())
    cell = np.array([xs[1] - xs[0], ys[1] - ys[0]])
    width = _BANDWIDTH * len(places) ** (-1 / 6) * places.std(axis=0) / cell
    density = gaussian_filter(counts, np.maximum(width, 1.0), mode="constant")
    within = [
        np.clip(((places[:, i] - edges[0]) / cell[i]).astype(int), 0, _CELLS - 1)
        for i, edges in enumerate((xs, ys))
    ]
    level = np.quantile(density[within[0], within[1]], 1 - SHARE)
    # A rim of nothing closes lines at the edge of the grid.
    density = np.pad(density, 1)
    middles = [
        np.concatenate([[m[0] - size], m, [m[-1] + size]])
        for m, size in ((xs[:-1] + cell[0] / 2, cell[0]), (ys[:-1] + cell[1] / 2, cell[1]))
    ]
    of = contour_generator(x=middles[0], y=middles[1], z=density.T, line_type=LineType.Separate)
    return [np.asarray(line) for line in of.lines(level)]
