"""Focal loss: texts that are told well count less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.mitigation.scheme import Scheme

if TYPE_CHECKING:
    from torch import Tensor

GAMMA = 2.0

SCHEME = Scheme(
    title="focal loss",
    source="Lin et al. 2017, equation 4, without its alpha",
    about="(1 - p)^2 times the cross-entropy: a text that is told well counts less, whatever its "
    "language",
    stage="loss",
    rank=2,
    settings={"gamma": GAMMA},
)


def reshaped(losses: Tensor) -> Tensor:
    """(1 - p)^gamma times the cross-entropy -log p (rows)."""
    # 1 - p from below: of a text that is told for sure it rounds to 0, where a power's gradient
    # would be asked for.
    return (1 - (-losses).exp()).clamp(min=1e-7) ** GAMMA * losses
