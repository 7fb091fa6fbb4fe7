"""Class weights per language: the paper's mitigation."""

from core.mitigation.scheme import Scheme
from core.sampling.class_weights import class_weights

SCHEME = Scheme(
    title="class weights per language",
    source="Jung and van der Plas 2024, equation 2",
    about="each row counts n(l) / (C n(c, l)): labels weigh the same within each language",
    stage="loss",
    rank=1,
    evens=True,
)

weights = class_weights
