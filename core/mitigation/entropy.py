"""Masked-input entropy: an input without content is to be predicted evenly.

Its loss is of an input of its own and stands with the objective (`core.training.objective`); the
recipe's `masked_input` says how it is read.
"""

from core.mitigation.scheme import Scheme

SCHEME = Scheme(
    title="masked-input entropy",
    source="Jung and van der Plas 2024, equation 3",
    about="an input of mask tokens alone is pushed towards an even prediction",
    stage="loss",
    rank=2,
)
