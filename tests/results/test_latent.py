from __future__ import annotations

import base64
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.charts import latent as charts
from core.charts.palette import LANGUAGE_SHAPES
from core.checkpoints import run_folders, studies
from core.corpora.texts import texts_file
from core.figures import export, probe_sentences
from core.figures import latent as figures
from core.figures import latent_sentences as reading
from core.results import latent, projection, study_results
from tests.helpers.started import small_study


@pytest.fixture
def shown(projected, monkeypatch) -> tuple[dict, projection.Projection, pd.DataFrame]:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(projected))
    document = study_results.summary(small_study())
    found = projection.read(small_study())
    file = texts_file(run_folders.read_config(found.runs[0]))
    return document, found, latent.texts(found, file)


def test_texts_and_predictions_of_each_run_are_those_of_its_files(
    shown, projected, study_file
) -> None:
    document, found, frame = shown
    corpus = pq.read_table(study_file.parent / "reviews.parquet").to_pandas()
    assert set(frame["text"]) <= set(corpus["text"])
    known = corpus.set_index(["text", "language"])
    for row in frame.sample(20, random_state=0).itertuples():
        assert row.label in known.loc[[(row.text, row.language)], "label"].tolist()
    for run_id in found.runs:
        stored = pd.read_parquet(projected / run_id / "predictions.parquet").set_index("row")
        stored = stored.loc[frame["row"]]
        columns = [f"p_{label}" for label in document["labels"]]
        expected = np.array(document["labels"])[stored[columns].to_numpy().argmax(axis=1)]
        given = latent.predictions(run_id, frame["row"])
        assert given["predicted"].tolist() == expected.tolist()
        right = given["correct"] == "right"
        assert right.tolist() == (expected == frame["label"]).tolist()
        np.testing.assert_allclose(given[columns].to_numpy(), stored[columns].to_numpy())


def test_without_the_corpus_there_are_places_without_texts(shown) -> None:
    _, found, frame = shown
    bare = latent.texts(found, None)
    assert bare["text"].eq("").all()
    columns = [c for c in frame if c.startswith(("x_", "same_"))]
    pd.testing.assert_frame_equal(bare[columns], frame[columns])


def test_an_excerpt_is_short_and_isolated() -> None:
    assert latent.excerpt("שלום") == "\u2068שלום\u2069"
    cut = latent.excerpt("x" * 400)
    assert len(cut) == latent.SHOWN_CHARACTERS + 2
    assert cut.endswith("x…\u2069")


def test_the_selection_is_a_table_with_probabilities_of_the_label(shown) -> None:
    document, found, frame = shown
    runs = [run for run in latent.panels(document["runs"], found).values() if run is not None]
    predicted = {run["run"]: latent.predictions(run["run"], frame["row"]) for run in runs}
    chosen = frame.iloc[20:27]
    table, columns = latent.selection_table(chosen, runs, predicted, document["labels"])
    assert columns[:3] == ["language", "label", "text"]
    assert len(columns) == 3 + 2 * 4 and set(columns) <= set(table)
    assert table["row"].tolist() == chosen["row"].tolist()
    for run in runs:
        name = f"{latent.setup_name(run)}, seed {run['seed']}"
        for i in range(7):
            label, said = table["label"].iloc[i], table[name].iloc[i]
            of = {x: table[f"p({x}), {name}"].iloc[i] for x in document["labels"]}
            assert table[f"p(label), {name}"].iloc[i] == of[label]
            assert max(of, key=of.get) == said
            assert sum(of.values()) == pytest.approx(1, abs=1e-5)
    nothing, _ = latent.selection_table(frame.head(0), runs, predicted, document["labels"])
    assert nothing.empty and list(nothing) == list(table)
    text = reading.selection_reading(document, runs, frame, predicted)
    assert text.startswith("**144 texts**") and "de 24" in text
    right = (predicted[runs[0]["run"]]["correct"] == "right").mean()
    assert f"balanced, seed 0 {100 * right:.0f}\u00a0%" in text


def test_kinds_of_texts_are_what_their_files_say(shown) -> None:
    document, found, frame = shown
    run_id = found.runs[1]
    predicted = latent.predictions(run_id, frame["row"])

    def kind(colour: str, panel: str = run_id, label: str = "positive") -> list[str]:
        of = None if panel == projection.UNTUNED else predicted
        return latent.kind_of_texts(document, found, panel, of, colour, label).tolist()

    assert kind("language") == frame["language"].tolist()
    assert kind("label") == frame["label"].tolist()
    assert kind("prediction") == predicted["predicted"].tolist()
    assert set(kind("correctness", projection.UNTUNED)) == {latent.UNTOLD}
    first, second = (set(group) for group in document["groups"])
    side = dict(zip(frame["language"], kind("group"), strict=True))
    over = {x for x, s in side.items() if s == "over-represented"}
    assert over in (first, second)
    other = dict(zip(frame["language"], kind("group", label="negative"), strict=True))
    assert {x for x, s in other.items() if s == "over-represented"} == (first | second) - over
    shares = found.texts[f"same_{run_id}"]
    for said, share in zip(kind("neighbours"), shares, strict=True):
        chance = found.same[run_id].chance
        expected = "chance or less" if share <= chance else "above chance"
        assert said == ("more than half" if share > 0.5 else expected)
    for colour in latent.colours(document, found):
        assert set(kind(colour)) <= set(latent.kinds(document, colour))
    flat = {**document, "training_shares": {}}
    assert "group" not in latent.colours(flat, found)


def test_the_probe_table_has_a_row_a_run_and_one_before_fine_tuning(shown, projected) -> None:
    document, _, _ = shown
    table = latent.probe_table(document["runs"])
    assert len(table) == 3 * (4 + 1)
    assert table["texts"].eq("test set").all()
    stored = json.loads((projected / studies.run_ids("small")[1] / "probes.json").read_text())
    rows = table[(table["setup"] == "imbalanced")].set_index("probe")["accuracy"]
    assert rows["15-NN"] == pytest.approx(stored["original"]["knn"])
    assert rows["linear, paper"] == pytest.approx(stored["original"]["accuracy"])
    assert rows["linear, released"] == pytest.approx(stored["original"]["accuracy_released"])
    before = table[table["setup"] == latent.BEFORE].set_index("probe")["accuracy"]
    assert before["15-NN"] == pytest.approx(stored["original"]["before_fine_tuning_knn"])
    assert "n = 144 texts" in probe_sentences.probe_caption(table)


def test_external_texts_are_a_kind_of_their_own(shown) -> None:
    run = shown[0]["runs"][0]
    found = {**run["probe"]["original"], "n": 60, "knn": 0.25, "before_fine_tuning_knn": None}
    table = latent.probe_table([{**run, "probe": {**run["probe"], "external": found}}])
    external = table[table["texts"] == "external corpus"].set_index(["probe", "setup"])["accuracy"]
    assert external["15-NN", "balanced"] == 0.25
    assert ("15-NN", latent.BEFORE) not in external
    assert external["linear, paper", latent.BEFORE] == found["before_fine_tuning"]
    assert len(table[table["texts"] == "test set"]) == 3 * 2


def table_of(**accuracies: list[float]) -> pd.DataFrame:
    """A probe table in which both probes that are read find these accuracies; chance 0.2."""
    common = {"texts": "test set", "chance": 0.2, "n": 10, "dimension": 3, "folds": 5}
    return pd.DataFrame(
        [
            {**common, "probe": probe, "setup": setup, "accuracy": accuracy}
            for probe in ("15-NN", "linear, paper")
            for setup, values in accuracies.items()
            for accuracy in values
        ]
    )


@pytest.mark.parametrize(
    ("balanced", "imbalanced", "expected"),
    [
        ([0.4, 0.5], [0.7], "Imbalanced less balanced training: 0.25 by 15-NN"),
        ([0.4, 0.5, 0.45], [0.7, 0.7], "Imbalanced less balanced training: 0.25 by 15-NN"),
        (
            [0.4, 0.5, 0.45],
            [0.7] * 3,
            "Imbalance keeps language that balanced training erases: 0.25",
        ),
        ([0.4, 0.5, 0.45], [0.7, 0.45, 0.7], "These runs do not show that imbalance keeps more"),
        ([0.4], [0.7], "There is one balanced run, and so no null"),
        ([0.4, 0.5], [], ""),
    ],
)
def test_the_reading_says_what_the_numbers_show(balanced, imbalanced, expected) -> None:
    table = table_of(balanced=balanced, imbalanced=imbalanced, **{latent.BEFORE: [1.0]})
    text = probe_sentences.probe_reading(table)
    assert expected in text
    assert ("Imbalance keeps" in text) == expected.startswith("Imbalance keeps")
    erased = 100 * (1 - np.mean(balanced)) / 0.8
    assert f"after balanced training **{np.mean(balanced):.2f}**" in text
    assert f"{erased:.0f}\u00a0% erased" in text
    few = expected.startswith("Imbalanced less")
    assert ("whether another seed would agree" in text) == few


def test_the_reading_makes_do_with_what_there_is() -> None:
    assert probe_sentences.probe_reading(table_of(imbalanced=[0.7])) == ""
    without = probe_sentences.probe_reading(table_of(balanced=[0.4, 0.5], imbalanced=[0.7]))
    assert "erased;" not in without and "before fine-tuning 0" not in without
    # Hardly anything above chance to erase.
    little = table_of(balanced=[0.2], **{latent.BEFORE: [0.21]})
    assert "% erased" not in probe_sentences.probe_reading(little)


@pytest.mark.parametrize("colour", latent.COLOURS)
def test_the_charts_are_valid_and_name_their_frames(shown, colour, recwarn) -> None:
    document, found, _ = shown
    looks = charts.look(document, colour)
    assert list(looks) == latent.kinds(document, colour)
    assert len(set(looks.values())) == len({shape for _, shape in looks.values()}) == len(looks)
    ends = latent.extent(found, found.panels)
    for panel in found.panels:
        places = found.places(panel)
        assert (ends[:, 0] < places.min(axis=0)).all() and (places.max(axis=0) < ends[:, 1]).all()
    names = {panel: (panel, "0.5") for panel in found.panels}
    for chart, params, frames in (
        *(
            (charts.large(looks, ends, show, 144), [charts.RECTANGLE, charts.TEXT], 3)
            for show in charts.SHOW
        ),
        (charts.small(looks, charts.tiles(names)), [charts.OPEN], 3),
        (charts.legend(looks), [], 0),
    ):
        made = chart.to_dict()  # checks the schema
        assert [p["name"] for p in made.get("params", [])] == params
        used = {layer["data"].get("name") for layer in made.get("layer", [])} - {None}
        assert len(used) >= frames
    assert not recwarn.list


def test_small_panels_lie_beside_each_other_and_keep_their_places(shown) -> None:
    _, found, _ = shown
    ends = latent.extent(found, found.panels)
    tiles = charts.tiles({panel: (panel, "") for panel in found.panels}, found.runs[0])
    assert tiles["current"].sum() == 1
    boxes = tiles[["x", "x2", "y", "y2"]].to_numpy()
    for i, one in enumerate(boxes):
        for other in boxes[:i]:
            apart_x = one[0] >= other[1] or other[0] >= one[1]
            assert apart_x or one[2] >= other[3] or other[2] >= one[3]
    for panel, box in zip(tiles["panel"], boxes, strict=True):
        places = pd.DataFrame(found.places(panel), columns=["x", "y"]).assign(panel=panel)
        put = charts.tiled(places, tiles, ends)
        assert put["x"].between(box[0], box[1]).all() and put["y"].between(box[2], box[3]).all()
        assert np.corrcoef(put["x"], places["x"])[0, 1] == pytest.approx(1)
        assert np.corrcoef(put["y"], places["y"])[0, 1] == pytest.approx(-1)  # up is up


@pytest.mark.parametrize("shape", [*LANGUAGE_SHAPES, "circle"])
def test_a_mark_is_an_image_that_asks_nobody(shape) -> None:
    kind, _, data = charts.icon("#FC6000", shape).partition(",")
    assert kind == "data:image/svg+xml;base64"
    drawn = ElementTree.fromstring(base64.b64decode(data))
    assert drawn[0].attrib["fill"] == "#FC6000"
    assert drawn[0].tag.endswith("circle" if shape == "circle" else "polygon")


def test_the_probes_are_drawn_a_panel_a_probe(shown) -> None:
    document, _, _ = shown
    panels = charts.probes(latent.probe_table(document["runs"]))
    assert [panel.to_dict()["title"] for panel in panels] == list(latent.PROBES)


def test_panels_are_those_on_the_map_the_encoder_first(shown) -> None:
    document, found, _ = shown
    assert list(latent.panels(document["runs"], found)) == ["before", *found.runs]
    assert list(latent.panels(document["runs"][1:2], found)) == ["before", found.runs[1]]
    assert latent.panels([{"run": "new"}], found) == latent.panels(document["runs"], None) == {}
    assert Path(projection.path_of(small_study())).name == "projection.parquet"


def test_a_figure_of_many_texts_is_a_file_too(shown) -> None:
    document, found, _ = shown
    figure = figures.outlined(document, document["runs"], found, "language")
    made = figure.specification
    assert made["datasets"][charts.PANELS][0]["name"] == "before fine-tuning"
    assert export.svg(made).startswith("<svg")
    assert "n = 144 texts in each of 5 panels" in figure.caption
