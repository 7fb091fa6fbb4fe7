"""From end to end: what a run stores is what its saved model says in plain transformers.

Dropout is on, as pretrained; the oracle reads the saved model, one text at a time, without padding,
and shares no code with what wrote the files.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from transformers import AutoTokenizer

from core.attribution.attribute import attribute
from core.attribution.exact import exact
from core.attribution.explain import group
from core.attribution.game import games
from core.attribution.pool import answer
from core.checkpoints import run_folders, studies
from core.cli.main import main
from core.jobs.ask import ask_runs
from core.models import frozen
from core.models.imported import open_model
from core.models.session import Session
from core.progress import Cancelled
from core.studies import planning, study
from core.training import evaluation
from core.training.run import train_run
from tests.helpers import encoders

LABELS = ("bad", "fair", "good")
WORDS = ("the", "cat", "sat", "on", "mat", "aaa", "bbb", "c", "dog", "ran")
SIZES = {"train": 24, "validation": 12, "test": 12}  # rows a language
TRAINING = {"epochs": 2, "batch_size": 8, "accumulation": 1, "max_length": 16}
EXACT = 1e-5
PROBES = {
    "accuracy": LogisticRegression(max_iter=1000),
    "accuracy_released": LogisticRegression(C=1e-4, max_iter=1000),
    "knn": KNeighborsClassifier(15),
}


def corpus(folder: Path, *, pairs: bool) -> Path:
    """Two languages and three labels, of the words that the small encoders know."""
    rng = np.random.default_rng(0)

    def text(label: int) -> str:
        return " ".join([WORDS[5 + label], *rng.choice(WORDS, rng.integers(2, 9))])

    rows = [
        {
            **({"premise": text(c), "hypothesis": text(c)} if pairs else {"text": text(c)}),
            "label": LABELS[c],
            "language": language,
            "split": split,
            "sentence": f"{split} {i} {c}",
        }
        for split, n in SIZES.items()
        for language in ("en", "fr")
        for i, c in itertools.product(range(n), range(3))
    ]
    pd.DataFrame(rows).to_csv(folder / "corpus.csv", index=False)
    return folder / "corpus.csv"


def asked(
    folder: Path, kind: str, training: dict[str, Any], setups: str, *, pairs: bool = False
) -> study.Study:
    """A study of one small encoder with random weights, large enough that texts differ."""
    (folder / "encoder").mkdir()
    own = {"bert": encoders.wordpiece, "xlm-roberta": encoders.unigram}
    own.get(kind, lambda path: encoders.of_kind(path, kind))(folder / "encoder")
    model = transformers.AutoModel.from_pretrained(folder / "encoder")
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(8 if weight.ndim == 2 else 1)
    model.save_pretrained(folder / "encoder")
    document = {
        "corpus": str(corpus(folder, pairs=pairs)),
        "encoder": str(folder / "encoder"),
        "setups": setups.split(),
        "groups": [["en"], ["fr"]],
        "labels": list(LABELS),
        "training": {"learning_rate": 1e-3, "head_learning_rate": 1e-2, **TRAINING, **training},
        **{f"{split}_per_language": n for split, n in SIZES.items()},
    }
    return study.from_document(document, folder / "stored.toml")


def started(wanted: study.Study) -> list[str]:
    """Record a study and make its run folders, as `python -m core study` does; their ids."""
    plan = planning.plan(wanted, Session())
    planning.record(plan)
    return [run_folders.create(config) for config in plan.runs.values()]


def finish(run_id: str, session: Session | None = None) -> None:
    session = session or Session()
    train_run(run_id, session)
    evaluation.complete(run_id, session)


class Plain:
    """The saved model in plain transformers, and the test texts from the corpus file."""

    def __init__(self, run_id: str) -> None:
        folder = run_folders.folder(run_id)
        kind = transformers.AutoConfig.from_pretrained(folder / "model").architectures[0]
        self.sequence = kind.endswith("ForSequenceClassification")
        self.tokenizer = AutoTokenizer.from_pretrained(folder / "model")
        self.model = getattr(transformers, kind).from_pretrained(folder / "model").eval()
        config = self.model.config
        names = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "mlp_dropout")
        assert max(getattr(config, name, 0) for name in names) >= 0.1
        self.labels = [config.id2label[i] for i in range(3)]
        given = run_folders.read_config(run_id)
        self.longest, self.prefix = given.training.max_length, given.training.prefix
        self.rows = Session().corpus(given).table.to_pandas().set_index("row")

    def __call__(self, row: str, *, masked: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities and the vector that the head reads."""
        texts = [x for x in self.rows.loc[row, ["text", "text_b"]] if isinstance(x, str)]
        given, content = self.encoded(texts)
        if masked:
            assert content.any()
            given["input_ids"][0, content] = self.tokenizer.mask_token_id
        return self.outputs(given)

    def encoded(self, texts: Sequence[str]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """A text or pair as the model is given it, and which of its tokens are content."""
        given = self.tokenizer(
            *(self.prefix + text for text in texts),
            truncation=True,
            max_length=self.longest,
            return_tensors="pt",
        )
        ids = given["input_ids"][0].tolist()
        special = self.tokenizer.get_special_tokens_mask(ids, already_has_special_tokens=True)
        content = torch.tensor(special) == 0
        before = self.tokenizer(self.prefix.strip(), add_special_tokens=False)["input_ids"]
        if before:
            starts = [i for i in range(len(ids)) if ids[i : i + len(before)] == before]
            assert len(starts) == len(texts)
            for start in starts:
                content[start : start + len(before)] = False
        return dict(given), content

    def outputs(self, given: dict[str, torch.Tensor]) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities and vector of an encoded text."""
        with torch.no_grad():
            output = self.model(**given, output_hidden_states=True)
        cls = output.hidden_states[-1][0, 0]
        if not self.sequence:
            return output.logits[0, 0].softmax(-1).numpy(), cls.numpy()
        if (pooler := getattr(self.model.base_model, "pooler", None)) is not None:
            cls = pooler(output.hidden_states[-1]).detach()[0]
        return output.logits[0].softmax(-1).numpy(), cls.numpy()


def check(run_id: str, name: str) -> None:
    """Everything stored of a run against the oracle."""
    folder, plain = run_folders.folder(run_id), Plain(run_id)
    stored = pd.read_parquet(folder / "predictions.parquet").set_index("row")
    vectors = pd.read_parquet(folder / "embeddings.parquet").set_index("row")["cls"]
    assert len(stored) == 2 * SIZES["test"]
    columns = [f"p_{label}" for label in plain.labels]
    said = {row: plain(row) for row in stored.index}
    for row, (probabilities, cls) in said.items():
        np.testing.assert_allclose(
            stored.loc[row, columns].astype(float), probabilities, atol=EXACT
        )
        np.testing.assert_allclose(vectors[row], cls, atol=EXACT)
    assert stored[columns].to_numpy().std(axis=0).max() > 1e-3  # texts are told apart at all

    base = pd.read_parquet(folder / "base_values.parquet")
    masked = {row: plain(row, masked=True)[0] for row in stored.index}
    mean = np.average(base[columns].to_numpy(), axis=0, weights=base["texts"])
    np.testing.assert_allclose(mean, np.mean(list(masked.values()), axis=0), atol=EXACT)

    rows = pd.read_parquet(folder / "embeddings.parquet")
    probes = json.loads((folder / "probes.json").read_text())["original"]
    for key, model in PROBES.items():
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
        scores = cross_val_score(
            model, np.stack(rows["cls"]), rows["language"], groups=rows["sentence"], cv=folds
        )
        assert probes[key] == pytest.approx(scores.mean(), abs=1e-9)
    assert (probes["n"], probes["chance"]) == (len(rows), 0.5)

    done = attribute(
        studies.read_started(name), Session(), lambda what, share: None, per_language=3
    )
    files = sorted((folder / "attributions" / done.key).glob("*.parquet"))
    explained = pd.concat([pd.read_parquet(file) for file in files])
    assert len(explained) == 2 * 3 * 3  # two languages, three texts, three classes
    for found in explained.to_dict("records"):
        c = plain.labels.index(found["class"])
        assert found["output"] == pytest.approx(said[found["row"]][0][c], abs=EXACT)
        assert found["base"] == pytest.approx(masked[found["row"]][c], abs=EXACT)
        total = found["base"] + np.sum(found["values"])
        assert total == pytest.approx(said[found["row"]][0][c], abs=EXACT)


KINDS: dict[str, dict[str, Any]] = {
    "all layers trained": {"kind": "xlm-roberta", "training": {}},
    "frozen layers": {"kind": "xlm-roberta", "training": {"frozen_layers": 2}},
    "frozen layers, BERT, not trimmed": {
        "kind": "bert",
        "training": {"frozen_layers": 1, "trim": False},
    },
    "entropy": {
        "kind": "xlm-roberta",
        "training": {"frozen_layers": 1},
        "setups": "imbalanced+cw+entropy",
    },
    "pooled output": {"kind": "bert", "training": {"pooling": "released"}},
    "pooled output, frozen layers, released entropy": {
        "kind": "bert",
        "training": {"pooling": "released", "frozen_layers": 2, "masked_input": "released"},
        "setups": "imbalanced+entropy",
    },
    "pairs": {"kind": "bert", "training": {}, "pairs": True},
    "prefix": {
        "kind": "xlm-roberta",
        "training": {"frozen_layers": 1, "prefix": "mat mat: "},
        "setups": "imbalanced+entropy",
    },
    "prefix, pairs": {
        "kind": "bert",
        "training": {"prefix": "mat mat: ", "max_length": 24},
        "pairs": True,
    },
    "pairs, frozen layers, not trimmed": {
        "kind": "xlm-roberta",
        "training": {"frozen_layers": 2, "trim": False},
        "pairs": True,
    },
}


# Encoders that core.models.layer does not compute, and ELECTRA: a study each.
OTHERS: dict[str, dict[str, Any]] = {
    "distilbert": {"training": {"frozen_layers": 1}},
    "electra": {"training": {"frozen_layers": 2}},
    "deberta": {"training": {}},
    "deberta-v2": {"training": {"frozen_layers": 2}, "setups": "balanced imbalanced+cw+entropy"},
    "modernbert": {"training": {"frozen_layers": 1}, "pairs": True},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_encoders_of_other_kinds_are_trained_and_explained(kind, tmp_path) -> None:
    wanted = asked(tmp_path, kind, **{"setups": "balanced imbalanced", **OTHERS[kind]})
    session, runs = Session(), started(replace(wanted, nulls=0))
    for run_id in runs:
        finish(run_id, session)
    check(runs[1], "stored")
    cut = encoders.OTHER_KINDS[kind][1] != "BPE"  # whose merges hang on tokens that no text has
    texts = ["the", "c aaa"] if cut else ["the", "c"]
    check_exact_values(runs[1], *(texts if "pairs" in OTHERS[kind] else [" ".join(texts)]))
    sizes = json.loads((run_folders.folder(runs[1]) / "metrics.json").read_text())
    assert (sizes["vocabulary"] < sizes["full_vocabulary"]) == cut
    frozen_layers = wanted.training.frozen_layers
    expected = {*"012"[frozen_layers:], *([] if frozen_layers else ["below"])}
    assert parts_that_moved(runs[1], tmp_path / "encoder") == expected
    for method, budget in (("permutation", 2), ("partition", 20), ("integrated_gradients", 30)):
        done = attribute(studies.read_started("stored"), session, lambda what, share: None,
                         per_language=3, method=method, budget=budget)  # fmt: skip
        assert done.computed == len(runs) * done.texts == len(runs) * 6


def check_exact_values(run_id: str, *texts: str) -> None:
    """A text's values by their definition, over all coalitions in plain transformers."""
    plain, config = Plain(run_id), run_folders.read_config(run_id)
    given, content = plain.encoded(texts)
    players = np.flatnonzero(content).tolist()
    assert 3 <= len(players) <= 5
    value = {}
    for kept in itertools.product([False, True], repeat=len(players)):
        ids = given["input_ids"].clone()
        absent = [p for p, is_kept in zip(players, kept, strict=True) if not is_kept]
        ids[0, absent] = plain.tokenizer.mask_token_id
        value[kept] = plain.outputs({**given, "input_ids": ids})[0].astype(float)
    orders = list(itertools.permutations(range(len(players))))
    expected = np.zeros((len(players), 3))
    for order in orders:
        kept = [False] * len(players)
        for i in order:
            before = value[tuple(kept)]
            kept[i] = True
            expected[i] += (value[tuple(kept)] - before) / len(orders)
    assert np.abs(expected).max() > 1e-4
    model = open_model(run_folders.folder(run_id) / "model", config)
    [game] = games(model.tokenizer, texts[:1], texts[1:] or None, plain.longest, plain.prefix)
    assert game.players.tolist() == players
    [(_, found)] = answer(group({"it": model}), [game], lambda number: exact(game.size))
    np.testing.assert_allclose(found["it"].estimate.values, expected, atol=EXACT)


def parts_that_moved(run_id: str, encoder: Path) -> set[str]:
    """Numbers of the layers whose weights training changed, `below` for what they stand on."""
    trained, moved = Plain(run_id).model.base_model.state_dict(), set()
    for name, before in transformers.AutoModel.from_pretrained(encoder).state_dict().items():
        if before.shape == trained[name].shape and not torch.equal(trained[name], before):
            number = re.search(r"layers?\.(\d)\.", name)
            moved.add(number[1] if number else "above" if "final_norm" in name else "below")
    return moved - {"above"}


@pytest.mark.parametrize("recipe", KINDS)
def test_what_is_stored_is_what_the_saved_model_says(recipe, tmp_path) -> None:
    given = {"setups": "imbalanced", **KINDS[recipe]}
    (run_id,) = started(asked(tmp_path, **given))
    finish(run_id)
    check(run_id, "stored")
    if "prefix" in given["training"]:
        for method in ("partition", "integrated_gradients"):
            explained_without_prefix(run_id, method)
        check_exact_values(run_id, *(["the c", "aaa"] if "pairs" in given else ["the c aaa"]))


def explained_without_prefix(run_id: str, method: str) -> None:
    """A method's tokens are those of the text, with the special ones where it has them."""
    started = studies.read_started("stored")
    done = attribute(started, Session(), lambda what, share: None, per_language=3, method=method)
    plain, uncut = Plain(run_id), 0
    for file in (run_folders.folder(run_id) / "attributions" / done.key).glob("*.parquet"):
        for found in pd.read_parquet(file).to_dict("records"):
            texts = [
                x for x in plain.rows.loc[found["row"], ["text", "text_b"]] if isinstance(x, str)
            ]
            given, content = plain.encoded(texts)
            shown = content.sum() + (len(texts) + 1 if method == "partition" else 0)
            assert len(found["tokens"]) == shown
            kept = "".join(found["tokens"]).replace(" ", "")
            if given["input_ids"].shape[1] < plain.longest:  # not cut
                assert kept == "".join(texts).replace(" ", "")
                uncut += 1
            if method == "partition":
                total = found["base"] + np.sum(found["values"])
                assert total == pytest.approx(found["output"], abs=EXACT)
    assert uncut


def test_also_where_the_frozen_states_are_too_large_to_keep(tmp_path, monkeypatch) -> None:
    (run_id,) = started(asked(tmp_path, "xlm-roberta", {"frozen_layers": 2}, "imbalanced"))
    monkeypatch.setattr(frozen.FrozenStates.__init__, "__defaults__", (0,))
    assert frozen.FrozenStates().max_bytes == 0
    finish(run_id)
    check(run_id, "stored")


def test_also_of_a_run_that_was_stopped_and_went_on(tmp_path, monkeypatch) -> None:
    """In a new process: nothing is shared with what ran before."""
    wanted = asked(tmp_path, "xlm-roberta", {"frozen_layers": 2}, "imbalanced")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "undisturbed"))
    (run_id,) = started(wanted)
    finish(run_id)
    expected = pd.read_parquet(run_folders.folder(run_id) / "predictions.parquet")

    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "stopped"))
    started(wanted)

    def until_the_second_epoch(what: str, share: float) -> None:
        if what == "training" and share > 0.7:
            raise Cancelled

    with pytest.raises(Cancelled):
        train_run(run_id, Session(), until_the_second_epoch)
    assert any((run_folders.folder(run_id) / "resume").iterdir())
    finish(run_id)
    found = pd.read_parquet(run_folders.folder(run_id) / "predictions.parquet")
    pd.testing.assert_frame_equal(found, expected, check_exact=False, atol=EXACT)
    check(run_id, "stored")


def test_also_of_an_imported_model(tmp_path) -> None:
    wanted = asked(tmp_path, "bert", {"frozen_layers": 1, "pooling": "released"}, "imbalanced")
    (run_id,) = started(wanted)
    finish(run_id)
    assert main(["import", str(run_folders.folder(run_id) / "model"), "--study", "stored"]) == 0
    brought = next(m.run for m in studies.read_started("stored").members if m.setup == "imported")
    check(brought, "stored")


def test_a_study_in_two_fresh_folders_gives_the_same_numbers(tmp_path, monkeypatch) -> None:
    wanted = asked(tmp_path, "xlm-roberta", {"frozen_layers": 2}, "balanced imbalanced")
    found = []
    for name in ("one", "other"):
        monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / name))
        session, runs = Session(), started(wanted)
        for run_id in runs:
            finish(run_id, session)
        found.append([stored(run_id) for run_id in runs])
    assert len(found[0]) == 3  # with the null
    for one, other in zip(*found, strict=True):
        for name, frame in one.items():
            pd.testing.assert_frame_equal(other[name], frame, check_exact=False, atol=1e-6)
    assert not np.allclose(*(of["predictions.parquet"].filter(like="p_") for of in found[0][:2]))


def stored(run_id: str) -> dict[str, pd.DataFrame]:
    names = ("predictions.parquet", "base_values.parquet", "subset.parquet")
    found = {name: pd.read_parquet(run_folders.folder(run_id) / name) for name in names}
    vectors = pd.read_parquet(run_folders.folder(run_id) / "embeddings.parquet")["cls"]
    return found | {"vectors": pd.DataFrame(np.stack(vectors))}


# --- runs of the version that evaluated frozen layers with dropout ------------------------------


@pytest.fixture
def old(tmp_path) -> str:
    """A finished run with frozen layers as the faulty version left it: without the file FORMAT."""
    (run_id,) = started(asked(tmp_path, "xlm-roberta", {"frozen_layers": 2}, "imbalanced"))
    finish(run_id)
    attribute(studies.read_started("stored"), Session(), lambda what, share: None, per_language=3)
    (run_folders.folder(run_id) / "FORMAT").unlink()
    return run_id


def test_an_old_run_with_frozen_layers_is_said_to_be_faulty(old, capsys) -> None:
    assert run_folders.is_complete(old) and not run_folders.is_current(old)
    assert "dropout" in run_folders.read_status(old)["message"]
    for words in (["show", "stored"], ["show", old], ["runs"]):
        capsys.readouterr()
        assert main(words) == 0
        assert "frozen layers ran with dropout" in capsys.readouterr().out


def test_an_old_run_is_trained_anew_when_asked_and_keeps_its_id(old, tmp_path) -> None:
    folder = run_folders.folder(old)
    frame = pd.read_parquet(folder / "predictions.parquet")
    frame["p_bad"] = 0.0  # as the faulty version: not what the model says
    frame.to_parquet(folder / "predictions.parquet")
    plan = planning.plan(study.read("stored"), Session())
    assert list(plan.runs) == [old]
    assert [job.name for job in ask_runs(plan)] == [old]
    assert not (folder / "resume").exists()
    finish(old)
    assert run_folders.is_current(old)
    assert not (folder / "attributions").exists()  # of another model
    check(old, "stored")
    assert ask_runs(plan) == []


def test_an_old_run_that_was_interrupted_begins_anew(tmp_path) -> None:
    """Its resume state was trained on states with dropout."""
    (run_id,) = started(asked(tmp_path, "xlm-roberta", {"frozen_layers": 2}, "imbalanced"))

    def until_the_second_epoch(what: str, share: float) -> None:
        if what == "training" and share > 0.7:
            raise Cancelled

    with pytest.raises(Cancelled):
        train_run(run_id, Session(), until_the_second_epoch)
    (run_folders.folder(run_id) / "FORMAT").unlink()
    shares = []
    train_run(run_id, Session(), lambda what, x: shares.append(x) if what == "training" else None)
    assert min(shares) < 0.5  # from the first epoch on


def test_an_old_run_without_frozen_layers_is_sound(tmp_path) -> None:
    (run_id,) = started(asked(tmp_path, "xlm-roberta", {}, "imbalanced"))
    finish(run_id)
    (run_folders.folder(run_id) / "FORMAT").unlink()
    assert run_folders.is_current(run_id)
    assert run_folders.read_status(run_id)["message"] == ""
    assert ask_runs(planning.plan(study.read("stored"), Session())) == []
