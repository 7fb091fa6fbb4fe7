"""The paper's encoders at their full size, with random weights: memory and time of each step.

Run by hand: `python -m benchmarks.fullsize [--json]`. Folders with the real configurations of mBERT
(768 x 12, vocabulary 119,547) and XLM-R (768 x 12, vocabulary 250,002, positions 514), weights and
a fast tokenizer of that size go through what a study does, each step in a process of its own:
loading, trimming, training with the whole vocabulary (the most memory), a kill and going on from
the last epoch, base values and probes, attribution. The text is made of invented words. What is
shown: no step needs more than fits; nothing is learned from random weights.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ENCODERS = ("mbert", "xlmr")
ROWS = {"train": 48, "validation": 24, "test": 48}  # a language; labels and languages alike
LABELS = ("entailment", "neutral", "contradiction")
LIMIT = 24 * 2**30
STUDY = """
name = "{encoder}"
corpus = "xnli@corpus.parquet"
encoder = "{encoder}"
groups = [["en"], ["fr"]]
setups = ["imbalanced+cw+entropy"]
train_per_language = 32
validation_per_language = 16
test_per_language = 48

[training] # the paper's micro-batch and length; fewer of them an optimiser step
epochs = 2
batch_size = 16
accumulation = 2
max_length = 128
trim = false
{more}
"""


def words() -> Any:
    """Invented words of two and three syllables, in one order."""
    syllables = [c + v for c in "bdfghjklmnprstvwz" for v in ("a", "e", "i", "o", "u", "ai", "ou")]
    for n in (2, 3):
        yield from ("".join(parts) for parts in product(syllables, repeat=n))


def write_corpus(folder: Path) -> None:
    """Pairs of invented words, most of them near 128 tokens, in two languages."""
    rng = np.random.default_rng(0)
    known = np.array(list(islice(words(), 14000)))
    rows: dict[str, list[Any]] = {}
    for split, n in ROWS.items():
        for language in ("en", "fr"):
            for i in range(n):
                row = {
                    "premise": " ".join(rng.choice(known, rng.integers(20, 80))),
                    "hypothesis": " ".join(rng.choice(known, rng.integers(10, 50))),
                    "label": LABELS[i % 3],
                    "language": language,
                    "split": split,
                    "pair_id": i,
                }
                for name, value in row.items():
                    rows.setdefault(name, []).append(value)
    pq.write_table(pa.table(rows), folder / "corpus.parquet")


# --- the steps, each in its own process ---------------------------------------------------------


def build(folder: Path, encoder: str) -> dict[str, Any]:
    """Write the encoder's folder in the hub's layout."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import (
        BertConfig,
        BertModel,
        PreTrainedTokenizerFast,
        XLMRobertaConfig,
        XLMRobertaModel,
    )

    torch.manual_seed(0)
    letters = "abdefghijklmnoprstuvwz"
    size = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
            "intermediate_size": 3072}  # fmt: skip
    model: Any
    if encoder == "mbert":
        names = ["[PAD]", *(f"[unused{i}]" for i in range(1, 100)), "[UNK]", "[CLS]", "[SEP]"]
        pieces = [*names, "[MASK]", *letters, *(f"##{x}" for x in letters)]
        pieces += islice(words(), 119547 - len(pieces))
        backend = Tokenizer(
            models.WordPiece({p: i for i, p in enumerate(pieces)}, unk_token="[UNK]")
        )
        backend.normalizer = normalizers.BertNormalizer(lowercase=False)
        backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        backend.post_processor = processors.BertProcessing(("[SEP]", 102), ("[CLS]", 101))
        special = {k: f"[{k.upper()}]" for k in ("pad", "unk", "cls", "sep", "mask")}
        inputs = ["input_ids", "token_type_ids", "attention_mask"]
        model = BertModel(
            BertConfig(vocab_size=len(pieces), max_position_embeddings=512, type_vocab_size=2,
                       layer_norm_eps=1e-12, **size)
        )  # fmt: skip
    else:
        scored = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -4.0)]
        scored += [(x, -14.0) for x in letters]
        rest = islice(words(), 250001 - len(scored))
        scored += [(f"▁{w}", -6.0 - i / 40000) for i, w in enumerate(rest)]
        scored.append(("<mask>", 0.0))
        backend = Tokenizer(models.Unigram(scored, unk_id=3))
        backend.normalizer = normalizers.NFKC()
        backend.pre_tokenizer = pre_tokenizers.Metaspace()
        backend.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>",
            pair="<s> $A </s> </s> $B </s>",
            special_tokens=[("<s>", 0), ("</s>", 2)],
        )
        special = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>",
                   "unk": "<unk>", "mask": "<mask>"}  # fmt: skip
        inputs = ["input_ids", "attention_mask"]
        model = XLMRobertaModel(
            XLMRobertaConfig(vocab_size=len(scored), max_position_embeddings=514,
                             type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1, **size)
        )  # fmt: skip
    model.save_pretrained(folder / encoder)
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=512,
        model_input_names=inputs,
        **{f"{name}_token": token for name, token in special.items()},
    ).save_pretrained(folder / encoder)
    return {
        "vocabulary": model.config.vocab_size,
        "parameters": sum(p.numel() for p in model.parameters()),
        "file_bytes": sum(p.stat().st_size for p in (folder / encoder).iterdir()),
    }


def load(folder: Path, encoder: str, trimmed: bool = False) -> dict[str, Any]:
    """Load the encoder whole, or cut to the corpus; what it answers is compared between the two."""
    from core.corpora.corpus import load as load_corpus
    from core.models.classifier import build as classifier
    from core.models.encoder import load as load_encoder
    from core.models.prediction import encode, predict

    corpus = load_corpus(f"xnli@{folder / 'corpus.parquet'}")
    loaded = load_encoder(str(folder / encoder), corpus, trimmed=trimmed, pooled=True)
    model = classifier(loaded, corpus.labels)
    tokens = encode(model, corpus.table.slice(0, 8), 128)
    probabilities, vectors = predict(model, tokens)
    answer = np.hstack([probabilities, vectors])
    whole = folder / f"{encoder}.npy"
    found: dict[str, Any] = {"vocabulary": loaded.model.config.vocab_size,
                             "tokens": sum(len(t.ids) for t in tokens)}  # fmt: skip
    if trimmed:
        found["largest_difference"] = float(np.abs(answer - np.load(whole)).max())
    else:
        np.save(whole, answer)
    return found


def trim(folder: Path, encoder: str) -> dict[str, Any]:
    """Load the encoder cut to the corpus."""
    return load(folder, encoder, trimmed=True)


def plan(folder: Path, encoder: str) -> dict[str, Any]:
    """Lay the run out; what the page Train says it needs."""
    from core.checkpoints import run_folders
    from core.models.session import Session
    from core.studies import forecast, planning, study

    more = 'pooling = "released"' if encoder == "mbert" else ""
    (folder / f"{encoder}.toml").write_text(STUDY.format(encoder=encoder, more=more))
    planned = planning.plan(study.read(str(folder / f"{encoder}.toml")), Session())
    planning.record(planned)
    for config in planned.runs.values():
        run_folders.create(config)
    said = forecast.of(planned)
    return {"forecast_memory": said["memory"], "forecast_disk": said["disk"]}


def train(folder: Path, encoder: str) -> dict[str, Any]:
    """Train the run, or go on with it."""
    from core.checkpoints import studies
    from core.jobs import monitoring
    from core.training.run import train_run

    run = studies.run_ids(encoder)[0]
    known = len(monitoring.curves(run))
    train_run(run)
    steps = monitoring.curves(run)["step"].tolist()
    return {"steps": steps[known:]}


def probe(folder: Path, encoder: str) -> dict[str, Any]:
    """Base values and probes of the run, and of the encoder before fine-tuning."""
    from core.checkpoints import run_folders, studies
    from core.models.session import Session
    from core.training import evaluation

    run = studies.run_ids(encoder)[0]
    evaluation.complete(run, Session())
    probes = json.loads((run_folders.folder(run) / "probes.json").read_text())
    return {name: probes["original"][name] for name in ("n", "dimension", "accuracy")}


def attribute(folder: Path, encoder: str) -> dict[str, Any]:
    """SHAP values of six pairs, one evaluation a token: the memory of the default, a quarter of its
    time."""
    from core.attribution.attribute import attribute as attributions
    from core.models.session import Session

    done = attributions(encoder, Session(), lambda what, share: None, per_language=3, budget=1)
    return {"texts": done.texts, "key": done.key}


STEPS: dict[str, Callable[[Path, str], dict[str, Any]]] = {
    "build": build,
    "load": load,
    "trim": trim,
    "plan": plan,
    "train": train,
    "probe": probe,
    "attribute": attribute,
}


# --- the parent ---------------------------------------------------------------------------------


def measured(folder: Path, encoder: str, step: str, killed: bool = False) -> dict[str, Any]:
    """Run a step in a process of its own: its seconds, peak memory, and what it says.

    Args:
        killed: kill it (kill -9) once it has kept an epoch.
    """
    command = [sys.executable, "-m", "benchmarks.fullsize", "--step", step]
    command += ["--folder", str(folder), "--encoder", encoder]
    started = time.monotonic()
    with (folder / "said.json").open("w+") as said:
        process = subprocess.Popen(command, stdout=said)
        while killed and not list(folder.glob("checkpoints/*/resume/checkpoint-*/trainer_state.*")):
            if process.poll() is not None:
                sys.exit(f"{encoder}, {step} ended before it could be killed.")
            time.sleep(0.2)
        if killed:
            process.kill()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode and not killed:
            sys.exit(f"{encoder}, {step} ended with {process.returncode}.")
        said.seek(0)
        found = {} if killed else json.loads(said.read().splitlines()[-1])
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "encoder": encoder,
        "step": f"{step}, killed" if killed else step,
        "seconds": round(time.monotonic() - started, 1),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_bytes": usage.ru_maxrss * unit,
        **found,
    }


def main() -> None:
    """Print memory and time of each step; exit with 1 if one needs more than 24 GiB."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--encoder", choices=ENCODERS, help="only this one")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.step:
        print(json.dumps(STEPS[chosen.step](Path(chosen.folder), chosen.encoder)))
        return
    rows = []
    with tempfile.TemporaryDirectory(prefix="langskew-fullsize-") as name:
        folder = Path(name)
        os.environ["LANGSKEW_CACHE"] = str(folder / "cache")
        write_corpus(folder)
        for encoder in [chosen.encoder] if chosen.encoder else ENCODERS:
            os.environ["LANGSKEW_CHECKPOINTS"] = str(folder / "checkpoints")
            for step in STEPS:
                if step == "train":
                    rows.append(measured(folder, encoder, step, killed=True))
                    print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
                rows.append(measured(folder, encoder, step))
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    if chosen.json:
        print(json.dumps({"steps": rows}, indent=1))
    else:
        known = ("encoder", "step", "seconds", "cpu_seconds", "peak_bytes")
        for row in rows:
            told = [
                f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
                for name, value in row.items()
                if name not in known
            ]
            print(
                f"{row['encoder']:6} {row['step']:14} {row['seconds']:7.1f} s "
                f"{row['cpu_seconds']:7.1f} CPU s {row['peak_bytes'] / 2**30:5.2f} GiB  "
                f"{', '.join(told)}"
            )
    sys.exit(any(row["peak_bytes"] > LIMIT for row in rows))


if __name__ == "__main__":
    main()
