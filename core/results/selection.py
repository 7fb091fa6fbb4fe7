"""Which texts of the map stand out: languages, letters and a rectangle, as a list of test ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pandas as pd

from core.errors import InputError


@dataclass(frozen=True)
class Area:
    """A rectangle on one panel of the map; as a text, what stands in a link."""

    panel: str
    x: tuple[float, float]
    y: tuple[float, float]

    @classmethod
    def of(cls, panel: str, rectangle: Mapping[str, Sequence[float]]) -> Area | None:
        """From a chart's selection, lowest and highest value by axis; None without one."""
        if set(rectangle) != {"x", "y"}:
            return None
        ends = {k: (float(min(v)), float(max(v))) for k, v in rectangle.items()}
        return cls(panel, ends["x"], ends["y"])

    @classmethod
    def read(cls, text: str) -> Area:
        """From a link.

        Raises:
            InputError: it is no such text.
        """
        panel, _, numbers = text.partition(":")
        try:
            x0, x1, y0, y1 = map(float, numbers.split(","))
        except ValueError:
            raise InputError(
                f"area {text!r} of this link is no rectangle; expected a panel and four numbers, "
                "such as before:-1,2,0,3. Drag one on the map."
            ) from None
        return cls(panel, (min(x0, x1), max(x0, x1)), (min(y0, y1), max(y0, y1)))

    def __str__(self) -> str:
        return f"{self.panel}:" + ",".join(f"{end:.4g}" for end in (*self.x, *self.y))


@dataclass(frozen=True)
class Selection:
    """What texts have to be to stand out; all of it at once.

    Attributes:
        languages: one of these; any, where there is none.
        containing: these letters stand in the text, in whichever case.
        area: it lies in there.
        within: ids of texts, as of a slice; all, where there is none.
    """

    languages: tuple[str, ...] = ()
    containing: str = ""
    area: Area | None = None
    within: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked, so that no text stands out from others."""
        return not (self.languages or self.containing or self.area or self.within)

    def __str__(self) -> str:
        asked = [f"language {' or '.join(self.languages)}"] if self.languages else []
        asked += [f"holding {self.containing!r}"] if self.containing else []
        asked += ["in a rectangle of the latent space"] if self.area else []
        return ", ".join(asked)


def stands_out(frame: pd.DataFrame, selection: Selection) -> np.ndarray:
    """Which texts (bool) are what is asked; all, where nothing is.

    Args:
        frame: from `texts`.
    """
    kept = [np.ones(len(frame), dtype=bool)]
    if selection.languages:
        kept.append(frame["language"].isin(selection.languages).to_numpy())
    if selection.within:
        kept.append(frame["row"].isin(selection.within).to_numpy())
    if letters := selection.containing.lower():
        whole = reduce(
            lambda a, b: a + " " + b, (frame[c] for c in ("text", "text_b") if c in frame)
        )
        kept.append(np.array([letters in text.lower() for text in whole], dtype=bool))
    if area := selection.area:
        if f"x_{area.panel}" not in frame:
            return np.zeros(len(frame), dtype=bool)
        for axis, ends in (("x", area.x), ("y", area.y)):
            kept.append(frame[f"{axis}_{area.panel}"].between(*ends).to_numpy())
    return np.logical_and.reduce(kept)
