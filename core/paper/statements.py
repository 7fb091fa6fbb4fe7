"""What the paper says of its figures 1 to 3, each statement once, as something to be tested.

The figures have no printed values: a statement is a direction, or that something is close to 0 or
smaller than something else. Values are cumulative differences of a setup from balanced.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Claim = Literal["up", "down", "close to 0", "less than neutral"]
ALL_TOKENS = "all tokens"  # the sum of the three groups of tokens


class Bar(NamedTuple):
    """What is said of one bar of a panel.

    Attributes:
        part: positive, negative or neutral tokens, `all tokens`, or `base`.
        side: languages in which the label is `under` or `over` represented in training, or
            `over - under`.
        claim: `close to 0` is within `paper_directions.CLOSE`; `less than neutral` says that the
            bar is smaller, whatever its sign, than that of the neutral tokens.
        says: in the paper's words, as paper.md has them.
    """

    part: str
    side: str
    claim: Claim
    says: str


class Statement(NamedTuple):
    """One statement on a figure.

    Attributes:
        source: where paper.md says it: row and column of its table of figure 1, or its paragraph,
            each followed by the words.
        corpora: whose panels it is about.
        setup: which is read against balanced.
        label: place of the label among those of the corpus, 0 or -1; None for both.
        bars: what it says of which bars.
    """

    source: tuple[str, ...]
    corpora: tuple[str, ...]
    setup: str
    label: int | None
    bars: tuple[Bar, ...]


class Whole(NamedTuple):
    """One statement on a figure as a whole.

    Attributes:
        source: as of a `Statement`.
        figures: that it is about.
        name: of what is measured for it, in `paper_whole`.
    """

    source: tuple[str, ...]
    figures: tuple[int, ...]
    name: str


_BOTH = ("amazon", "xnli")
_AMAZON, _XNLI = _BOTH[:1], _BOTH[1:]

# Of figure 1 (section 4.3); appendix A.2 says the same of XLM-R (figure 2).
STATEMENTS = (
    Statement(
        ("label 1: positive / negative tokens | under | down / up (smaller absolute value)",),
        _AMAZON,
        "imbalanced",
        0,
        (
            Bar("positive", "under", "down", "down"),
            Bar("negative", "under", "up", "up (smaller absolute value)"),
        ),
    ),
    Statement(
        ("label 1: positive / negative tokens | over | not the main effect",),
        _AMAZON,
        "imbalanced",
        0,
        (
            Bar("positive", "over", "less than neutral", "not the main effect"),
            Bar("negative", "over", "less than neutral", "not the main effect"),
        ),
    ),
    Statement(
        ("label 1: neutral | over | up: the main effect",),
        _AMAZON,
        "imbalanced",
        0,
        (Bar("neutral", "over", "up", "up: the main effect"),),
    ),
    Statement(
        ("label 5 | row | base value much higher in the imbalanced model",),
        _AMAZON,
        "imbalanced",
        -1,
        (
            Bar("base", "under", "up", "much higher"),
            Bar("base", "over", "up", "much higher"),
        ),
    ),
    Statement(
        ("label 5 | row | so all differences are biased down",),
        _AMAZON,
        "imbalanced",
        -1,
        (
            Bar(ALL_TOKENS, "under", "down", "all differences are biased down"),
            Bar(ALL_TOKENS, "over", "down", "all differences are biased down"),
        ),
    ),
    Statement(
        ("label 5 | under | neutral down",),
        _AMAZON,
        "imbalanced",
        -1,
        (Bar("neutral", "under", "down", "down"),),
    ),
    Statement(
        ("label 5 | over | neutral up",),
        _AMAZON,
        "imbalanced",
        -1,
        (Bar("neutral", "over", "up", "up"),),
    ),
    Statement(
        (
            "label 5 | under | positive more negative than over-represented",
            "label 5 | over | positive less negative",
        ),
        _AMAZON,
        "imbalanced",
        -1,
        (Bar("positive", "over - under", "up", "more negative under, less negative over"),),
    ),
    Statement(
        ("xnli, both labels: neutral | under | down",),
        _XNLI,
        "imbalanced",
        None,
        (Bar("neutral", "under", "down", "down"),),
    ),
    Statement(
        ("xnli, both labels: neutral | over | up",),
        _XNLI,
        "imbalanced",
        None,
        (Bar("neutral", "over", "up", "up"),),
    ),
    Statement(
        ("xnli, both labels: positive / negative | under | down / up",),
        _XNLI,
        "imbalanced",
        None,
        (
            Bar("positive", "under", "down", "down"),
            Bar("negative", "under", "up", "up"),
        ),
    ),
    Statement(
        ("xnli, both labels: positive / negative | over | down / up, less so",),
        _XNLI,
        "imbalanced",
        None,
        (
            Bar("positive", "over", "down", "down"),
            Bar("positive", "over - under", "up", "down, less so than under"),
            Bar("negative", "over", "up", "up"),
            Bar("negative", "over - under", "down", "up, less so than under"),
        ),
    ),
    # Not spelt out in paper.md: what its rows for neutral tokens have in common.
    Statement(
        ("overall trend of section 4.3.2",),
        _BOTH,
        "imbalanced",
        None,
        (Bar("neutral", "over - under", "up", "overall trend: higher over than under"),),
    ),
    Statement(
        ("Class weights (1b, 1d) | positive still down and negative still up",),
        _BOTH,
        "imbalanced+cw",
        None,
        (
            Bar("positive", "under", "down", "still down"),
            Bar("positive", "over", "down", "still down"),
            Bar("negative", "under", "up", "still up"),
            Bar("negative", "over", "up", "still up"),
        ),
    ),
    Statement(
        ("Class weights (1b, 1d) | no clear separation of over- and under-represented languages",),
        _BOTH,
        "imbalanced+cw",
        None,
        (
            Bar("positive", "over - under", "close to 0", "no clear separation"),
            Bar("negative", "over - under", "close to 0", "no clear separation"),
            Bar("neutral", "over - under", "close to 0", "no clear separation"),
        ),
    ),
    Statement(
        ("Class weights (1b, 1d) | neutral close to 0",),
        _BOTH,
        "imbalanced+cw",
        None,
        (
            Bar("neutral", "under", "close to 0", "close to 0"),
            Bar("neutral", "over", "close to 0", "close to 0"),
        ),
    ),
)
WHOLE = (
    Whole(("Class weights (1b, 1d) | differences smaller on average",), (1, 2), "weights"),
    Whole(("Equation 3 (A.3) | much smaller base-value differences",), (3,), "base values"),
    Whole(("Equation 3 (A.3) | task performance not hindered",), (3,), "accuracy"),
)
# That of XLM-R is said by reading figure 2 with the statements on figure 1.
SAME = ("XLM-R (A.2) | said to show the same findings",)


def statements(corpus: str, setup: str) -> list[Statement]:
    """Those on the panels of a corpus and a setup, with or without `+entropy`."""
    base = setup.removesuffix("+entropy")
    return [s for s in STATEMENTS if corpus in s.corpora and s.setup == base]
