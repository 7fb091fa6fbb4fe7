"""Small encoders with random weights in transformers' layout, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    BertConfig,
    BertModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaModel,
)


def unigram(folder: Path, positions: int = 64) -> None:
    """An XLM-R-like model with random weights in a folder, its ids as in the original."""
    words = ["the", "cat", "sat", "on", "mat", "aaa", "bbb", "c", "dog", "ran", "a", "b", "t"]
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    pieces += [(f"▁{w}", -3.0 - i / 10) for i, w in enumerate(words)]
    pieces += [(c, -6.0) for c in "thecasonmrdgb"] + [("▁", -5.0), ("<mask>", 0.0)]
    backend = Tokenizer(models.Unigram(pieces, unk_id=3))
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    ids = [("<s>", 0), ("</s>", 2)]
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=ids
    )
    names = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>"}
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=positions,
        model_input_names=["input_ids", "attention_mask"],
        unk_token="<unk>",
        mask_token="<mask>",
        **{f"{k}_token": v for k, v in names.items()},
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(pieces) + 5,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=positions + 2,
        type_vocab_size=1,
        pad_token_id=1,
    )
    XLMRobertaModel(config).save_pretrained(folder)


def wordpiece(folder: Path, positions: int = 64) -> None:
    """A BERT-like model with random weights in a folder, with token types and a pooler."""
    words = ["the", "cat", "sat", "on", "mat", "aaa", "bbb", "c", "dog", "ran"]
    letters = sorted(set("".join(words)))
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = [*names, *words, *(x for x in letters if x not in words), *(f"##{x}" for x in letters)]
    backend = Tokenizer(models.WordPiece({t: i for i, t in enumerate(tokens)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    kinds = ("pad", "unk", "cls", "sep", "mask")
    PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=positions,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **{f"{k}_token": v for k, v in zip(kinds, names, strict=True)},
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokens),
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=positions,
    )
    BertModel(config).save_pretrained(folder)


# Settings of small encoders of further kinds, and their tokenizers' algorithms.
_SIZES = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
_SIZES |= {"intermediate_size": 48, "max_position_embeddings": 64}
OTHER_KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "distilbert": (
        {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48, "max_position_embeddings": 64},
        "WordPiece",
    ),
    "electra": (_SIZES | {"embedding_size": 16}, "WordPiece"),
    "deberta": (_SIZES | {"relative_attention": True, "pos_att_type": ["c2p", "p2c"],
                          "position_biased_input": False, "type_vocab_size": 0}, "BPE"),
    # As mDeBERTa-v3 has them.
    "deberta-v2": (_SIZES | {"relative_attention": True, "position_buckets": 16,
                             "norm_rel_ebd": "layer_norm", "share_att_key": True,
                             "pos_att_type": ["p2c", "c2p"], "position_biased_input": False,
                             "conv_kernel_size": 3, "type_vocab_size": 0}, "Unigram"),
    "modernbert": (_SIZES | {"local_attention": 8, "global_attn_every_n_layers": 2,
                             "attention_dropout": 0.1, "embedding_dropout": 0.1,
                             "mlp_dropout": 0.1, "classifier_dropout": 0.1}, "BPE"),
}  # fmt: skip


def of_kind(folder: Path, kind: str) -> None:
    """An encoder of one of OTHER_KINDS with random weights in a folder."""
    sizes, algorithm = OTHER_KINDS[kind]
    tokenizer = _tokenizer(algorithm)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    # Rows to spare, as real ones have.
    config = AutoConfig.for_model(
        kind,
        vocab_size=len(tokenizer) + 3,
        **sizes,
        **{f"{name}_token_id": i for i, name in enumerate(("pad", "cls", "sep"))},
    )
    AutoModel.from_config(config).save_pretrained(folder)


def _tokenizer(algorithm: str) -> PreTrainedTokenizerFast:
    """Of the words that the other encoders here know."""
    words = ["the", "cat", "sat", "on", "mat", "aaa", "bbb", "c", "dog", "ran"]
    letters = sorted(set("".join(words)))
    names = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    if algorithm == "WordPiece":
        pieces = [*names, "[MASK]", *dict.fromkeys([*words, *letters])]
        pieces += [f"##{x}" for x in letters]
        vocabulary = {piece: i for i, piece in enumerate(pieces)}
        backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
        backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    elif algorithm == "Unigram":  # [MASK] is added behind the pieces
        scored = [(name, 0.0) for name in names] + [("▁", -5.0)]
        scored += [(f"▁{w}", -3.0 - i / 10) for i, w in enumerate(words)]
        scored += [(x, -6.0) for x in letters if x not in words]
        backend = Tokenizer(models.Unigram(scored, unk_id=3))
        backend.normalizer = normalizers.NFKC()
        backend.pre_tokenizer = pre_tokenizers.Metaspace()
        backend.decoder = decoders.Metaspace()
    else:  # every byte, and merges of some words
        pieces = [*names, "[MASK]", *sorted(pre_tokenizers.ByteLevel.alphabet())]
        merges = [("Ġ", "t"), ("Ġt", "h"), ("Ġth", "e"), ("Ġ", "c"), ("a", "a"), ("b", "b")]
        pieces += ["".join(pair) for pair in merges]
        vocabulary = {piece: i for i, piece in enumerate(pieces)}
        backend = Tokenizer(models.BPE(vocabulary, merges))
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    # As mmBERT's, whose tokenizer has no other names for them.
    kinds = ("pad", *(("bos", "eos") if algorithm == "BPE" else ("cls", "sep")), "unk", "mask")
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=64,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **{f"{k}_token": v for k, v in zip(kinds, [*names, "[MASK]"], strict=True)},
    )
