from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from core.attribution.game import games
from core.corpora import corpus
from core.models import encoder, hub
from core.models.plain_text import reader
from core.models.tokens import mask_content, tokenise
from core.models.vocabulary import count_unknown, used_ids
from core.storage.places import cache_dir
from tests.helpers import encoders
from tests.helpers.needs import missing

SPECIAL = ["<s>", "</s>", "<pad>", "<unk>", "<mask>", "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def bpe(folder: Path) -> None:
    """RoBERTa-like, of bytes."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {p: i for i, p in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *letters])}
    backend = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", ignore_merges=True))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    save(backend, folder, "<s>", "</s>")


def whole_words(folder: Path) -> None:
    """WordPiece behind a splitter that leaves `[MASK]` whole."""
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat"]
    backend = Tokenizer(models.WordPiece({p: i for i, p in enumerate(names)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    save(backend, folder, "[CLS]", "[SEP]")


def save(backend: Tokenizer, folder: Path, cls: str, sep: str) -> None:
    others = {k: cls[0] + k + cls[-1] for k in ("pad", "unk", "mask")}
    if cls == "[CLS]":
        others = {k: v.upper() for k, v in others.items()}
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=64,
        cls_token=cls,
        sep_token=sep,
        **{f"{k}_token": v for k, v in others.items()},
    ).save_pretrained(folder)


MAKERS = [encoders.unigram, encoders.wordpiece, bpe, whole_words]


@pytest.fixture(scope="module", params=MAKERS, ids=lambda make: make.__name__)
def tokenizer(request, tmp_path_factory) -> PreTrainedTokenizerFast:
    folder = tmp_path_factory.mktemp(request.param.__name__)
    request.param(folder)
    return AutoTokenizer.from_pretrained(folder)


def content(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> list[tuple[int, ...]]:
    return [t.ids[1:-1] for t in tokenise(tokenizer, texts, None, 64)]


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("around", ["{}", "the {} cat", "the cat{}", "{}{}", "the{}cat sat"])
def test_the_name_of_a_special_token_is_text(tokenizer, name, around) -> None:
    text = around.replace("{}", name)
    [ids] = content(tokenizer, [text])
    allowed = {tokenizer.unk_token_id}
    assert ids
    assert not set(ids) & (set(tokenizer.all_special_ids) - allowed)
    [game] = games(tokenizer, [text], None, 64)
    assert game.tokens.ids[1:-1] == ids
    assert game.players.tolist() == list(range(1, len(ids) + 1))  # all of it plays
    assert set(mask_content(game.tokens, tokenizer).ids[1:-1]) == {tokenizer.mask_token_id}
    assert "".join(game.pieces).replace(" ", "") == text.replace(" ", "")


def test_a_name_in_full_width_letters_is_text_too(tmp_path) -> None:
    """NFKC turns them into the name, behind the place where special tokens are looked for."""
    encoders.unigram(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.mask_token_id in tokenizer("＜mask＞")["input_ids"]
    assert tokenizer.mask_token_id not in content(tokenizer, ["＜mask＞"])[0]


WORDS = st.text(st.sampled_from("the cat sat on mat aaab ▁#<>[]/.,éß漢\u202e\x00\n"), max_size=40)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), st.integers(8, 20))
def test_every_other_text_is_read_as_before(tokenizer, pairs, length) -> None:
    for text in (x for pair in pairs for x in pair):
        if any(name in text for name in SPECIAL):
            return
    first, second = map(list, zip(*pairs, strict=True))
    for texts_b in (None, second):
        ours = tokenise(tokenizer, first, texts_b, length)
        theirs = tokenizer(first, texts_b, truncation=True, max_length=length)
        assert [list(t.ids) for t in ours] == theirs["input_ids"]
        assert [t.types and list(t.types) for t in ours] == theirs.get(
            "token_type_ids", [None] * len(ours)
        )


def test_a_pair_has_separators_where_it_ends_only(tokenizer) -> None:
    sep = tokenizer.sep_token
    [ordinary] = tokenise(tokenizer, ["the cat"], ["sat"], 64)
    [told] = tokenise(tokenizer, [f"the {sep} cat"], [f"sat {sep}"], 64)
    assert told.ids.count(tokenizer.sep_token_id) == ordinary.ids.count(tokenizer.sep_token_id)


def test_the_reader_is_made_once_and_leaves_the_tokenizer_alone(tokenizer) -> None:
    before = tokenizer.backend_tokenizer.to_str()
    assert reader(tokenizer) is reader(tokenizer)
    assert tokenizer.backend_tokenizer.to_str() == before
    assert tokenizer(tokenizer.mask_token)["input_ids"][1] == tokenizer.mask_token_id


@pytest.mark.parametrize("make", [encoders.unigram, encoders.wordpiece], ids=lambda m: m.__name__)
def test_trimming_keeps_what_the_names_are_made_of(make, tmp_path) -> None:
    make(tmp_path / "encoder")
    texts = ["the cat <s> sat", "the [MASK] mat", "cat<mask>", "dog ran"]
    lines = [f'{{"text": "{t}", "label": "{i % 2}", "language": "en"}}' for i, t in
             enumerate(texts)]  # fmt: skip
    (tmp_path / "c.jsonl").write_text("\n".join(lines))
    loaded = corpus.load(str(tmp_path / "c.jsonl"))
    whole, cut = (
        encoder.load(str(tmp_path / "encoder"), loaded, trimmed=trimmed).tokenizer
        for trimmed in (False, True)
    )
    assert len(cut) < len(whole)
    for one, other in zip(content(whole, texts), content(cut, texts), strict=True):
        assert whole.convert_ids_to_tokens(one) == cut.convert_ids_to_tokens(other)
    assert count_unknown(cut, texts) == count_unknown(whole, texts)


def test_the_embedded_encoder_reads_names_as_text(real_cache, tmp_path) -> None:
    folder = cache_dir() / "encoders" / hub.EMBEDDED
    if not (folder / "tokenizer.json").is_file():
        missing("the embedded encoder is not fetched; `make fetch` does")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = ["<s>", "a <mask> b", "</s></s>", "<pad> x", "ok <unk>", "＜mask＞"]
    for ids in content(tokenizer, texts):
        assert not set(ids) & set(tokenizer.all_special_ids)
    ordinary = ["Sehr zu empfehlen!", "全く駄目でした。", "Je ne sais pas, <b>vraiment</b>.", ""]
    theirs = tokenizer(ordinary, ordinary[::-1], truncation=True, max_length=16)["input_ids"]
    ours = tokenise(tokenizer, ordinary, ordinary[::-1], 16)
    assert [list(t.ids) for t in ours] == theirs
    used = used_ids(tokenizer, texts, str(tmp_path))
    assert np.isin(np.concatenate(content(tokenizer, texts)), used).all()
