"""The paper's corpora in the layouts that they have on the hub, with invented rows, for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

AMAZON = ("de", "en", "es", "fr", "ja", "zh")
SPLITS = {"train": 60, "validation": 15, "test": 10}
LABELS = ("entailment", "neutral", "contradiction")
_WORDS = {
    "de": "das gut schlecht hält nicht paket farbe",
    "en": "the good bad lasts not parcel colour",
    "es": "el bueno malo dura no paquete color",
    "fr": "le bon mauvais dure pas colis couleur",
    "ja": "良い 悪い 品物 色 長持ち しない 箱",
    "zh": "好 坏 东西 颜色 耐用 不 盒子",
}


def _text(language: str, seed: int) -> str:
    words = _WORDS.get(language, _WORDS["en"]).split()
    drawn = np.random.default_rng(seed).choice(words, 8)
    return " ".join([*drawn, str(seed)])  # no two alike


def _readme(folder: Path, configurations: dict[str, Sequence[str]], path: str) -> None:
    """The head of a data set's card: its configurations and their files."""
    lines = ["---", "configs:"]
    for name, splits in configurations.items():
        lines += [f"- config_name: {name}", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {path.format(name=name, split=split)}"]
    (folder / "README.md").write_text("\n".join([*lines, "---", "# Invented rows", ""]))


def xnli(
    folder: Path, languages: Sequence[str] = ("en", "fr"), sizes: dict[str, int] = SPLITS
) -> Path:
    """facebook/xnli: parquet, a configuration a language, class numbers; rows in one order."""
    for language in languages:
        (folder / language).mkdir(parents=True)
        for s, (split, n) in enumerate(sizes.items()):
            table = pa.table(
                {
                    "premise": [_text(language, 1000 * s + i) for i in range(n)],
                    "hypothesis": [_text(language, 1000 * s + i + 500) for i in range(n)],
                    "label": pa.array([i % 3 for i in range(n)], pa.int64()),
                }
            )
            features = {
                "premise": {"dtype": "string", "_type": "Value"},
                "hypothesis": {"dtype": "string", "_type": "Value"},
                "label": {"names": list(LABELS), "_type": "ClassLabel"},
            }
            card = json.dumps({"info": {"features": features}})
            table = table.replace_schema_metadata({"huggingface": card})
            pq.write_table(table, folder / language / f"{split}-00000-of-00001.parquet")
    _readme(folder, {x: list(sizes) for x in languages}, "{name}/{split}-*")
    return folder


def _reviews(language: str, split: str, n: int) -> list[dict[str, Any]]:
    start = {"train": 0, "validation": 1000, "test": 2000}[split]
    return [
        {
            "review_id": f"{language}_{start + i:07d}",
            "product_id": f"product_{language}_{i % 7:07d}",
            "reviewer_id": f"reviewer_{language}_{i:07d}",
            "stars": str(i % 5 + 1),
            "review_body": _text(language, start + i),
            "review_title": "a title",
            "language": language,
            "product_category": "home",
        }
        for i in range(n)
    ]


def amazon(folder: Path, languages: Sequence[str] = AMAZON, sizes: dict[str, int] = SPLITS) -> Path:
    """The withdrawn amazon_reviews_multi: JSON Lines a split and language, language a column."""
    for split, n in sizes.items():
        name = {"validation": "dev"}.get(split, split)
        (folder / "json" / name).mkdir(parents=True)
        for language in languages:
            path = folder / "json" / name / f"dataset_{language}_{name}.json"
            _write_lines(path, _reviews(language, split, n))
    return folder


def amazon_copies(
    folder: Path, languages: Sequence[str] = AMAZON, sizes: dict[str, int] = SPLITS
) -> str:
    """SetFit/amazon_reviews_multi_{language}: a data set a language, labels from 0, no language."""
    for language in languages:
        place = folder / f"amazon_reviews_multi_{language}"
        place.mkdir(parents=True)
        for split, n in sizes.items():
            rows = (
                {
                    "id": review["review_id"],
                    "text": review["review_body"],
                    "label": int(review["stars"]) - 1,
                    "label_text": str(int(review["stars"]) - 1),
                }
                for review in _reviews(language, split, n)
            )
            _write_lines(place / f"{split}.jsonl", rows)
    return str(folder / "amazon_reviews_multi_{language}")


def wikipedia(
    folder: Path, languages: Sequence[str] = AMAZON, articles: int = 30, dump: str = "20231101"
) -> Path:
    """wikimedia/wikipedia: parquet, a configuration a dump and language, one split in two files."""
    for language in languages:
        (folder / f"{dump}.{language}").mkdir(parents=True)
        for part in range(2):
            numbers = range(part * articles // 2, (part + 1) * articles // 2)
            table = pa.table(
                {
                    "id": [str(i) for i in numbers],
                    "url": [f"https://{language}.wikipedia.org/wiki/{i}" for i in numbers],
                    "title": [f"Title {i}" for i in numbers],
                    "text": [_text(language, 5000 + i) for i in numbers],
                }
            )
            name = f"train-{part:05d}-of-00002.parquet"
            pq.write_table(table, folder / f"{dump}.{language}" / name)
    _readme(folder, {f"{dump}.{x}": ["train"] for x in languages}, "{name}/{split}-*")
    return folder


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))
