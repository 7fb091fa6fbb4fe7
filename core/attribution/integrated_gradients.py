"""Integrated gradients on token embeddings: the cheap alternative of the paper's limitations.

Sundararajan et al., Axiomatic attribution for deep networks, ICML 2017, computed by captum. The
baseline is the embedding of the mask token at each content token, so that base and output are those
of the other methods. A token's value is the sum over its embedding's units. What is not Shapley:
players do not join one after the other, they fade in together.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.attribution.game import Game
from core.attribution.result import Attribution
from core.models.classifier import Batch, Classifier

TOKENS_A_BATCH = 2048


def integrated_gradients(classifier: Classifier, game: Game, steps: int = 50) -> Attribution:
    """Values of the content tokens of one text for every class.

    They add up to output - base but for the error of the integral, which more steps make smaller;
    what is missing is not spread over the tokens.

    Args:
        steps: points of the Gauss-Legendre integral; each costs a forward and backward pass a
            class.
    """
    from captum.attr import LayerIntegratedGradients

    ids, masked = (torch.tensor(game.masked(np.full((1, game.size), x))) for x in (True, False))
    types = game.tokens.types
    type_ids = torch.tensor([types]) if types is not None else None
    device = classifier.device

    def forward(inputs: Tensor, token_types: Tensor | None) -> Tensor:
        return _probabilities(classifier, Batch(inputs, token_types, None))

    ids, masked = ids.to(device), masked.to(device)
    type_ids = type_ids.to(device) if type_ids is not None else None
    frozen = classifier.frozen_layers
    classifier.frozen_layers = 0  # gradients must reach the embeddings
    try:
        with torch.no_grad():
            base, output = (forward(x, type_ids)[0].cpu().double().numpy() for x in (masked, ids))
        method = LayerIntegratedGradients(forward, classifier.token_table)
        columns = []
        for c in range(len(base)):
            found = method.attribute(
                ids,
                baselines=masked,
                additional_forward_args=(type_ids,),
                target=c,
                n_steps=steps,
                method="gausslegendre",
                internal_batch_size=max(1, TOKENS_A_BATCH // len(game.tokens.ids)),
            )
            columns.append(found.sum(-1)[0, game.players].detach().cpu().double().numpy())
    finally:
        classifier.frozen_layers = frozen
    pieces = game.pieces
    return Attribution(
        method="integrated_gradients",
        tokens=tuple(pieces[i] for i in game.players),
        positions=game.players,
        words=tuple(game.words[i] for i in game.players),
        values=np.stack(columns, axis=1),
        errors=None,
        base=base,
        output=output,
        evaluations=2 + steps * len(base),
    )


def _probabilities(classifier: Classifier, batch: Batch) -> Tensor:
    return classifier(batch).logits.softmax(-1)
