"""The numbers of the paper, each with its table, and what its figures say.

Jung and van der Plas, Understanding the effects of language-specific class imbalance in
multilingual fine-tuning, Findings of EACL 2024. All values are of one run and printed without an
interval. What its figures show is in core/paper/statements.py.
"""

from __future__ import annotations

from typing import NamedTuple

CITATION = (
    "Jung and van der Plas, Understanding the effects of language-specific class imbalance in "
    "multilingual fine-tuning, Findings of EACL 2024"
)
BIBTEX = """@inproceedings{jung-van-der-plas-2024-understanding,
  title     = {Understanding the effects of language-specific
               class imbalance in multilingual fine-tuning},
  author    = {Jung, Vincent and van der Plas, Lonneke},
  booktitle = {Findings of the Association for Computational
               Linguistics: EACL 2024},
  year      = {2024},
  pages     = {2368--2376},
  url       = {https://aclanthology.org/2024.findings-eacl.157/}
}"""

CORPORA = ("amazon", "xnli")
ENCODERS = {"mBERT": "bert-base-multilingual-cased", "XLM-R": "xlm-roberta-base"}
SETUPS = ("balanced", "imbalanced", "imbalanced+cw")
# XLM-R has numbers with equation 3 alone; mBERT's tables are without it.
SUFFIX = {"mBERT": "", "XLM-R": "+entropy"}
LABELS = {
    "amazon": ("1", "2", "3", "4", "5"),
    "xnli": ("entailment", "neutral", "contradiction"),
}
# The last label is over-represented in the first group and under-represented in the second.
GROUPS = {
    "amazon": (("fr", "es", "ja"), ("de", "en", "zh")),
    "xnli": (("en",), ("fr",)),
}
# Table 1, training and validation: per cent of each label in a language of each of GROUPS.
TRAINING_SHARES = {
    "amazon": ((6.6, 13.3, 20.0, 26.7, 33.3), (33.3, 26.7, 20.0, 13.3, 6.6)),
    "xnli": ((16.67, 33.33, 50.0), (50.0, 33.33, 16.67)),
}
# Table 2: per cent of the test set predicted as each label, imbalanced setup, mBERT.
PREDICTED = {
    "amazon": ((13.9, 20.6, 20.1, 19.6, 25.8), (27.3, 20.7, 16.9, 20.4, 14.7)),
    "xnli": ((23.1, 35.8, 41.1), (32.8, 39.0, 28.1)),
}
# Tables 3 (mBERT) and 6 (XLM-R): accuracy on the test set, by SETUPS.
ACCURACY_TABLE = {"mBERT": 3, "XLM-R": 6}
ACCURACY = {
    ("mBERT", "xnli"): (0.810, 0.783, 0.795),
    ("mBERT", "amazon"): (0.580, 0.556, 0.569),
    ("XLM-R", "xnli"): (0.829, 0.812, 0.828),
    ("XLM-R", "amazon"): (0.596, 0.586, 0.594),
}
# Tables 4 (mBERT) and 7 (XLM-R): accuracy of language identification, by SETUPS, from the test set
# and from Wikipedia.
PROBE_TABLE = {"mBERT": 4, "XLM-R": 7}
ORIGINAL = {
    ("mBERT", "amazon"): (0.613, 0.847, 0.709),
    ("mBERT", "xnli"): (0.615, 0.928, 0.585),
    ("XLM-R", "amazon"): (0.309, 0.381, 0.412),
    ("XLM-R", "xnli"): (0.556, 0.838, 0.605),
}
WIKIPEDIA = {
    ("mBERT", "amazon"): (0.480, 0.646, 0.569),
    ("mBERT", "xnli"): (0.614, 0.899, 0.679),
    ("XLM-R", "amazon"): (0.389, 0.744, 0.503),
    ("XLM-R", "xnli"): (0.582, 0.865, 0.607),
}
# Section 2.2: articles a language from which the languages are told.
WIKIPEDIA_PER_LANGUAGE = 1000
# Table 5, printed in thousands.
ROWS = {
    "xnli": {"train": 524_000, "validation": 3_300, "test": 6_600},
    "amazon": {"train": 719_000, "validation": 18_000, "test": 30_000},
}
# Appendix A.4: threshold of the token groups -> what is said of it.
THRESHOLDS = {
    0.001: "too few neutral tokens to make sense",
    0.01: "about 20 / 60 / 20 % (negative / neutral / positive)",
    0.05: "similar results, slightly other magnitudes",
}


class Contrary(NamedTuple):
    """Where the paper's own numbers go against its finding."""

    encoder: str
    corpus: str
    texts: str
    change: tuple[str, str]
    says: str


CONTRARY = (
    Contrary(
        "XLM-R",
        "amazon",
        "original",
        ("imbalanced+cw", "imbalanced"),
        "the paper's own exception: class weights raise it (0.381 to 0.412)",
    ),
    Contrary(
        "mBERT",
        "xnli",
        "original",
        ("imbalanced+cw", "balanced"),
        "the paper's own exception: class weights end below balanced (0.585 against 0.615)",
    ),
)


FIGURES = {
    1: "mBERT (section 4.3)",
    2: "XLM-R with equation 3 (appendix A.2: said to show the same findings as figure 1)",
    3: "mBERT with equation 3 (appendix A.3: much smaller base-value differences than without, "
    "and task performance is not hindered)",
}


def figures_of(encoder: str) -> tuple[int, ...]:
    """The figures whose models are this encoder's."""
    return (1, 3) if encoder == "mBERT" else (2,)


def suffix_of(figure: int) -> str:
    """Of the setups that a figure shows."""
    return "" if figure == 1 else "+entropy"


def uptake(corpus: str) -> float:
    """Skew uptake of mBERT out of Tables 1 and 2: derived, not printed in the paper.

    The slope, through 0, of (share predicted - share in the uniform test set) on (training share -
    share in the uniform set) over groups and labels.
    """
    even = 100 / len(LABELS[corpus])
    pairs = [
        (given - even, found - even)
        for shares, predicted in zip(TRAINING_SHARES[corpus], PREDICTED[corpus], strict=True)
        for given, found in zip(shares, predicted, strict=True)
    ]
    return sum(x * y for x, y in pairs) / sum(x * x for x, _ in pairs)
