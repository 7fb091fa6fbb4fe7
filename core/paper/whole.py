"""What the paper says of a figure as a whole, beside what is here, as sentences with a verdict.

Sizes of bars are means of absolute values, to which noise adds; it adds to both sides of a
comparison alike. They are cross-fitted (see core/paper_figures).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from core.measures.cumulative import TOKEN_GROUPS
from core.paper import published as paper
from core.paper.directions import CROSSED, over
from core.paper.measured import done
from core.paper.statements import WHOLE
from core.paper.verdicts import AGREES, CANNOT, DISAGREES, MARGINS, NO_VERDICT, direction
from core.results.schema import Attributions, StudyResults
from core.text import signed

BySeed = Mapping[int, float]


class Given(NamedTuple):
    """What the statements on a figure are held against.

    Attributes:
        document: from `attributions.attributions`, read against the balanced setup of the figure.
        without: the same of the setups without equation 3, for figure 3; None where there is none.
        figure: 1, 2 or 3.
    """

    document: Attributions
    without: Attributions | None
    study: StudyResults
    figure: int


def readings(
    document: Attributions, without: Attributions | None, study: StudyResults, figure: int
) -> list[str]:
    """Each statement on the figure as a whole; empty ones are left out. Arguments as of `Given`."""
    given = Given(document, without, study, figure)
    made = [_READINGS[whole.name](given) for whole in WHOLE if figure in whole.figures]
    return [text for text in made if text]


def weights_reading(given: Given) -> str:
    """Smaller differences with class weights (figures 1b and 1d)."""
    suffix = paper.suffix_of(given.figure)
    before, after = (
        _sizes(given.document, f"{setup}{suffix}", TOKEN_GROUPS)
        for setup in ("imbalanced", "imbalanced+cw")
    )
    found = _smaller(before, after)
    if not found:
        return ""
    return (
        "With class weights the paper finds smaller differences on average. Here the mean size of "
        f"a bar of token groups, cross-fitted, {found}"
    )


def base_values_reading(given: Given) -> str:
    """Much smaller base-value differences with equation 3 (appendix A.3)."""
    if given.without is None:
        return ""
    before = _sizes(given.without, "imbalanced", ("base",))
    found = _smaller(before, _sizes(given.document, "imbalanced+entropy", ("base",)))
    if not found:
        return ""
    return (
        "The paper finds much smaller base-value differences with equation 3 (appendix A.3). Here "
        f"the mean size of the base value's bars, imbalanced, {found} How much smaller *much* is "
        "the paper does not say: this holds for any."
    )


def accuracy_reading(given: Given) -> str:
    """Task performance not hindered by equation 3 (appendix A.3): a loss below the margin."""
    accuracy: dict[str, dict[int, float]] = {}
    for run in done(given.study):
        accuracy.setdefault(run["setup"], {})[run["seed"]] = run["accuracy"]
    by_setup = {
        setup: {
            seed: accuracy[f"{setup}+entropy"][seed] - value
            for seed, value in accuracy[setup].items()
            if seed in accuracy[f"{setup}+entropy"]
        }
        for setup in paper.SETUPS
        if setup in accuracy and f"{setup}+entropy" in accuracy
    }
    by_setup = {setup: changes for setup, changes in by_setup.items() if changes}
    if not by_setup:
        return ""
    seeds = set.intersection(*(set(changes) for changes in by_setup.values()))
    mean = {s: sum(by[s] for by in by_setup.values()) / len(by_setup) for s in sorted(seeds)}
    listed = ", ".join(
        f"{setup} {_plus(sum(changes.values()) / len(changes))}"
        for setup, changes in by_setup.items()
    )
    text = (
        "Task performance is not hindered by equation 3 there (appendix A.3). Accuracy changes "
        f"here by {listed}"
    )
    estimate, margin = over(mean), MARGINS["accuracy"]
    if estimate is None:
        return f"{text}: **{NO_VERDICT}**."
    low, high = float(estimate.low[0]), float(estimate.high[0])
    word = AGREES if low > -margin else DISAGREES if high < -margin else CANNOT
    return (
        f"{text}; their mean is {_plus(float(estimate.value[0]))} [{signed(low, 3)}, "
        f"{signed(high, 3)}] over {len(mean)} seeds, on these test sentences. A loss below "
        f"{margin:g} counts as none: **{word}**."
    )


def _smaller(before: BySeed, after: BySeed) -> str:
    """Whether sizes are smaller in the second, as the end of a sentence; empty without any."""
    both = [seed for seed in before if seed in after]
    if not both:
        return ""
    first, second = (sum(x[s] for s in both) / len(both) for x in (before, after))
    text = f"goes from {signed(first, 3)} to {signed(second, 3)}"
    estimate = over({seed: after[seed] - before[seed] for seed in both})
    if estimate is None:
        return f"{text}: **{NO_VERDICT}**."
    low, high = float(estimate.low[0]), float(estimate.high[0])
    return (
        f"{text}, by {_plus(float(estimate.value[0]))} [{signed(low, 3)}, {signed(high, 3)}] over "
        f"{len(both)} seeds, on these texts: **{direction(-1, low, high, len(both))}**."
    )


def _sizes(document: Attributions, setup: str, parts: tuple[str, ...]) -> dict[int, float]:
    """Mean absolute difference over languages, first and last label, and parts, by seed."""
    ends = (document["labels"][0], document["labels"][-1])
    found: dict[int, list[float]] = {}
    for row in document["rows"]:
        wanted = row["setup"] == setup and row["group"] in parts and row["label"] in ends
        if wanted and (value := row[CROSSED]) is not None:
            found.setdefault(row["seed"], []).append(abs(value))
    return {seed: sum(values) / len(values) for seed, values in found.items()}


def _plus(number: float) -> str:
    return f"{'+' if round(number, 3) > 0 else ''}{signed(number, 3)}"


_READINGS: dict[str, Callable[[Given], str]] = {
    "weights": weights_reading,
    "base values": base_values_reading,
    "accuracy": accuracy_reading,
}
