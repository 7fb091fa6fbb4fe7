"""CLS vectors of test texts from the encoder before fine-tuning, as the runs have them after."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.config import RunConfig
from core.errors import InputError
from core.models.classifier import best_device, build
from core.models.prediction import encode, predict
from core.models.session import Session
from core.sampling.subsets import rows_of


def vectors(config: RunConfig, rows: list[str], session: Session) -> np.ndarray:
    """Texts x dimension, in the order of the rows.

    Raises:
        InputError: the corpus or the encoder is gone, or another than the run was made from.
    """
    recipe = config.training
    part = rows_of(session.corpus(config), rows)
    in_order = pd.Index(part["row"].to_pylist()).get_indexer(pd.Index(rows))
    if (in_order < 0).any():
        raise InputError(
            f"{(in_order < 0).sum()} of {len(rows)} test rows are not in corpus {config.corpus}; "
            "bring the old file back, or start the study again."
        )
    classifier = build(session.encoder(config), config.labels, frozen_layers=recipe.frozen_layers)
    classifier.to(best_device())
    tokens = encode(classifier, part, recipe.max_length, recipe.prefix)
    hidden = session.states(config).get(classifier, tokens)
    found: np.ndarray = predict(classifier, tokens, hidden)[1][in_order]
    return found
