"""What the runs of a study differ by, in token groups chosen as in the paper and cross-fitted."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from core.config import RunConfig
from core.measures.cumulative import Differences
from core.results.differences import Together, together
from core.results.references import Against

FEWEST_BALANCED = 3  # by one, groups are chosen; two others differ


@dataclass(frozen=True, eq=False)
class Pair:
    """A run against the reference setup's run of its seed.

    Attributes:
        run, setup, seed: of the other.
        reference: run id.
        choosers: runs of the reference setup of other seeds; none where there is one seed.
        own: attributions on the texts that the two have.
        common: the same on the texts that all runs of the setup and of the reference setup have,
            so that seeds can be averaged; None without such texts or without choosers.
    """

    run: str
    setup: str
    seed: int
    reference: str
    choosers: tuple[str, ...]
    own: Together
    common: Together | None

    def as_in_the_paper(self, threshold: float) -> Differences:
        """Groups chosen by the model that differences are taken against."""
        return self.own.differences(self.reference, self.run, threshold, [self.reference])

    def crossed(self, threshold: float) -> Differences | None:
        """Groups chosen by each model of another seed, the mean over these."""
        if self.common is None:
            return None
        return self.common.differences(self.reference, self.run, threshold, self.choosers)

    def neutral(self, thresholds: Sequence[float]) -> Differences:
        """On neutral tokens at each threshold, cross-fitted where there is another seed."""
        if self.common is None:
            return self.own.neutral(self.reference, self.run, thresholds, [self.reference])
        return self.common.neutral(self.reference, self.run, thresholds, self.choosers)


def pairs(compared: Sequence[Against], key: str, config: RunConfig) -> list[Pair]:
    """The pairs that have a text in the same tokens.

    Args:
        compared: from `references.compared`.
        key: method and budget.
        config: of one of the runs: its labels and languages.

    Raises:
        InputError: a file does not read.
    """
    by_setup: dict[str, list[str]] = {}
    for pair in compared:
        references = sorted({pair.reference, *pair.choosers})
        by_setup.setdefault(pair.setup, references).append(pair.run)
    found = []
    for pair in compared:
        own = together([pair.reference, pair.run], key, config)
        if own is None:
            continue
        common = together(by_setup[pair.setup], key, config) if pair.choosers else None
        found.append(Pair(*pair, own, common))
    return found


def between_references(
    runs: Sequence[str], key: str, threshold: float, config: RunConfig
) -> list[Differences]:
    """What each two of the reference setup's runs differ by, in groups that the others choose.

    Which of two comes first is arbitrary and turns the sign, so that only sizes say something; two
    models of different seeds share less than two setups of one seed do, and so differ by more.

    Args:
        runs: run ids, one a seed.

    Returns:
        One a pair of runs; none with fewer than three runs.
    """
    everything = together(runs, key, config) if len(runs) >= FEWEST_BALANCED else None
    if everything is None:
        return []
    return [
        everything.differences(
            one, other, threshold, [run for run in runs if run not in (one, other)]
        )
        for one, other in itertools.combinations(runs, 2)
    ]
