"""Our `partition` against shap's PartitionExplainer, text by text, in float32.

Run by hand after `make demo`: `python -m benchmarks.partition [--texts 60] [--json]`. Texts of all
languages of the demo study, single and joined as pairs, explained by its balanced model with the
same seed for ties. Values of texts that the budget does not truncate must be equal to 1e-6; where
it does, float32 rounding may change the order of evaluation, which is counted, not judged.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np
import shap
import torch
from threadpoolctl import threadpool_limits
from transformers.utils import logging

from benchmarks.attribution import load
from core.attribution.explain import explain
from core.attribution.game import Game, games
from core.models.classifier import Batch, Classifier
from tests.attribution.test_partition import PairMasker

EVALUATIONS = 500
EQUAL = 1e-6


def theirs(model: Classifier, game: Game, seed: int) -> tuple[np.ndarray, int]:
    """shap's values of all tokens, and how many inputs it asked for."""
    types, asked = game.tokens.types, 0

    def predict(inputs: Any) -> np.ndarray:
        nonlocal asked
        ids = torch.tensor(np.array(list(inputs)).astype(np.int64))
        asked += len(ids)
        given = torch.tensor([types] * len(ids)) if types is not None else None
        with torch.inference_mode():
            return np.asarray(model(Batch(ids, given, None)).logits.softmax(-1).numpy())

    explainer = shap.PartitionExplainer(predict, PairMasker(model.tokenizer, game))
    np.random.seed(seed)
    found = explainer(["\t".join(game.texts)], max_evals=EVALUATIONS, batch_size=5, silent=True)
    return found.values[0], asked


def measure(name: str, n: int) -> dict[str, Any]:
    """Largest differences on n texts, every other one a pair."""
    models, _, texts = load(name, 2 * n)
    model = models["balanced"]
    given: list[Game] = []
    for i in range(n):
        second = [texts[n + i]] if i % 2 else None
        given += games(model.tokenizer, [texts[i]], second, 512)
    ours = dict(explain({"balanced": model}, given, "partition", EVALUATIONS, seed=0))
    whole: list[float] = []
    truncated: list[float] = []
    for i, game in enumerate(given):
        values, asked = theirs(model, game, seed=0)
        gap = float(np.abs(values - ours[i]["balanced"].values).max())
        (truncated if asked >= EVALUATIONS else whole).append(gap)
    return {
        "texts": n,
        "pairs": n // 2,
        "not_truncated": len(whole),
        "largest_difference": max(whole, default=0.0),
        "truncated": len(truncated),
        "truncated_equal": sum(gap <= EQUAL for gap in truncated),
        "largest_difference_truncated": max(truncated, default=0.0),
        "equal": all(gap <= EQUAL for gap in whole),
    }


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--study", default="demo", help="a started study (%(default)s)")
    parser.add_argument("--texts", type=int, default=60, help="number of texts (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    chosen = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        document = measure(chosen.study, chosen.texts)
    if chosen.json:
        print(json.dumps(document, indent=1))
        return
    for key, value in document.items():
        print(f"{key:<30}{value}")


if __name__ == "__main__":
    main()
