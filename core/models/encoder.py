"""Encoders: found by name, loaded with their tokenizer, trimmed to a corpus.

An encoder is any model of one of core.models.kinds from a preset, the hub or a folder. Whatever its
source, it is read from a local folder with safetensors and a fast tokenizer, so there is one
loading path; `revision` says exactly which weights those are.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from transformers import (
    AutoModel,
    BertConfig,
    BertModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.models.bert.modeling_bert import BertPooler

from core.corpora.corpus import Corpus
from core.errors import InputError
from core.models import kinds, usable
from core.models.hub import TINY, locate
from core.models.vocabulary import trim, used_ids


@dataclass(frozen=True)
class Encoder:
    """A pretrained transformer without a head, and its tokenizer.

    Attributes:
        name: as asked for.
        revision: hash of the weights and tokenizer, or the hub's commit.
        model: the encoder, float32; with a pooling layer where it was asked for and has one.
        tokenizer: fast tokenizer whose ids are the rows of the model's embeddings.
        full_vocabulary: embedding rows before trimming.
    """

    name: str
    revision: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    full_vocabulary: int


def load(
    name: str,
    corpus: Corpus,
    *,
    trimmed: bool = True,
    also: list[str] | None = None,
    pooled: bool = False,
    prefix: str = "",
) -> Encoder:
    """Load an encoder for a corpus.

    Args:
        name: see `locate`; `tiny` is built from the corpus itself.
        trimmed: cut the vocabulary to the ids the corpus uses.
        also: further texts whose ids are kept, such as an external corpus's.
        prefix: what stands before each text when it is encoded.
        pooled: with BERT's pretrained pooling layer; other encoders are loaded without.

    Raises:
        InputError: not found, of a kind that cannot be trained, no safetensors or fast tokenizer,
            or a BERT without the pooling layer that is asked for.
    """
    if name == TINY:
        return _tiny(corpus, pooled)
    folder, revision = locate(name)
    found = kinds.settings(folder)
    kind = kinds.check(name, found)
    usable.check_weights(folder)
    pooled = pooled and found["model_type"] == "bert"
    model, loaded = AutoModel.from_pretrained(
        folder,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
        trust_remote_code=False,
        **({"add_pooling_layer": pooled} if kind.pooler else {}),
    )
    if any("pooler" in weight for weight in loaded["missing_keys"]):
        raise InputError(usable.no_pooler(name))
    tokenizer = usable.check_tokenizer(folder, f"encoder {name!r}")
    if not kind.types:  # some tokenizers give them all the same, and the saved model would fail
        names = [x for x in tokenizer.model_input_names if x != "token_type_ids"]
        tokenizer.model_input_names = tokenizer.init_kwargs["model_input_names"] = names
    full = model.config.vocab_size
    if trimmed:
        texts = [prefix + text for text in corpus_texts(corpus) + (also or [])]
        named = [corpus.content_hash, *(also or []), *([f"prefix {prefix}"] if prefix else [])]
        key = hashlib.sha256("\n".join(named).encode()).hexdigest()
        model, tokenizer = trim(model, tokenizer, used_ids(tokenizer, texts, key))
    return Encoder(name, revision, model.eval(), tokenizer, full)


def corpus_texts(corpus: Corpus) -> list[str]:
    """Every text of a corpus, first and second of pairs."""
    texts: list[str] = corpus.table["text"].to_pylist()
    if corpus.is_pair_task:
        texts += corpus.table["text_b"].to_pylist()
    return texts


def _tiny(corpus: Corpus, pooled: bool = False) -> Encoder:
    """A small encoder with random weights, and a WordPiece tokenizer of the corpus's own words.

    For tests and the synthetic corpus: it needs nothing but the corpus, and is the same on every
    machine for the same corpus.
    """
    tokenizer = _tiny_tokenizer(corpus_texts(corpus))
    settings = {k: v for k, v in kinds.TINY.items() if k not in ("model_type", "vocab_size")}
    config = BertConfig(**settings, vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(config, add_pooling_layer=False)
        if pooled:  # after the others, whose weights are the same with and without it
            model.pooler = BertPooler(config)
            model.pooler.dense.weight.data.normal_(std=config.initializer_range)
            model.pooler.dense.bias.data.zero_()
    revision = hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()[:40]
    return Encoder(TINY, revision, model.eval(), tokenizer, config.vocab_size)


def _tiny_tokenizer(texts: list[str], size: int = 4000) -> PreTrainedTokenizerFast:
    """WordPiece over every character of the texts and their commonest words."""
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    normalizer = normalizers.BertNormalizer(lowercase=False)
    splitter = pre_tokenizers.BertPreTokenizer()
    words: Counter[str] = Counter()
    for text in texts:
        words.update(w for w, _ in splitter.pre_tokenize_str(normalizer.normalize_str(text)))
    characters = sorted({c for word in words for c in word})
    common = sorted(words, key=lambda w: (-words[w], w))[:size]
    pieces = [*specials, *characters, *(f"##{c}" for c in characters), *common]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    backend = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizer
    backend.pre_tokenizer = splitter
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(t, vocabulary[t]) for t in ("[CLS]", "[SEP]")],
    )
    names = ("pad", "unk", "cls", "sep", "mask")
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=kinds.TINY["max_position_embeddings"],
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **{f"{name}_token": token for name, token in zip(names, specials, strict=True)},
    )
