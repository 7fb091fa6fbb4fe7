"""Gradient reversal of a language head: footnote 2's second attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.mitigation.scheme import Scheme

if TYPE_CHECKING:
    from torch import Tensor

STRENGTH = 1.0

SCHEME = Scheme(
    title="gradient reversal of a language head",
    source="Jung and van der Plas 2024, footnote 2; Ganin et al. 2016, equation 15",
    about="a linear head learns to tell the language from the CLS vector, and its gradient is "
    "turned round before the encoder",
    stage="loss",
    rank=6,
    settings={"strength": STRENGTH},
)


def language_loss(features: Tensor, weight: Tensor, bias: Tensor, languages: Tensor) -> Tensor:
    """Cross-entropy of the head, summed over rows; in `features` its gradient is turned."""
    turned = (1 + STRENGTH) * features.detach() - STRENGTH * features
    told = (turned @ weight.T + bias).log_softmax(-1)
    return -told.gather(1, languages[:, None]).sum()
