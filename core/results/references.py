"""Which attributions a study has, and which of its runs are read against which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.attribution import store
from core.checkpoints.studies import Member, Started
from core.config import IMPORTED
from core.errors import InputError


def available(study: Started) -> dict[str, int]:
    """Methods and budgets by which runs of a study have attributions, with the number of texts.

    The largest number first; of each, that of the run that has the most.
    """
    found: dict[str, int] = {}
    for member in study.members:
        for key, texts in store.kept(member.run).items():
            found[key] = max(texts, found.get(key, 0))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def attributed(study: Started) -> set[str]:
    """Ids of the texts that some run has attributions of: those that the page Tokens shows.

    Raises:
        InputError: a file does not read.
    """
    keys = available(study)
    return {row for m in study.members for key in keys for row in store.done(m.run, key)}


class Against(NamedTuple):
    """A run and the run of its seed that it is read against.

    Attributes:
        reference: run id.
        choosers: the reference setup's runs of all other seeds, by which token groups are chosen
            where differences are cross-fitted.
    """

    run: str
    setup: str
    seed: int
    reference: str
    choosers: tuple[str, ...]


def compared(members: Sequence[Member], reference: str) -> list[Against]:
    """What is read against a reference setup, by seed.

    A model from elsewhere, which has no seed of the study's, is read against the first.

    Raises:
        InputError: no run of the reference setup.
    """
    of_reference = {m.seed: m.run for m in members if m.setup == reference}
    if not of_reference:
        raise InputError(
            f"no run of the setup {reference} has attributions; those that have are "
            f"{', '.join(sorted({m.setup for m in members})) or 'none'}."
        )
    pairs = []
    for member in members:
        seed = min(of_reference) if member.setup == IMPORTED else member.seed
        if member.setup == reference or seed not in of_reference:
            continue
        choosers = tuple(of_reference[r] for r in sorted(of_reference) if r != seed)
        pairs.append(Against(member.run, member.setup, seed, of_reference[seed], choosers))
    return sorted(pairs, key=lambda pair: pair.seed)


def references(study: Started) -> list[str]:
    """Setups that others can be read against: those with attributions, balanced ones first."""
    setups = {m.setup for m in study.members if store.kept(m.run)}
    return sorted(setups, key=lambda s: (not s.startswith("balanced"), s))
