"""Training speed against the transformers Trainer: real tokens per CPU second, one thread.

Run by hand: `python -m benchmarks.training [--json]`. The same model, rows, batch (16 x 8) and
optimiser steps on each side: our recipe; the Trainer at its defaults with padding to the maximum;
the same with dynamic padding. Their model is transformers' own forward pass with the full
vocabulary, and the same one linear layer on CLS. Timed is the training loop alone (CPU seconds of
the process, so that other work on the machine counts little); padding does not count as tokens.
Losses are compared step by step in a run without dropout over rows in the same order.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments, set_seed
from transformers.utils import logging

from core.classifier import Classifier, Tokens, build, tokenise
from core.corpus import Corpus, load
from core.encoder import EMBEDDED, Encoder
from core.encoder import load as load_encoder
from core.recipe import Recipe
from core.training import Examples, StepSampler, _Collator, _Indices, _Trainer

BATCH, ACCUMULATION = 16, 8
ROWS_A_STEP = BATCH * ACCUMULATION
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
    """CPU seconds from the first step to the last, and each step's loss."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Start."""
        self.started = time.process_time()

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Stop."""
        self.seconds = time.process_time() - self.started

    def on_log(self, *_: Any, logs: dict[str, float] | None = None, **__: Any) -> None:
        """Keep the loss."""
        if logs and "loss" in logs:
            self.losses.append(logs["loss"])


def arguments(folder: str, steps: int, **more: Any) -> TrainingArguments:
    """What both sides share; the rest is the Trainer's default."""
    return TrainingArguments(
        output_dir=folder,
        max_steps=steps,
        per_device_train_batch_size=BATCH,
        gradient_accumulation_steps=ACCUMULATION,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        **more,
    )


def run_theirs(
    model: Any, tokens: list[Tokens], labels: np.ndarray, pad: int, maximum: int | None, steps: int
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
            args=arguments(folder, steps, train_sampling_strategy="sequential"),
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
        trainer = _Trainer(
            recipe,
            examples,
            0,
            False,
            model=classifier,
            args=arguments(folder, steps, label_names=["labels"]),
            train_dataset=_Indices(len(labels)),
            data_collator=_Collator(classifier, examples, examples),
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


def compare(corpus: Corpus, maximum: int, steps: int) -> dict[str, Any]:
    """One setting: tokens per CPU second of each side, ratios, and the largest loss difference."""
    texts, labels = texts_of(corpus, maximum, steps * ROWS_A_STEP)
    encoders: dict[str, Encoder] = {
        name: load_encoder(EMBEDDED, corpus, trimmed=name == "trimmed")
        for name in ("trimmed", "full")
    }
    tokens = {name: tokenise(e.tokenizer, texts, None, maximum) for name, e in encoders.items()}
    pad = encoders["full"].tokenizer.pad_token_id
    lengths = [len(t.ids) for t in tokens["trimmed"]]
    real = sum(lengths)
    # The order of our sampler, given to the other side as its order of rows.
    order = list(StepSampler(lengths, ROWS_A_STEP, 0))
    recipe = Recipe(
        batch_size=BATCH,
        accumulation=ACCUMULATION,
        max_length=maximum,
        learning_rate=5e-5,
        head_learning_rate=5e-5,
    )

    def theirs(longest: int | None, n: int, rows: list[int], dropout: bool) -> Clock:
        set_seed(0)
        model = build(encoders["full"], LABELS).model
        if not dropout:
            no_dropout(model)
        chosen = [tokens["full"][i] for i in rows]
        return run_theirs(model, chosen, labels[rows], pad, longest, n)

    def ours(n: int, dropout: bool, frozen: int = 0) -> Clock:
        set_seed(0)
        classifier = build(encoders["trimmed"], LABELS, frozen_layers=frozen)
        if not dropout:
            no_dropout(classifier)
        return run_ours(classifier, tokens["trimmed"], labels, recipe, n)

    shuffled = np.random.default_rng(1).permutation(len(texts)).tolist()  # their default order
    seconds = {
        "ours": ours(steps, True).seconds,
        "padded_to_maximum": theirs(maximum, steps, shuffled, True).seconds,
        "dynamic_padding": theirs(None, steps, shuffled, True).seconds,
    }
    found: dict[str, Any] = {
        name: {"cpu_seconds": s, "tokens_per_cpu_second": real / s} for name, s in seconds.items()
    }
    for name in ("padded_to_maximum", "dynamic_padding"):
        found[name]["ratio"] = seconds[name] / seconds["ours"]
    pair = ours(steps, False).losses, theirs(None, steps, order, False).losses
    found["loss_difference"] = float(np.abs(np.subtract(*pair)).max())
    found["mean_tokens"] = real / len(texts)
    found["share_truncated"] = float(np.mean(np.array(lengths) == maximum))
    return found


def main() -> None:
    """Print the comparison at 64 and 128 tokens."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=2, help="optimiser steps (%(default)s)")
    parser.add_argument("--lengths", default="64,128", help="maximum tokens (%(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    chosen = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    corpus = load("multiemo")
    document = {
        length: compare(corpus, int(length), chosen.steps) for length in chosen.lengths.split(",")
    }
    if chosen.json:
        print(json.dumps(document, indent=1))
        return
    for length, found in document.items():
        print(
            f"{length} tokens at most, mean {found['mean_tokens']:.1f}, "
            f"{found['share_truncated']:.0%} truncated; losses differ by up to "
            f"{found['loss_difference']:.1e}"
        )
        for name in ("ours", "dynamic_padding", "padded_to_maximum"):
            row = found[name]
            ratio = f"ratio {row['ratio']:.2f}" if "ratio" in row else ""
            print(f"  {name:<20}{row['tokens_per_cpu_second']:8.0f} tokens/CPU second  {ratio}")


if __name__ == "__main__":
    main()
