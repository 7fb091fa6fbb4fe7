from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from core.attribution import store
from core.attribution.result import Attribution
from core.measures.cumulative import cumulative, means_of, sides
from core.results.differences import together

LABELS, LANGUAGES = ("b", "c", "a"), ("de", "en", "fr")
KEY = "gaussian_process-4"


def found(rng: np.random.Generator, tokens: tuple[str, ...], words: tuple[int, ...]) -> Attribution:
    values = rng.normal(size=(len(tokens), 3)) / 20
    base = rng.dirichlet(np.ones(3))
    return Attribution(
        "gaussian_process", tokens, np.arange(len(tokens)), words, values, None,
        base, base + values.sum(axis=0), 9,
    )  # fmt: skip


@pytest.fixture
def stored() -> dict[str, dict[str, Attribution]]:
    """Two runs on four texts of two of three languages; one is empty, one is cut differently."""
    texts = [("1", "de"), ("2", "en"), ("3", "de"), ("4", "en"), ("5", "de")]
    runs: dict[str, dict[str, Attribution]] = {}
    for seed, run in enumerate(("one", "two")):
        rng = np.random.default_rng(seed)
        runs[run] = {
            row: found(rng, ("x", " y", " z")[: int(row) % 4], (0, 1, 2)[: int(row) % 4])
            for row, _ in texts
        }
        runs[run]["5"] = found(rng, ("xy",) if seed else ("x", "y"), (0,) if seed else (0, 0))
        rows = [
            {"row": r, "sentence": r, "language": lang, "label": "a"} for r, lang in texts[seed:]
        ]
        store.write(run, KEY, rows, [runs[run][r["row"]] for r in rows], LABELS, 0.1)
    return runs


def test_classes_keep_the_corpus_order_and_texts_are_those_of_both(stored) -> None:
    config = SimpleNamespace(labels=LABELS, languages=LANGUAGES)
    differences = together(["one", "two"], KEY, config).differences("one", "two", 0.01, ["one"])
    # Text 1 is of one run only, text 5 is cut into other tokens.
    assert sorted(differences.rows["row"]) == ["2", "3", "4"]
    for i, row in enumerate(differences.rows["row"]):
        a, b = stored["one"][row], stored["two"][row]
        for c in range(3):
            s, moved = a.values[:, c], (b.values - a.values)[:, c]
            expected = [
                moved[s > 0.01].sum(),
                moved[s < -0.01].sum(),
                moved[np.abs(s) <= 0.01].sum(),
                b.base[c] - a.base[c],
            ]
            np.testing.assert_allclose(differences.parts[i, c], expected, atol=1e-12)
            assert differences.tokens[i, c].sum() == len(s)
            assert differences.outputs[i, c] == pytest.approx(b.output[c] - a.output[c])


def test_a_language_without_texts_is_left_out_of_the_means(stored) -> None:
    import pandas as pd

    config = SimpleNamespace(labels=LABELS, languages=LANGUAGES)
    differences = together(["one", "two"], KEY, config).differences("one", "two", 0.01, ["one"])
    assert differences.languages == ("de", "en")
    means = means_of(differences)
    assert not np.isnan([v.value for v in cumulative(means).values().values()]).any()
    x = pd.DataFrame([[1.0, 0, -1], [-1, 0, 1], [1, 0, -1]], index=LANGUAGES, columns=LABELS)
    by_side = sides(means, x).values()
    assert by_side["b", "base", "over"].value == cumulative(means).values()["de", "b", "base"].value


def test_special_tokens_do_not_count_as_tokens() -> None:
    rng = np.random.default_rng(0)
    for run in ("one", "two"):
        text = found(rng, ("", "x", ""), (-1, 0, -1))
        row = {"row": "1", "sentence": "1", "language": "de", "label": "a"}
        store.write(run, KEY, [row], [text], LABELS, 0.1)
    config = SimpleNamespace(labels=LABELS, languages=LANGUAGES)
    differences = together(["one", "two"], KEY, config).differences("one", "two", 0.01, ["one"])
    assert differences.tokens.sum(axis=2).tolist() == [[1, 1, 1]]
    left = differences.outputs - differences.parts.sum(axis=2)
    np.testing.assert_allclose(left, 0, atol=1e-12)


def test_several_choosers_give_the_mean_of_their_groupings(stored) -> None:
    config = SimpleNamespace(labels=LABELS, languages=LANGUAGES)
    both = together(["one", "two"], KEY, config)
    each = [both.differences("one", "two", 0.01, [run]) for run in ("one", "two")]
    mean = both.differences("one", "two", 0.01, ["one", "two"])
    np.testing.assert_allclose(mean.parts, (each[0].parts + each[1].parts) / 2, atol=1e-12)
    np.testing.assert_allclose(mean.tokens, (each[0].tokens + each[1].tokens) / 2)
    assert not np.allclose(each[0].parts, each[1].parts)


def test_neutral_tokens_at_several_thresholds_are_those_at_each(stored) -> None:
    config = SimpleNamespace(labels=LABELS, languages=LANGUAGES)
    both = together(["one", "two"], KEY, config)
    at = (0.01, 0.03, np.inf)
    found = both.neutral("one", "two", at, ["two"])
    for i, threshold in enumerate(at):
        single = both.differences("one", "two", threshold, ["two"])
        np.testing.assert_allclose(found.parts[:, :, i], single.parts[:, :, 2], atol=1e-12)
        np.testing.assert_allclose(found.tokens[:, :, i], single.tokens[:, :, 2])
    np.testing.assert_allclose(found.parts[:, :, 3], single.parts[:, :, 3])


def test_runs_without_a_text_in_the_same_tokens_are_not_together() -> None:
    rng = np.random.default_rng(0)
    row = {"row": "1", "sentence": "1", "language": "de", "label": "a"}
    for run, tokens in (("one", ("x", "y")), ("two", ("xy",))):
        store.write(run, KEY, [row], [found(rng, tokens, (0,) * len(tokens))], LABELS, 0.1)
    config = SimpleNamespace(labels=LABELS, languages=LANGUAGES)
    assert together(["one", "two"], KEY, config) is None
    assert together(["one"], KEY, config) is not None
