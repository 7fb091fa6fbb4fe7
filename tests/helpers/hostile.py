"""A corpus whose every text, label, language and id wants to be something else than text."""

from __future__ import annotations

import json
from pathlib import Path

import tomli_w

HTML = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
MARKDOWN = "**bold** [link](javascript:alert(1)) ![](http://x.invalid/a.png) :red[x] `code` # h"
LATEX = r"$x^2$ \input{/etc/passwd} \write18{ls} % & # _ ~ ^ { }"
FORMULA = '=HYPERLINK("http://x.invalid")'
SQL = "'; DROP TABLE runs; --\"'"
ESCAPES = "a\x1b]0;title\x07\x1b[2J\x1b[31mred\x00\x08\x7f\x9b2J"
BIDI = "\u202eevil\u2066\u2069\u2069 \u200fx"
PATH = "../../../etc/passwd"
TEMPLATE = "{{constructor.constructor('return 1')()}} datum['x'] ${x} %s {0}"
TEXTS = [HTML, MARKDOWN, LATEX, FORMULA, SQL, ESCAPES, BIDI, PATH, TEMPLATE, "<mask> [MASK] </s>"]

LABELS = [f"{FORMULA} {HTML}", f"{SQL} {MARKDOWN}.x[0]", f"{LATEX} {BIDI} \x1b[31m {TEMPLATE}"]
LANGUAGES = [f"{PATH} {SQL}", f"-1+1 {BIDI} {HTML}", f"{MARKDOWN} {LATEX}\x1b[2J", f"l {TEMPLATE}"]
STUDY = {
    "corpus": "hostile.jsonl",
    "encoder": "tiny",
    "setups": ["balanced", "imbalanced"],
    "groups": [LANGUAGES[:2], LANGUAGES[2:]],
    "train_per_language": 12,
    "validation_per_language": 6,
    "test_per_language": 12,
    "training": {"epochs": 1, "batch_size": 8, "accumulation": 1, "max_length": 32},
}


def write(folder: Path) -> Path:
    """The corpus and a study of it; the study's file."""
    rows = [
        {
            "text": f"{TEXTS[(i + j) % len(TEXTS)]} {'abcdefghijklmnop'[i % 16]}",
            "label": label,
            "language": language,
            "split": split,
            "sentence": f"{PATH} {split} {label} {i} <b>\r\n",
        }
        for split, n in (("train", 12), ("validation", 6), ("test", 4))
        for i in range(n)
        for j, label in enumerate(LABELS)
        for language in LANGUAGES
    ]
    lines = (json.dumps(row) for row in rows)
    (folder / "hostile.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "hostile.toml").write_text(tomli_w.dumps(STUDY), encoding="utf-8")
    return folder / "hostile.toml"
