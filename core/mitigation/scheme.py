"""What a mitigation says of itself, and what it may bring.

A mitigation is a module of this package that has a `SCHEME`; its name in a setup is the module's,
with hyphens. Which of the functions below it has decides what it does. No other file names it.

While a model is trained:

- `weights(counts)`: weight of a row of each cell in the loss (languages x labels), of training and
  validation rows alike;
- `draw(cells, counts, seed)`: which training rows an epoch passes over (numbers, with repetition),
  from the cell of each (row-major number of languages x labels);
- `validation_weights(counts)`: as `weights`, for validation rows alone;
- `added(counts)`: what is added to the logits of a row in the loss (languages x labels);
- `reshaped(losses)`: the losses of rows (rows), from their cross-entropies;
- `reweighed(shares, losses)`: weights of cells for the next optimiser step (cells, sum 1), from
  those of the last one and the mean loss of each cell in it (NaN where it had no row);
- `language_loss(features, weight, bias, languages)`: a further loss, summed over rows, from what
  the linear layer reads (rows x units) and a linear language head of its own, which is trained with
  it; `languages` are numbers.

After a model was trained, from it:

- `correct(trained)`: another linear layer, logits to add by language, or an affine map of the
  vectors that the linear layer reads (`core.mitigation.after`);
- `check(counts, validation)`: refuses, before anything is trained, rows of each cell, of training
  and of validation, that it cannot do with.

Modules load nothing but numpy and pandas: pages read their words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["data", "loss", "after"]


@dataclass(frozen=True)
class Scheme:
    """What a mitigation says of itself.

    Attributes:
        title: what it is called in the field.
        source: where it comes from.
        about: what it does, in one sentence.
        stage: where it acts: which rows are drawn, the loss, or after training.
        rank: how much it asks of who uses it, from 1 (a weight a row) to 9; of equally good ones
            the lowest is recommended.
        evens: it makes up for p(label | language) of the training set; two that do would do so
            twice.
        serving: whether the model needs the language of a text: "", "given", or "identified" from
            the text.
        settings: its hyperparameters, as they are.
    """

    title: str
    source: str
    about: str
    stage: Stage
    rank: int
    evens: bool = False
    serving: Literal["", "given", "identified"] = ""
    settings: Mapping[str, float] = field(default_factory=dict)
