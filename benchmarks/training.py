"""Training speed against the transformers Trainer: real tokens per CPU second, one thread.

Run by hand: `python -m benchmarks.training [--json]`. The same model, rows, batch and optimiser
steps on each side: our recipe; the Trainer at its defaults with padding to the maximum; the same
with dynamic padding. Their model is transformers' own forward pass with the full vocabulary, and
the same one linear layer on CLS. Two regimes: the paper's recipe, 16 rows x 8 accumulated, and an
optimiser step after each 16 rows, where the update of the 96 million token embeddings weighs more.

Timed is the training loop alone after a first step that warms up (CPU seconds of the process, so
that other work on the machine counts little); padding does not count as tokens. Losses are compared
step by step in a run without dropout over rows in the same order. What bounds the ratios is the
peak of this CPU in matrix multiplication, measured beside each side: `at_peak` is the ratio if our
side did nothing but its multiplications, and those at the peak.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.utils import logging

from core.config import Recipe
from core.corpora.corpus import Corpus, load
from core.models.classifier import Classifier, build
from core.models.encoder import Encoder
from core.models.encoder import load as load_encoder
from core.models.hub import EMBEDDED
from core.models.tokens import Tokens, tokenise
from core.training.batches import Collator, Examples, Indices, StepSampler
from core.training.trainer import RunTrainer

BATCH = 16
LABELS = ("negative", "neutral", "positive")


class Plain(nn.Module):
    """transformers' forward pass and the mean cross-entropy of a micro-batch."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> dict[str, Any]:
        """Loss and logits of a padded micro-batch."""
        logits = self.model(input_ids=input_ids, attention_mask=attention_mask).logits[:, 0]
        return {"loss": nn.functional.cross_entropy(logits, labels), "logits": logits}


class Clock(TrainerCallback):
    """CPU seconds from the end of the first step to the last, and each step's loss."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_step_end(self, _: Any, state: TrainerState, *__: Any, **___: Any) -> None:
        """Start."""
        if state.global_step == 1:
            self.started = time.process_time()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Stop."""
        self.seconds = time.process_time() - self.started

    def on_log(self, *_: Any, logs: dict[str, float] | None = None, **__: Any) -> None:
        """Keep the loss."""
        if logs and "loss" in logs:
            self.losses.append(logs["loss"])


def arguments(folder: str, steps: int, accumulation: int, **more: Any) -> TrainingArguments:
    """What both sides share; the rest is the Trainer's default."""
    return TrainingArguments(
        output_dir=folder,
        max_steps=steps,
        per_device_train_batch_size=BATCH,
        gradient_accumulation_steps=accumulation,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        **more,
    )


def run_theirs(
    model: Any,
    tokens: list[Tokens],
    labels: np.ndarray,
    pad: int,
    maximum: int | None,
    steps: int,
    accumulation: int,
) -> Clock:
    """Train with the transformers Trainer.

    Args:
        maximum: pad to so many tokens; None to the longest of a micro-batch.
    """

    def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
        longest = maximum or max(len(r["ids"]) for r in rows)
        ids = torch.full((len(rows), longest), pad)
        for i, r in enumerate(rows):
            ids[i, : len(r["ids"])] = torch.tensor(r["ids"])
        lengths = torch.tensor([len(r["ids"]) for r in rows])
        mask = (torch.arange(longest)[None] < lengths[:, None]).long()
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "labels": torch.tensor([r["label"] for r in rows]),
        }

    rows = [{"ids": t.ids, "label": int(x)} for t, x in zip(tokens, labels, strict=True)]
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=Plain(model),
            args=arguments(folder, steps, accumulation, train_sampling_strategy="sequential"),
            train_dataset=rows,
            data_collator=collate,
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return clock


def run_ours(
    classifier: Classifier, tokens: list[Tokens], labels: np.ndarray, recipe: Recipe, steps: int
) -> Clock:
    """Train with our Trainer, without validation and checkpoints, which the others lack too."""
    examples = Examples(tokens, labels, np.ones(len(labels), dtype=np.float32))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = RunTrainer(
            recipe,
            examples,
            0,
            False,
            model=classifier,
            args=arguments(folder, steps, recipe.accumulation, label_names=["labels"]),
            train_dataset=Indices(len(labels)),
            data_collator=Collator(classifier, examples, examples),
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return clock


def no_dropout(module: nn.Module) -> None:
    """Switch dropout off for good."""
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0


def texts_of(corpus: Corpus, maximum: int, n: int) -> tuple[list[str], np.ndarray]:
    """n texts and labels; beyond 64 tokens, neighbouring sentences of a language are joined."""
    rng = np.random.default_rng(0)
    rows = corpus.table.select(["text", "label", "language"]).to_pandas()
    rows = rows[rows["language"].isin(corpus.languages)]
    take = rng.permutation(len(rows) - 8)[:n]
    joined = 1 if maximum <= 64 else 3
    texts = [" ".join(rows["text"].iloc[i : i + joined * 6 : 6]) for i in take]
    return texts, np.array([LABELS.index(x) for x in rows["label"].iloc[take]])


def peak() -> float:
    """Multiplications and additions a CPU second (1e9) in the largest product of a layer."""
    x, weight = torch.randn(1024, 384), torch.randn(1536, 384)
    times = []
    for _ in range(60):
        started = time.process_time()
        nn.functional.linear(x, weight)
        times.append(time.process_time() - started)
    return 2 * x.numel() * len(weight) / float(np.median(times)) / 1e9


def operations(model: Any, tokens: int) -> float:
    """Least operations (1e9) of linear layers for so many tokens, forward and backward.

    Two a weight and token, three times; of the last layer, keys and values only.
    """
    layers = model.base_model.encoder.layer
    weights = sum(p.numel() for p in layers[:-1].parameters() if p.ndim == 2)
    last = layers[-1].attention.self
    weights += last.key.weight.numel() + last.value.weight.numel()
    return 6 * weights * tokens / 1e9


def compare(corpus: Corpus, maximum: int, accumulation: int, steps: int) -> dict[str, Any]:
    """One setting: tokens per CPU second of each side, ratios, and the largest loss difference."""
    rows_a_step = BATCH * accumulation
    texts, labels = texts_of(corpus, maximum, (steps + 1) * rows_a_step)
    encoders: dict[str, Encoder] = {
        name: load_encoder(EMBEDDED, corpus, trimmed=name == "trimmed")
        for name in ("trimmed", "full")
    }
    tokens = {name: tokenise(e.tokenizer, texts, None, maximum) for name, e in encoders.items()}
    pad = encoders["full"].tokenizer.pad_token_id
    lengths = [len(t.ids) for t in tokens["trimmed"]]
    # Our sampler's order, given to the other side: as it is to compare losses; for the clock with
    # each step's rows in random order, which is what their own sampler would draw.
    order = list(StepSampler(lengths, rows_a_step, 0))
    rng = np.random.default_rng(1)
    shuffled = [
        i
        for start in range(0, len(order), rows_a_step)
        for i in rng.permutation(order[start : start + rows_a_step]).tolist()
    ]
    real = sum(lengths[i] for i in order[rows_a_step:])
    recipe = Recipe(
        batch_size=BATCH,
        accumulation=accumulation,
        max_length=maximum,
        learning_rate=5e-5,
        head_learning_rate=5e-5,
    )

    def theirs(longest: int | None, rows: list[int], dropout: bool = True) -> Clock:
        set_seed(0)
        model = build(encoders["full"], LABELS).model
        if not dropout:
            no_dropout(model)
        chosen = [tokens["full"][i] for i in rows]
        n = len(rows) // rows_a_step
        return run_theirs(model, chosen, labels[rows], pad, longest, n, accumulation)

    def ours(dropout: bool = True) -> Clock:
        set_seed(0)
        classifier = build(encoders["trimmed"], LABELS)
        if not dropout:
            no_dropout(classifier)
        return run_ours(classifier, tokens["trimmed"], labels, recipe, steps + 1)

    sides: dict[str, Callable[[], Clock]] = {
        "ours": ours,
        "dynamic_padding": lambda: theirs(None, shuffled),
        "padded_to_maximum": lambda: theirs(maximum, shuffled),
    }
    found: dict[str, Any] = {}
    work = operations(encoders["full"].model, real)
    for name, run in sides.items():
        before = peak()
        seconds = run().seconds
        gflops = (before + peak()) / 2
        found[name] = {
            "cpu_seconds": seconds,
            "tokens_per_cpu_second": real / seconds,
            "matmul_peak_gflops": gflops,
            "share_of_peak": work / seconds / gflops,
        }
        if name != "ours":
            found[name]["ratio"] = seconds / found["ours"]["cpu_seconds"]
            found[name]["at_peak"] = seconds * gflops / work
    pair = ours(dropout=False).losses, theirs(None, order, dropout=False).losses
    found["loss_difference"] = float(np.abs(np.subtract(*pair)).max())
    found["mean_tokens"] = float(np.mean(lengths))
    found["share_truncated"] = float(np.mean(np.array(lengths) == maximum))
    return found


def main() -> None:
    """Print the comparison at 64 and 128 tokens, with and without accumulation."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--batches", type=int, default=8, help="micro-batches timed a setting (%(default)s)"
    )
    parser.add_argument("--lengths", default="64,128", help="maximum tokens (%(default)s)")
    parser.add_argument(
        "--accumulation", default="8,1", help="micro-batches of 16 a step (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    chosen = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    corpus = load("multiemo")
    document = {
        length: {
            f"{BATCH} x {accumulation}": compare(
                corpus,
                int(length),
                int(accumulation),
                max(1, chosen.batches // int(accumulation)),
            )
            for accumulation in chosen.accumulation.split(",")
        }
        for length in chosen.lengths.split(",")
    }
    if chosen.json:
        print(json.dumps(document, indent=1))
        return
    for length, regimes in document.items():
        for regime, found in regimes.items():
            print(
                f"{length} tokens at most, mean {found['mean_tokens']:.1f}, "
                f"{found['share_truncated']:.0%} truncated, {regime} rows a step; losses differ by "
                f"up to {found['loss_difference']:.1e}"
            )
            for name in ("ours", "dynamic_padding", "padded_to_maximum"):
                row = found[name]
                ratio = ""
                if "ratio" in row:
                    ratio = f"  ratio {row['ratio']:.2f} (at peak {row['at_peak']:.2f})"
                print(
                    f"  {name:<20}{row['tokens_per_cpu_second']:6.0f} tokens/CPU second, "
                    f"{row['share_of_peak']:.0%} of {row['matmul_peak_gflops']:.0f} GFLOP/s{ratio}"
                )


if __name__ == "__main__":
    main()
