"""Vocabulary trimming: an encoder with only the embedding rows that a corpus uses.

96 of the 117 million parameters of multilingual-e5-small are embeddings of tokens that no text of a
study holds. Cutting them leaves every output as it is and makes models smaller and training faster.
The tokenizer is cut with the model, so that a saved model is whole: texts of the corpus get the
same tokens as before, because the tokens chosen for them are kept and their rivals can only become
fewer. A later text is segmented with the tokens that are left; what they cannot cover becomes the
unknown token, which `count_unknown` counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from core.errors import InputError
from core.models.plain_text import reader
from core.models.usable import TRIMMABLE
from core.storage import atomic, reading
from core.storage.places import cache_dir


def used_ids(tokenizer: PreTrainedTokenizerFast, texts: list[str], key: str) -> np.ndarray:
    """Token ids that occur in the texts, ascending.

    Args:
        key: names the texts (a corpus's content hash); the answer is cached under it, since
            tokenising a large corpus takes minutes.
    """
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    state = tokenizer.backend_tokenizer.to_str()
    name = hashlib.sha256(f"{key} as text: {state}".encode()).hexdigest()[:32]
    path = cache_dir() / "vocabulary" / f"{name}.npy"
    if path.exists():
        with suppress(InputError), reading.reading(path, "delete it"):  # else found anew
            known: np.ndarray = np.load(path)
            if known.dtype == np.int64 and known.ndim == 1:
                return known
    backend = reader(tokenizer).backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    found: set[int] = set()
    for start in range(0, len(texts), 4096):  # a chunk at a time bounds the memory
        encodings = backend.encode_batch_fast(texts[start : start + 4096])
        found.update(*(e.ids for e in encodings))
    ids = np.array(sorted(found), dtype=np.int64)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path) as partial, partial.open("wb") as file:
        np.save(file, ids)
    return ids


def trim(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, used: Sequence[int] | np.ndarray
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Cut model (in place) and tokenizer (a new one) to the used ids and the special ones.

    Returns:
        The model and the tokenizer; both unchanged where the tokenizer's algorithm is neither
        Unigram nor WordPiece, whose results would depend on tokens that are not used.
    """
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    if state["model"]["type"] not in TRIMMABLE:
        return model, tokenizer
    kept = _kept_ids(state, tokenizer, used)
    new_id = {old: new for new, old in enumerate(kept)}

    old: torch.Tensor = model.get_input_embeddings().weight.data  # type: ignore[assignment]
    padding = new_id[tokenizer.pad_token_id]
    embeddings = torch.nn.Embedding(len(kept), old.shape[1], padding_idx=padding)
    embeddings.weight.data.copy_(old[torch.tensor(kept)])
    model.set_input_embeddings(embeddings)
    model.config.vocab_size = len(kept)
    for name in ("pad", "bos", "eos", "cls", "sep"):
        if (value := getattr(model.config, f"{name}_token_id", None)) is not None:
            setattr(model.config, f"{name}_token_id", new_id.get(value))
    # RoBERTa-like embeddings count positions from their own copy of the padding id.
    # It does not move: special ids come first in such vocabularies, and all are kept.
    assert getattr(model.base_model.embeddings, "padding_idx", padding) == padding

    _renumber(state, kept, new_id)
    return model, _rebuild(tokenizer, state)


def count_unknown(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> tuple[int, int]:
    """How many tokens of the texts are unknown, and how many tokens they have in all."""
    backend = reader(tokenizer).backend_tokenizer
    backend.no_truncation()
    encodings = backend.encode_batch_fast(list(texts), add_special_tokens=False)
    ids = [i for e in encodings for i in e.ids]
    return ids.count(tokenizer.unk_token_id), len(ids)


def _kept_ids(
    state: dict[str, Any], tokenizer: PreTrainedTokenizerFast, used: Sequence[int] | np.ndarray
) -> list[int]:
    kept = {int(i) for i in used} | set(tokenizer.all_special_ids)
    kept |= {token["id"] for token in state["added_tokens"]}
    if state["model"]["type"] == "Unigram":
        # The penalty of an unknown character hangs on the lowest score there is: keep its token.
        scores = [score for _, score in state["model"]["vocab"]]
        kept.add(int(np.argmin(scores)))
    return sorted(kept)


def _renumber(state: dict[str, Any], kept: list[int], new_id: dict[int, int]) -> None:
    """Rewrite every id in a tokenizer's JSON state."""
    model = state["model"]
    if model["type"] == "Unigram":
        # Added tokens such as <mask> may have ids behind the pieces; they stay added tokens.
        model["vocab"] = [model["vocab"][i] for i in kept if i < len(model["vocab"])]
        model["unk_id"] = new_id[model["unk_id"]]
    else:
        by_id = sorted((i, token) for token, i in model["vocab"].items() if i in new_id)
        model["vocab"] = {token: new_id[i] for i, token in by_id}
    for token in state["added_tokens"]:
        token["id"] = new_id[token["id"]]
    post = state.get("post_processor") or {}
    for processor in post.get("processors", [post]):
        for end in ("sep", "cls"):  # BertProcessing and RobertaProcessing
            if end in processor:
                processor[end][1] = new_id[processor[end][1]]
        for special in processor.get("special_tokens", {}).values():  # TemplateProcessing
            special["ids"] = [new_id[i] for i in special["ids"]]


def _rebuild(tokenizer: PreTrainedTokenizerFast, state: dict[str, Any]) -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer

    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(state)),
        model_max_length=tokenizer.model_max_length,
        model_input_names=tokenizer.model_input_names,
        padding_side=tokenizer.padding_side,
        **{k: str(v) for k, v in tokenizer.special_tokens_map.items() if isinstance(v, str)},
    )
