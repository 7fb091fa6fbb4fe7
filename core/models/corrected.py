"""What corrects a trained model afterwards, kept beside its weights.

`model.safetensors` stays a model of transformers whose logits are right but for what hangs on the
language of a text; `correction.safetensors` has what is added to them, and the map that the CLS
vectors go through. The linear layer stored reads the vectors before that map: it is folded in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from core.errors import InputError

FILE = "correction.safetensors"
_NAMES = ("offsets", "map", "shift")


class Corrected(nn.Module):
    """Logits by language and mapped vectors, from those of the trained model.

    Args:
        languages: in the order of the offsets.
        offsets: added to the logits of a text in a language (languages x classes), or None.
        map, shift: the CLS vector v becomes `map @ v + shift`, or None.
    """

    offsets: Tensor | None
    map: Tensor | None
    shift: Tensor | None

    def __init__(
        self,
        languages: Sequence[str],
        offsets: Tensor | None = None,
        map: Tensor | None = None,
        shift: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.languages = tuple(languages)
        for name, value in zip(_NAMES, (offsets, map, shift), strict=True):
            self.register_buffer(name, value)
        self._spoken: Tensor | None = None

    def speak(self, languages: Sequence[str]) -> None:
        """Say in which languages the texts of the next batches are: one for all, or one a text."""
        if self.offsets is not None:
            numbers = [self.languages.index(language) for language in languages]
            self._spoken = torch.tensor(numbers, device=self.offsets.device)

    def forward(self, logits: Tensor, cls: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (texts x classes) and CLS vectors (texts x units), corrected."""
        if self.offsets is not None:
            if self._spoken is None:
                raise ValueError("the languages of the texts were not said")
            logits = logits + self.offsets[self._spoken]
        if self.map is not None and self.shift is not None:
            cls = cls @ self.map.T + self.shift
        return logits, cls

    def save(self, folder: Path) -> None:
        """Write it into a model's folder."""
        tensors = {name: value.contiguous().cpu() for name, value in self.named_buffers()}
        save_file(tensors, folder / FILE, metadata={"languages": json.dumps(self.languages)})


def read(folder: Path) -> Corrected | None:
    """The correction in a model's folder; None where there is none.

    Raises:
        InputError: it does not read.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            languages = json.loads((file.metadata() or {})["languages"])
            tensors = {name: file.get_tensor(name) for name in tuple(file.keys())}
        return Corrected(languages, **tensors)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} does not read ({error}); delete the run, then train it again."
        ) from error
