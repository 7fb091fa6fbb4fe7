"""The audit of a large corpus, beside pandas doing the same.

Writes 1.2 million rows (six languages, five labels, three splits, texts of some 100 characters,
some of them copies) as CSV and as Parquet into a temporary folder. Each is audited in a process of
its own, by `core.audit` and by pandas: rows by split, language and label; rows that are left out,
by reason; copies, texts with two labels and texts in several splits; absurd lengths; measures of
skew and the verdict. Both count the same, which is checked. Printed are seconds and the peak of
memory, with all imports, and their ratios.

    python -m benchmarks.audit [--json] [--rows 1200000]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

LANGUAGES = ("de", "en", "es", "fr", "ja", "zh")
LABELS = ("1", "2", "3", "4", "5")
SPLITS = ("train", "validation", "test")
WORDS = 400
FORMS = ("csv", "parquet")


def write(folder: Path, rows: int) -> None:
    """The corpus in both forms."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    words = pa.array(["".join(rng.choice(list("abcdefghijklmnop"), 6)) for _ in range(WORDS)])
    drawn = [words.take(pa.array(rng.integers(0, WORDS, rows))) for _ in range(14)]
    text = pc.binary_join_element_wise(*drawn, " ")
    copies = rng.integers(0, rows, rows // 50)
    at = np.arange(rows)
    at[rng.integers(0, rows, len(copies))] = copies
    text = text.take(pa.array(at))
    language = rng.integers(0, 6, rows)
    skew = np.where(language % 2, 1, -1)
    label = np.clip(np.round(rng.normal(2 + 0.5 * skew, 1.3)), 0, 4).astype(int)
    names = [LABELS[i] for i in label]
    for i in rng.integers(0, rows, rows // 100):
        names[i] = ""
    table = pa.table(
        {
            "text": text,
            "label": pa.array(names),
            "language": pa.array(LANGUAGES).take(pa.array(language)),
            "split": pa.array(SPLITS).take(pa.array(rng.choice(3, rows, p=[0.8, 0.1, 0.1]))),
        }
    )
    pa_csv.write_csv(table, folder / "corpus.csv")
    pq.write_table(table, folder / "corpus.parquet")


def ours(path: Path) -> dict[str, Any]:
    """By core.audit."""
    from core.audit.audit import audit
    from core.corpora import find
    from core.corpora.choices import Choices

    document = audit(find.mapped(find.source(str(path)), Choices()))
    return {
        "rows": document["rows"],
        "dropped": document["dropped"],
        "joint": document["joint"],
        "findings": {found["step"]: found["rows"] for found in document["findings"]},
        "v": round(document["cramers_v"], 9),
    }


def with_pandas(path: Path) -> dict[str, Any]:
    """The same in pandas, as one would write it."""
    import pandas as pd
    from scipy.stats import chi2_contingency
    from scipy.stats.contingency import association

    read = pd.read_csv if path.suffix == ".csv" else pd.read_parquet
    more = {"dtype": str, "keep_default_na": False} if path.suffix == ".csv" else {}
    frame = read(path, **more)
    dropped = {}
    for column in ("text", "label", "language"):
        empty = frame[column].isna() | (frame[column].str.strip() == "")
        if empty.any():
            dropped[f"empty {column}"] = int(empty.sum())
            frame = frame[~empty]
    counts = pd.crosstab([frame["split"], frame["language"]], frame["label"])
    joint = counts.groupby("language").sum()
    chi2_contingency(joint)
    text = frame["text"].str.strip()
    length = text.str.len()
    of = frame.assign(text=text).groupby(["text", "language"])["label"]
    labels = of.transform("nunique")
    order = frame["split"].map({"test": 0, "validation": 1, "train": 2})
    first = order.groupby(text).transform("min")
    limit = max(1000, 20 * length.median())
    findings = {
        "conflicts": int((labels > 1).sum()),
        "leaks": int((order > first).sum()),
        "copies": int(frame.assign(text=text).duplicated(["text", "language", "label"]).sum()),
        "short": int((length < 2).sum()),
        "long": int((length > limit).sum()),
    }
    # As many tables as the permutation test has, each counted as the first.
    _independent(joint.to_numpy())
    return {
        "rows": len(frame),
        "dropped": dropped,
        "joint": joint.to_dict("index"),
        "findings": {step: n for step, n in findings.items() if n},
        "v": round(float(association(joint.to_numpy())), 9),
    }


def _independent(counts: np.ndarray) -> None:
    from scipy.stats import random_table

    tables = random_table(counts.sum(axis=1), counts.sum(axis=0)).rvs(999, random_state=0)
    np.corrcoef(tables.reshape(999, -1)[:2])


WAYS = {"ours": ours, "pandas": with_pandas}


def measured(way: str, path: Path) -> dict[str, Any]:
    """Seconds and peak memory of one way in a process of its own, and what it found."""
    command = [sys.executable, "-m", "benchmarks.audit", "--only", way, "--path", str(path)]
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    found = json.loads(done.stdout)
    return {"seconds": seconds, "peak_mb": found["peak_mb"], "found": found["found"]}


def main() -> None:
    """Measure, and print a table or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", type=int, default=1_200_000)
    parser.add_argument("--only", choices=[*WAYS, "write"], help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only == "write":
        write(chosen.path, chosen.rows)
        return
    if chosen.only:
        found = WAYS[chosen.only](chosen.path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"peak_mb": peak, "found": found}))
        return
    document: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: what starts others hands its peak of memory on to them.
        start = ["-m", "benchmarks.audit", "--only", "write", "--path", folder]
        subprocess.run([sys.executable, *start, "--rows", str(chosen.rows)], check=True)
        for form in FORMS:
            path = Path(folder) / f"corpus.{form}"
            both = {way: measured(way, path) for way in WAYS}
            one, other = (both[way].pop("found") for way in WAYS)
            if one != other:
                sys.exit(f"{form}: the two count differently:\n{one}\n{other}")
            document[form] = both
    if chosen.json:
        print(json.dumps(document))
        return
    for form, both in document.items():
        for way, of in both.items():
            print(f"{form:<8} {way:<7} {of['seconds']:6.1f} s {of['peak_mb']:7.0f} MB")
        times, share = (
            both["pandas"]["seconds"] / both["ours"]["seconds"],
            both["ours"]["peak_mb"] / both["pandas"]["peak_mb"],
        )
        print(f"{form:<8} {times:.1f} times as fast, {share:.2f} of the memory")


if __name__ == "__main__":
    main()
