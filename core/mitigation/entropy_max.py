"""Entropy maximisation of a language head: footnote 2's first attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.mitigation.scheme import Scheme

if TYPE_CHECKING:
    from torch import Tensor

STRENGTH = 1.0

SCHEME = Scheme(
    title="entropy maximisation of a language head",
    source="Jung and van der Plas 2024, footnote 2; after Tzeng et al. 2015, domain confusion",
    about="a linear head learns to tell the language from the CLS vector, and the encoder to make "
    "it unsure",
    stage="loss",
    rank=6,
    settings={"strength": STRENGTH},
)


def language_loss(features: Tensor, weight: Tensor, bias: Tensor, languages: Tensor) -> Tensor:
    """Cross-entropy of the head on the vectors as they are, minus the entropy that they leave it.

    The first trains the head alone, the second the encoder alone.
    """
    told = (features.detach() @ weight.T + bias).log_softmax(-1)
    left = (features @ weight.detach().T + bias.detach()).log_softmax(-1)
    entropy = -(left.exp() * left).sum()
    return -told.gather(1, languages[:, None]).sum() - STRENGTH * entropy
