from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from core.charts import latent as charts
from core.checkpoints import run_folders, studies
from core.corpora.texts import texts_file
from core.figures import latent_sentences as reading
from core.results import latent, projection, study_results
from tests.helpers.started import small_study


@pytest.fixture
def shown(projected, monkeypatch) -> tuple[dict, projection.Projection, pd.DataFrame]:
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(projected))
    document = study_results.summary(small_study())
    found = projection.read(small_study())
    file = texts_file(run_folders.read_config(found.runs[0]))
    return document, found, latent.points(found, found.runs, file)


def test_points_carry_text_and_predictions_of_each_run(shown, projected, study_file) -> None:
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
        assert frame[f"predicted_{run_id}"].tolist() == expected.tolist()
        right = frame[f"correct_{run_id}"] == "right"
        assert right.tolist() == (expected == frame["label"]).tolist()
        given = frame[[f"p_{run_id}_{label}" for label in document["labels"]]].to_numpy()
        np.testing.assert_allclose(given, stored[columns].to_numpy())


def test_without_the_corpus_there_are_points_without_texts(shown) -> None:
    _, found, frame = shown
    bare = latent.points(found, found.runs, None)
    assert bare["text"].eq("").all()
    columns = [c for c in frame if c.startswith(("x_", "p_", "correct_"))]
    pd.testing.assert_frame_equal(bare[columns], frame[columns])


def test_an_excerpt_is_short_and_isolated() -> None:
    assert latent.excerpt("שלום") == "\u2068שלום\u2069"
    cut = latent.excerpt("x" * 400)
    assert len(cut) == latent.SHOWN_CHARACTERS + 2
    assert cut.endswith("x…\u2069")


def test_a_rectangle_holds_the_points_in_it(shown) -> None:
    _, found, frame = shown
    run_id = found.runs[1]
    places = found.places(run_id)
    (x0, y0), (x1, y1) = np.quantile(places, 0.3, axis=0), np.quantile(places, 0.7, axis=0)
    chosen = latent.inside(frame, {f"x_{run_id}": [x0, x1], f"y_{run_id}": [y1, y0]})
    inside = ((places >= (x0, y0)) & (places <= (x1, y1))).all(axis=1)
    assert 0 < inside.sum() < len(frame)
    assert chosen["row"].tolist() == frame["row"][inside].tolist()
    assert latent.inside(frame, {}).empty
    assert latent.inside(frame, {"x_gone": [0, 1], "y_gone": [0, 1]}).empty


def test_the_selection_is_a_table_with_probabilities_of_the_label(shown) -> None:
    document, found, frame = shown
    runs = latent.on_map(document["runs"], found)
    table, columns = latent.selection_table(frame.head(7), runs, document["labels"])
    assert columns[:3] == ["language", "label", "text"]
    assert len(columns) == 3 + 2 * 4 and set(columns) <= set(table)
    for run in runs:
        name = f"{latent.setup_name(run)}, seed {run['seed']}"
        for i in range(7):
            label, predicted = table["label"].iloc[i], table[name].iloc[i]
            of = {x: table[f"p({x}), {name}"].iloc[i] for x in document["labels"]}
            assert table[f"p(label), {name}"].iloc[i] == of[label]
            assert max(of, key=of.get) == predicted
            assert sum(of.values()) == pytest.approx(1, abs=1e-5)
    nothing, _ = latent.selection_table(frame.head(0), runs, document["labels"])
    assert nothing.empty and list(nothing) == list(table)
    text = reading.selection_reading(document, runs, frame)
    assert text.startswith("**144 texts**") and "de 24" in text
    right = (frame[f"correct_{runs[0]['run']}"] == "right").mean()
    assert f"balanced, seed 0 {100 * right:.0f}\u00a0%" in text


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
    assert "n = 144 texts" in reading.probe_caption(table)


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
    text = reading.probe_reading(table)
    assert expected in text
    assert ("Imbalance keeps" in text) == expected.startswith("Imbalance keeps")
    erased = 100 * (1 - np.mean(balanced)) / 0.8
    assert f"after balanced training **{np.mean(balanced):.2f}**" in text
    assert f"{erased:.0f}\u00a0% erased" in text
    few = expected.startswith("Imbalanced less")
    assert ("whether another seed would agree" in text) == few


def test_the_reading_makes_do_with_what_there_is() -> None:
    assert reading.probe_reading(table_of(imbalanced=[0.7])) == ""
    without = reading.probe_reading(table_of(balanced=[0.4, 0.5], imbalanced=[0.7]))
    assert "erased;" not in without and "before fine-tuning 0" not in without
    # Hardly anything above chance to erase.
    little = table_of(balanced=[0.2], **{latent.BEFORE: [0.21]})
    assert "% erased" not in reading.probe_reading(little)


@pytest.mark.parametrize("colour", charts.COLOURS)
def test_the_charts_are_valid_and_share_one_rectangle(shown, colour, recwarn) -> None:
    document, found, frame = shown
    runs = latent.on_map(document["runs"], found)
    chart = charts.panels(document, runs, frame, colour).to_dict()  # checks the schema
    assert [p["name"] for p in chart["params"]] == [charts.RECTANGLE]
    assert chart["params"][0]["views"] == [panel["name"] for panel in chart["concat"]]
    domains = [panel["encoding"]["x"]["scale"]["domain"] for panel in chart["concat"]]
    assert all(domain == domains[0] for domain in domains)
    xs = frame[[f"x_{run['run']}" for run in runs]].to_numpy()
    assert domains[0][0] < xs.min() and xs.max() < domains[0][1]
    (rows,) = chart["datasets"].values()
    assert len(rows) == len(frame) and "text" not in rows[0]  # whole texts stay here
    fields = {panel["encoding"]["color"]["field"] for panel in chart["concat"]}
    assert len(fields) == (4 if colour in ("prediction", "correctness") else 1)
    looks = [
        (c["scale"]["range"], c["scale"]["domain"])
        for c in (chart["concat"][0]["encoding"][k] for k in ("color", "shape"))
    ]
    assert all(len(set(r)) == len(d) for r, d in looks)
    legend = charts.legend(document, colour).to_dict()
    assert legend["encoding"]["color"]["scale"] == chart["concat"][0]["encoding"]["color"]["scale"]
    assert not recwarn.list


def test_the_probes_are_drawn_a_panel_a_probe(shown) -> None:
    document, _, _ = shown
    panels = charts.probes(latent.probe_table(document["runs"]))
    assert [panel.to_dict()["title"] for panel in panels] == list(latent.PROBES)


def test_at_most_six_panels_are_shown(shown) -> None:
    document, found, _ = shown
    many = [{**document["runs"][0]} for _ in range(9)]
    assert len(latent.on_map(many, found)) == 6
    assert latent.on_map([{"run": "new"}], found) == latent.on_map(many, None) == []
    assert "5 of the chosen runs are not shown" in reading.map_caption(
        document, [*document["runs"], *({**document["runs"][0], "run": "new"},) * 5], found
    )
    assert Path(projection.path_of(small_study())).name == "projection.parquet"
