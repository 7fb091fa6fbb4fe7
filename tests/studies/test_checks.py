"""Everything that is wrong with a study is said at once, and before anything of it is made."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2ForSequenceClassification, PreTrainedTokenizerFast

from core.checkpoints import studies
from core.cli.main import main
from core.config import Recipe
from core.errors import InputError
from core.jobs import kinds, queue, slots, worker
from core.models.session import Session
from core.models.usable import encoder_problems
from core.storage import memory
from core.studies import checks, forecast, form, study
from tests.helpers import encoders


@pytest.fixture
def encoder(tmp_path) -> Path:
    encoders.wordpiece(tmp_path / "encoder", positions=130)
    tokenizer = tmp_path / "encoder" / "tokenizer_config.json"
    document = json.loads(tokenizer.read_text())
    tokenizer.write_text(json.dumps(document | {"model_max_length": 10**30}))
    return tmp_path / "encoder"


def corpus(folder: Path, languages="de en", labels="bad good", splits="train validation test"):
    rows = [
        {"text": f"the cat {i} {x} {c}", "label": c, "language": x, "split": s}
        for x in languages.split()
        for c in labels.split()
        for s in splits.split()
        for i in range(8)
    ]
    pd.DataFrame(rows).to_csv(folder / "corpus.csv", index=False)
    return folder / "corpus.csv"


def asked(folder: Path, **more) -> study.Study:
    training = {"max_length": 64} | more.pop("training", {})
    document = {
        "corpus": "corpus.csv",
        "setups": ["balanced", "imbalanced"],
        "encoder": "encoder",
        "groups": [["de"], ["en"]],
    }
    return study.from_document({**document, "training": training, **more}, folder / "s.toml")


def found(wanted: study.Study) -> dict[str, str]:
    return {p.field: p.text for p in checks.problems(wanted, Session())}


def test_nothing_is_wrong_where_nothing_is(encoder, tmp_path) -> None:
    corpus(tmp_path)
    checked = checks.check(asked(tmp_path), Session())
    assert (checked.problems, checked.notes) == ((), ())
    assert checked.planned() is checked.plan


def test_all_problems_are_listed_in_one_refusal(encoder, tmp_path, capsys, monkeypatch) -> None:
    corpus(tmp_path, splits="train validation")
    (tmp_path / "s.toml").write_text(
        'corpus = "corpus.csv"\nsetups = ["balanced"]\nencoder = "encoder"\n'
        'groups = [["de"], ["en"]]\n'
        'external = "nowhere.csv"\n[training]\nmax_length = 512\nfrozen_layers = 3\n'
    )
    monkeypatch.setattr(slots, "start", lambda slot="0": None)
    for options in ([], ["--dry-run"], ["--background"]):
        assert main(["study", str(tmp_path / "s.toml"), *options]) == 2
        said = capsys.readouterr().err
        assert "langskew: 4 things stand in the way:\n1. " in said
        assert "max_length is 512; encoder" in said
        assert "has 130 positions. The largest max_length that works is 130." in said
        assert "The largest frozen_layers that works is 2." in said
        assert "has no row in the split test; its splits are train, validation" in said
        assert "nowhere.csv" in said
    assert not studies.started() and not queue.listing()
    words = form.in_words(said)
    assert "Max length is 512" in words and "The largest Frozen layers that works" in words


def test_the_worker_refuses_a_study_in_the_same_words(encoder, tmp_path) -> None:
    corpus(tmp_path)
    wanted = asked(tmp_path, training={"max_length": 512, "frozen_layers": 3})
    for kind in ("study", "plan"):
        queue.enqueue(kind, "s", {"document": study.to_document(wanted)})
        worker.serve(slots.QUICK if kinds.KINDS[kind].quick else slots.FIRST, idle=0)
    job = queue.find("study-s")
    assert job is not None and job.state == "failed" and "2 things stand in" in job.message
    plan = queue.find("plan-s")  # sizes fit: it is shown, and cannot be started
    assert plan is not None and len(plan.result["problems"]) == 2
    assert not studies.started()


@pytest.mark.parametrize(
    ("made", "more", "field", "message"),
    [
        ({"languages": "de"}, {}, "languages", r"has 1 of languages \(de\)"),
        ({"labels": "good"}, {}, "labels", r"has 1 of labels \(good\)"),
        ({"splits": "train validation"}, {}, "test_per_language", "no row in the split test"),
        ({}, {"train_per_language": 40}, "train_per_language", "that works is 12"),
        ({}, {"training": {"pooling": "released"}}, None, ""),
        ({}, {"groups": [["de"], ["fr"]]}, "", "exactly one of two groups"),
    ],
)
def test_what_is_wrong_with_a_corpus_names_its_field(
    encoder, tmp_path, made, more, field, message
) -> None:
    corpus(tmp_path, **made)
    said = found(asked(tmp_path, **more))
    assert list(said) == ([] if field is None else [field])
    if field is not None:
        assert re.search(message, said[field])


def test_what_is_too_large_for_the_machine_stands_beside_the_rest(
    encoder, tmp_path, monkeypatch
) -> None:
    corpus(tmp_path)
    monkeypatch.setattr(forecast, "_disk_free", lambda: 1000)
    monkeypatch.setattr(memory, "of_machine", lambda: 10**8)
    texts = [p.text for p in checks.problems(asked(tmp_path, training={"max_length": 512}),
                                             Session())]  # fmt: skip
    assert [text.split()[0] for text in texts] == ["max_length", "it", "it"]


def edited(folder: Path, file: str, **entries) -> None:
    path = folder / file
    document = json.loads(path.read_text()) | entries
    path.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))


def test_an_encoder_is_looked_at_before_its_weights_are_read(encoder, tmp_path) -> None:
    def said(**recipe) -> str:
        problems, _ = encoder_problems(str(encoder), Recipe(max_length=64, **recipe))
        return "; ".join(p.text for p in problems)

    (encoder / "model.safetensors").write_bytes(b"not read")
    assert said() == ""
    edited(encoder, "tokenizer_config.json", mask_token=None)
    assert "tokenizer with no mask token, which base values and attributions need." in said()
    edited(encoder, "tokenizer_config.json", pad_token=None)
    assert "no mask token" in said() and "no padding token" in said()
    (encoder / "model.safetensors").rename(encoder / "pytorch_model.bin")
    assert "has no .safetensors weights" in said() and "no mask token" in said()
    (encoder / "tokenizer.json").unlink()
    (encoder / "tokenizer_config.json").unlink()
    assert "no fast tokenizer" in said() and "has no .safetensors weights" in said()
    edited(encoder, "config.json", model_type="gpt2")
    assert said().startswith("encoder") and "of type 'gpt2', which is not supported" in said()
    edited(encoder, "config.json", auto_map={"AutoModel": "mine.Model"})
    assert "names code to be run with the model (auto_map)" in said()


def test_positions_of_roberta_are_those_that_padding_leaves(tmp_path) -> None:
    encoders.unigram(tmp_path, positions=64)  # 66 in config.json
    edited(tmp_path, "tokenizer_config.json", model_max_length=10**30)
    assert encoder_problems(str(tmp_path), Recipe(max_length=64))[0] == []
    [problem] = encoder_problems(str(tmp_path), Recipe(max_length=65))[0]
    assert problem.field == "max_length" and "has 64 positions" in problem.text


def test_a_pooling_layer_that_is_not_there_is_found_by_its_name(encoder, tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(encoder / "model.safetensors")
    save_file({k: v for k, v in weights.items() if "pooler" not in k},
              encoder / "model.safetensors", {"format": "pt"})  # fmt: skip
    [problem] = encoder_problems(str(encoder), Recipe(max_length=64, pooling="released"))[0]
    assert problem.field == "pooling" and "no pretrained pooling layer" in problem.text


def test_a_vocabulary_that_stays_whole_is_said(tmp_path) -> None:
    encoders.of_kind(tmp_path, "modernbert")
    problems, notes = encoder_problems(str(tmp_path), Recipe(max_length=64, frozen_layers=1))
    assert problems == []
    assert "stays whole, as with trim = false" in notes[0] and "in each run anew" in notes[1]
    assert encoder_problems(str(tmp_path), Recipe(max_length=64, trim=False))[1] == []


def gpt2(folder: Path, *, padded: bool) -> None:
    backend = Tokenizer(models.WordLevel({"<end>": 0, "the": 1, "cat": 2}, unk_token="<end>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    more = {"pad_token": "<end>"} if padded else {}
    PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<end>", eos_token="<end>", **more
    ).save_pretrained(folder)
    names = {0: "bad", 1: "good"}
    config = GPT2Config(vocab_size=3, n_positions=32, n_embd=8, n_layer=1, n_head=2,
                        id2label=names, label2id={v: k for k, v in names.items()},
                        pad_token_id=0 if padded else None)  # fmt: skip
    GPT2ForSequenceClassification(config).save_pretrained(folder)


@pytest.mark.parametrize("padded", [True, False])
def test_a_decoder_is_not_imported_and_leaves_no_run(tmp_path, capsys, padded) -> None:
    corpus(tmp_path)
    gpt2(tmp_path / "gpt2", padded=padded)
    command = ["import", str(tmp_path / "gpt2"), "--corpus", str(tmp_path / "corpus.csv")]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "holds a decoder (gpt2)" in said and "no mask token" in said
    assert ("no padding token" in said) != padded
    assert not list(Path(studies.started_folder("x")).parent.parent.glob("*/config.json"))


def test_a_model_of_a_kind_of_its_own_is_not_imported(encoder, tmp_path, capsys) -> None:
    corpus(tmp_path)
    edited(encoder, "config.json", model_type="theirs")
    assert main(["import", str(encoder), "--corpus", str(tmp_path / "corpus.csv")]) == 2
    said = capsys.readouterr().err
    assert "of type 'theirs', which transformers does not have itself" in said
    assert "Traceback" not in said


def test_a_study_without_a_plan_raises_what_stands_in_its_way(encoder, tmp_path) -> None:
    corpus(tmp_path, languages="de")
    with pytest.raises(InputError, match=r"^corpus .* has 1 of languages"):
        checks.check(asked(tmp_path), Session()).planned()


def test_a_prefix_that_leaves_no_room_is_refused(encoder) -> None:
    recipe = Recipe(max_length=6, prefix="the cat sat on ")
    [problem] = encoder_problems(str(encoder), recipe)[0]
    assert problem.field == "prefix" and "has 6 tokens with the special ones" in problem.text
    assert "The smallest max_length that works is 7." in problem.text
    assert encoder_problems(str(encoder), Recipe(max_length=7, prefix=recipe.prefix))[0] == []
