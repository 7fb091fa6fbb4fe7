"""Attribution: accuracy against CPU seconds, one thread, on runs of the demo study.

Run by hand after `make demo`: `python -m benchmarks.attribution [--texts N] [--json]`. The same
texts and the same three models (balanced, imbalanced, imbalanced with class weights, all of the
first seed) on each side:

- `released`: the paper's recipe, shap.Explainer on a transformers text-classification pipeline
  padded to the model's maximum (one text, one model);
- `stock`: shap's PartitionExplainer on token ids at its defaults, transformers' forward pass;
- `partition`: the same values from the pool;
- `default`: `gaussian_process` as it is by default; `budgets` has it at fixed budgets;
- `oddshap` and `shapleig`: its nearest relatives, from shapiq (benchmarks/relatives.py). OddSHAP at
  several budgets and at the evaluations that the default spent on each text; ShaplEIG on some texts
  and the balanced model, each class with as many evaluations as the default spent on all.

`equal_evaluations`, `equal_seconds` and `equal_error` read both methods' curves over budgets of
OddSHAP and of the default: the error at the same cost, the cost at the same error.
shap's partition computes Owen values, another target: `mae` is against Shapley values like the
others', `mae_own_limit` against its own untruncated values, and `owen_to_shapley` says how far the
two targets are apart. Intervals are over texts (2,000 resamples, 95 %), of errors and of their
ratios to the default's; CPU seconds are of all texts together and have none.

The reference is unbiased and converged: antithetic permutations of what a Gaussian process at 8
coalitions a token leaves unexplained, added to its values; kept in the cache folder. Errors are of
tokens x classes x models, in units of probability x 1000. `group_sums` is the mean absolute error
of the cumulative differences (text x class x group, imbalanced - balanced, groups by the method's
own values), `group_bias` the mean signed error of the positive and the negative group.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import shap
import torch
from scipy.stats import pearsonr
from threadpoolctl import threadpool_limits
from transformers import pipeline
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.utils import logging

from benchmarks.relatives import beside
from benchmarks.scores import Values, accuracy, by_length, cpu_seconds, ratio
from core.attribution import kernel
from core.attribution.coalitions import design
from core.attribution.estimate import Asking, Estimate
from core.attribution.explain import explain, group
from core.attribution.game import Game, games
from core.attribution.gaussian_process import learn
from core.attribution.permutation import permutation
from core.attribution.pool import answer
from core.checkpoints import run_folders, studies
from core.models.classifier import Classifier
from core.models.imported import open_model
from core.models.session import Session
from core.sampling.subsets import rows_of, subset
from core.storage.places import cache_dir

SETUPS = ("balanced", "imbalanced", "imbalanced+cw")
REFERENCE_BUDGET = 96  # permuted evaluations a token
BUDGETS = (2, 4, 8, 16)


def load(name: str, n: int) -> tuple[dict[str, Classifier], list[Game], list[str]]:
    """The models by setup, and texts of all languages in turn, short and long."""
    session = Session()
    members = sorted(studies.read_started(name).members, key=lambda m: -m.seed)
    runs = {m.setup: m.run for m in members if m.setup in SETUPS}
    configs = {setup: run_folders.read_config(runs[setup]) for setup in SETUPS}
    models = {s: open_model(run_folders.folder(runs[s]) / "model", configs[s]) for s in SETUPS}
    config = configs["balanced"]
    corpus = session.corpus(config)
    table = rows_of(corpus, subset(config, corpus, "test")).to_pandas()
    tokenizer = models["balanced"].tokenizer
    # shap does not cut texts at the recipe's maximum: only texts that need no cutting are compared.
    whole = games(tokenizer, table["text"].tolist(), None, 512)
    table = table[[len(g.tokens.ids) <= config.training.max_length for g in whole]]
    rng = np.random.default_rng(0)
    texts: list[str] = []
    for i in range(n):
        language = config.languages[i % len(config.languages)]
        own = table.loc[table["language"] == language, "text"]
        texts.append(str(own.iloc[int(rng.integers(len(own)))]))
    given = games(tokenizer, texts, None, config.training.max_length)
    return {s: m.eval() for s, m in models.items()}, given, texts


def ours(
    models: dict[str, Classifier],
    given: Sequence[Game],
    method: str,
    budget: int | None,
    tolerance: float | None = None,
) -> tuple[Values, dict[str, Any]]:
    """Values of the content tokens by one of our methods, and its cost a text and model."""
    with cpu_seconds() as seconds:
        found = dict(explain(models, given, method, budget, tolerance=tolerance))
        spent = seconds()
    own = [[found[i][s] for s in SETUPS] for i in range(len(given))]
    values = [
        [a.values[g.players] if method == "partition" else a.values for a in row]
        for row, g in zip(own, given, strict=True)
    ]
    evaluations = np.array([[a.evaluations for a in row] for row in own])
    tokens = np.array([g.size for g in given])
    cost: dict[str, Any] = {
        "cpu_seconds": spent / evaluations.size,
        "evaluations": float(evaluations.mean()),
        "evaluations_per_token": float(evaluations.sum() / tokens.sum() / len(SETUPS)),
        "evaluations_of_texts": evaluations.mean(axis=1).tolist(),
    }
    errors = [a.errors.ravel() for row in own for a in row if a.errors is not None]
    if len(errors) == evaluations.size:
        cost["standard_error"] = float(1000 * np.sqrt((np.concatenate(errors) ** 2).mean()))
    return values, cost


def converged(players: int, evaluations: int) -> Asking:
    """Unbiased values: those of a surrogate, and permutations of what it leaves.

    The surrogate is an odd function; the even part of the game cancels between an order and its
    reverse, so that what is left to the permutations is small.
    """
    if players < 2:
        return (yield from permutation(players, evaluations))
    new = design(players, 8 * players)
    answers = yield np.concatenate([np.ones((1, players)), new, -np.ones((1, players)), -new]) > 0
    x = np.concatenate([np.ones((1, players)), new])
    g = (answers[: len(x)] - answers[len(x) :]) / 2
    t, _, weights = learn(x, g)
    left = permutation(players, evaluations, seed=1)
    wanted = next(left)
    while True:
        answers = yield wanted
        signs = np.where(wanted, 1.0, -1.0)
        try:
            wanted = left.send(answers - kernel.covariance(signs, x, t) @ weights)
        except StopIteration as stopped:
            values = stopped.value.values + kernel.shapley_covariance(x, t) @ weights
            return Estimate(values, stopped.value.errors)


def reference(models: dict[str, Classifier], given: Sequence[Game]) -> tuple[Values, float]:
    """Converged values, and their mean standard error; computed once and kept."""
    digest = hashlib.sha256(repr([g.tokens for g in given]).encode())
    for model in models.values():
        digest.update(model.model.classifier.weight.detach().numpy().tobytes())
    path = (
        cache_dir() / "benchmarks" / f"shapley-2-{REFERENCE_BUDGET}-{digest.hexdigest()[:16]}.npz"
    )
    if not path.exists():
        arrays = {}
        for number, found in answer(
            group(models),
            given,
            lambda i: converged(given[i].size, REFERENCE_BUDGET * given[i].size),
        ):
            for setup, done in found.items():
                arrays[f"{number} {setup}"] = done.estimate.values
                arrays[f"{number} {setup} error"] = done.estimate.errors
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)
    kept = np.load(path)
    values = [[kept[f"{i} {s}"] for s in SETUPS] for i in range(len(given))]
    errors = [kept[f"{i} {s} error"].ravel() for i in range(len(given)) for s in SETUPS]
    return values, float(np.concatenate(errors).mean())


def stock(
    models: dict[str, Classifier], given: Sequence[Game], texts: Sequence[str], evaluations: int
) -> tuple[Values, dict[str, Any]]:
    """shap's PartitionExplainer on token ids, one text and model after the other."""
    tokenizer = models["balanced"].tokenizer
    masker = shap.maskers.Text(tokenizer, collapse_mask_token=False, output_type="token_ids")
    asked = 0

    def predict(setup: str) -> Callable[[Any], np.ndarray]:
        def answer(inputs: Any) -> np.ndarray:
            nonlocal asked
            ids = torch.tensor(np.array(list(inputs)).astype(np.int64))
            asked += len(ids)
            with torch.inference_mode():
                logits = models[setup].model(input_ids=ids).logits[:, 0]
                return np.asarray(logits.softmax(-1).numpy())

        return answer

    explainers = {s: shap.PartitionExplainer(predict(s), masker) for s in SETUPS}
    explainers["balanced"]([texts[0][:5]], silent=True)  # numba compiles
    asked = 0
    np.random.seed(0)
    values: Values = []
    with cpu_seconds() as seconds:
        for text, game in zip(texts, given, strict=True):
            found = [explainers[s]([text], max_evals=evaluations, silent=True) for s in SETUPS]
            assert all(len(f.values[0]) == len(game.tokens.ids) for f in found)
            values.append([f.values[0][game.players] for f in found])
        spent = seconds()
    n = len(texts) * len(SETUPS)
    return values, {"cpu_seconds": spent / n, "evaluations": asked / n}


def released(
    models: dict[str, Classifier], game: Game, text: str
) -> tuple[np.ndarray | None, dict[str, Any]]:
    """The paper's recipe for one text and the balanced model.

    Returns:
        Values of the content tokens; None where shap cuts the text into other tokens.
    """
    model, tokenizer = models["balanced"].model, models["balanced"].tokenizer
    plain, rows = model.forward, 0

    def forward(**inputs: Any) -> SequenceClassifierOutput:
        nonlocal rows
        rows += len(inputs["input_ids"])
        return SequenceClassifierOutput(logits=plain(**inputs).logits[:, 0])

    model.forward = forward
    try:
        classify = pipeline(
            "text-classification",
            model=model,
            tokenizer=tokenizer,
            top_k=None,
            padding="max_length",
            truncation=True,
            max_length=min(512, tokenizer.model_max_length),
            device="cpu",
        )
        explainer = shap.Explainer(classify)
        with cpu_seconds() as seconds:
            found = explainer([text], silent=True)
            spent = seconds()
    finally:
        model.forward = plain
    order = [
        found.output_names.index(model.config.id2label[i])
        for i in range(len(model.config.id2label))
    ]
    values = np.asarray(found.values[0])[:, order]
    same = len(values) == len(game.tokens.ids)
    cost = {"cpu_seconds": spent, "evaluations": rows, "texts": 1, "models": 1}
    return (values[game.players] if same else None), cost


def matmul_peak() -> float:
    """GFLOP a CPU second of large float32 matrix products, the best of ten."""
    a = torch.randn(1024, 1024)
    best = 0.0
    for _ in range(10):
        with cpu_seconds() as seconds:
            for _ in range(5):
                torch.mm(a, a)
            best = max(best, 5 * 2 * 1024**3 / seconds() / 1e9)
    return best


def work(models: dict[str, Classifier], given: Sequence[Game], evaluations: Sequence[int]) -> float:
    """GFLOP of the layers' matrix products that the pool needs for these evaluations."""
    config: Any = models["balanced"].model.config
    h, f, n = config.hidden_size, config.intermediate_size, config.num_hidden_layers
    frozen = models["balanced"].frozen_layers
    total = 0.0
    for game, rows in zip(given, evaluations, strict=True):
        tokens = len(game.tokens.ids)
        layer = 2 * tokens * (4 * h * h + 2 * h * f) + 4 * tokens * tokens * h
        last = 2 * (tokens * 2 * h * h + 2 * h * h + 2 * h * f) + 4 * tokens * h
        total += rows * (frozen * layer + len(models) * ((n - frozen - 1) * layer + last))
    return total / 1e9


def measure(name: str, n: int, with_released: bool, n_shapleig: int) -> dict[str, Any]:
    """All sides on n texts."""
    models, given, texts = load(name, n)
    truth, error = reference(models, given)
    document: dict[str, Any] = {
        "texts": n,
        "models": len(models),
        "tokens": [g.size for g in given],
        "reference": {"evaluations_per_token": REFERENCE_BUDGET, "standard_error": 1000 * error},
    }
    peak = matmul_peak()
    default, cost = ours(models, given, "gaussian_process", None)
    spent = [round(x) for x in cost["evaluations_of_texts"]]
    share = work(models, given, spent) / (cost["cpu_seconds"] * n * len(models)) / peak
    document["default"] = cost | accuracy(default, truth) | {"share_of_peak": share}
    document["matmul_peak_gflops"] = peak
    document["budgets"] = {}
    for budget in BUDGETS:
        values, cost = ours(models, given, "gaussian_process", budget)
        document["budgets"][str(budget)] = cost | accuracy(values, truth)
    values, cost = ours(models, given, "permutation", 4)
    document["permutation"] = cost | accuracy(values, truth)
    compared = {"permutation": values}
    of_relatives, of_their_values = beside(
        models, given, truth, document, default, spent, n_shapleig
    )
    document |= of_relatives
    compared |= of_their_values
    limit, _ = ours(models, given, "partition", 10**9)
    document["owen_to_shapley"] = accuracy(limit, truth)
    for side in ("partition", "stock"):
        values, cost = (
            ours(models, given, "partition", None)
            if side == "partition"
            else stock(models, given, texts, 500)
        )
        own = accuracy(values, limit)
        document[side] = cost | accuracy(values, truth)
        document[side] |= {f"{k}_own_limit": own[k] for k in ("mae", "mae_ci", "correlation")}
        compared[side] = values
    document["by_length"] = by_length(given, truth, {"default": default, "stock": values})
    if with_released:
        shortest = int(np.argsort([g.size for g in given])[len(given) // 2])
        found, cost = released(models, given[shortest], texts[shortest])
        document["released"] = cost | {"tokens": given[shortest].size}
        if found is not None:
            expected = truth[shortest][0]
            document["released"] |= {
                "correlation": float(pearsonr(found.ravel(), expected.ravel()).statistic),
                "mae": float(1000 * np.abs(found - expected).mean()),
            }
    names = [x for x in ("released", "stock", "partition") if x in document]
    document["ratio_to_default"] = {
        x: document[x]["cpu_seconds"] / document["default"]["cpu_seconds"] for x in names
    }
    document["error_to_default"] = {x: ratio(v, default, truth) for x, v in compared.items()}
    document["partition_to_stock"] = (
        document["partition"]["cpu_seconds"] / document["stock"]["cpu_seconds"]
    )
    return document


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--study", default="demo", help="a started study (%(default)s)")
    parser.add_argument("--texts", type=int, default=8, help="number of texts (%(default)s)")
    parser.add_argument(
        "--without-released", action="store_true", help="leave the slowest side out"
    )
    parser.add_argument(
        "--shapleig", type=int, default=2, metavar="N", help="texts for ShaplEIG (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    chosen = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        document = measure(chosen.study, chosen.texts, not chosen.without_released, chosen.shapleig)
    if chosen.json:
        print(json.dumps(document, indent=1))
        return
    tokens = document["tokens"]
    print(f"{document['texts']} texts of {min(tokens)} to {max(tokens)} tokens")
    print(f"{'':<22}{'CPU s':>9}{'rows':>7}{'r':>7}{'mae':>7}{'sums':>7}   x 1000")
    rows = {"default": document["default"]}
    rows |= {f"  at {k} a token": v for k, v in document["budgets"].items()}
    rows |= {"oddshap": document["oddshap"]}
    rows |= {f"  at {k} a token ": v for k, v in rows["oddshap"].get("budgets", {}).items()}
    others = ("shapleig", "permutation", "partition", "stock", "released")
    rows |= {k: document[k] for k in others if k in document}
    for label, row in rows.items():
        if "missing" in row:
            print(f"{label:<22}{row['missing']}")
            continue
        cells = [row.get(k, float("nan")) for k in ("correlation", "mae", "group_sums")]
        print(
            f"{label:<22}{row['cpu_seconds']:9.2f}{row['evaluations']:7.0f}"
            f"{cells[0]:7.3f}{cells[1]:7.1f}{cells[2]:7.1f}"
        )
    keys = ("ratio_to_default", "error_to_default", "by_length")
    print(json.dumps({k: document[k] for k in keys}, indent=1))
    share, peak = document["default"]["share_of_peak"], document["matmul_peak_gflops"]
    print(f"default runs at {share:.0%} of the matrix-multiplication peak of {peak:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
