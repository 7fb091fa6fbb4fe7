from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import altair as alt
import pandas as pd
import pytest

from core.checkpoints import studies
from core.cli.main import main
from core.figures import export
from core.figures.figure import Figure, Table
from core.report import contents as report_contents
from core.report import files as report_files
from core.report import html as report_html
from core.report.contents import Section
from core.results import study_results
from tests.helpers.started import small_study

KEYS = ("languages", "labels", "verdict", "made")
FACTS = {"study": "s", "corpus": "c", "encoder": "e", **dict.fromkeys(KEYS, "")}


class Page(HTMLParser):
    """Elements with their attributes, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def assert_sound(page: Page) -> None:
    """Nothing is fetched or run, ids are unique, links lead somewhere, pictures have a name."""
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    names = {tag for tag, _ in page.elements}
    assert not names & {"script", "link", "iframe", "object", "embed", "img", "form", "base"}
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href", "action"):
            assert attributes.get(name, "#").startswith("#")
            assert attributes.get(name, "#")[1:] in ("", *ids)
        assert not [name for name in attributes if name.startswith("on")]
        for name, value in attributes.items():
            if name == "aria-label":  # a text
                continue
            for used in re.findall(r"url\((.*?)\)", value or ""):
                assert used.startswith("#") and used[1:] in ids
    for svg in page.all("svg"):
        assert svg["role"] == "img" and len(svg["aria-label"] or "") > 10


@pytest.fixture(scope="module")
def folder(explained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the small study, made once by the command."""
    made = tmp_path_factory.mktemp("report") / "new" / "folder"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANGSKEW_CHECKPOINTS", str(explained))
        # test_export looks at real ones, which take half of the time.
        patch.setattr(export, "png", lambda document: b"\x89PNG")
        assert main(["report", "small", "--folder", str(made)]) == 0
    return made


def test_the_page_needs_nothing_but_itself(folder) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert_sound(Page(text))
    assert "http://" not in text and "@import" not in text
    assert re.findall(r"https://[^\s}<]+", text) == [
        "https://aclanthology.org/2024.findings-eacl.157/"
    ]
    assert len(text) < 3_000_000


def test_the_page_has_all_of_the_study(folder, explained) -> None:
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    for title in ("Findings", "Settings", "Data", "Predictions", "Latent space", "Tokens"):
        assert f"#{title.lower().replace(' ', '-')}" in [a.get("href") for a in page.all("a")]
    assert len(page.all("svg")) == len(list((folder / "figures").glob("*.svg"))) > 25
    assert len(page.all("table")) == len(list((folder / "tables").glob("*.csv"))) > 25
    for said in (
        "Skew uptake", "transformers", "Table 2: shares predicted", "What figure 1 says",
        "Cumulative difference of attributions to positive: imbalanced+cw − balanced, cross",
        "No map", "Equation 3", "Jung and van der Plas", "Why the numbers may differ",
    ):  # fmt: skip
        assert said.lower() in page.text.lower(), said
    config = json.loads(next(explained.glob("*/config.json")).read_text())
    assert config["corpus_hash"] in page.text
    assert str(Path(config["corpus"]).parent) not in page.text


LABELS = [
    ' aria-label="',
    '" aria-label="x" onload="run()',
    ' role="img" id="y" xmlns="z"',
    "<b>&amp;\"'</svg>]]>",
    'url(#a) href="#a" 0.12345',
    "\x00\x1b[0m\ufffe",
]


@pytest.mark.parametrize("label", LABELS)
def test_a_label_stays_text_in_the_report_s_figures(label) -> None:
    """Read as XML and as HTML; what is drawn is what the file for a paper has."""
    rows = pd.DataFrame({"x": [0.123456, 2], "y": [label, "other"]})
    drawn = (
        alt.Chart(rows)
        .mark_bar(clip=True)
        .encode(x="x:Q", y=alt.Y("y:N", title=label), color=alt.value("#0072B2"))
    )
    figure = Figure(f"n {label}", f"t {label}", [drawn], f"c {label}", "h")
    said = str(report_html.inline_svg(figure, "f0"))
    root = ElementTree.fromstring(said)
    original = ElementTree.fromstring(export.svg(figure.bare()))
    assert "".join(root.itertext()) == "".join(original.itertext())
    assert export.speakable(label).strip() in "".join(root.itertext())
    assert (root.tag, root.get("role")) == ("svg", "img")
    assert root.get("aria-label") == export.speakable(f"{figure.title}. {figure.caption}")
    inner = [set(e.attrib) for e in root.iter() if e is not root]
    assert not [names for names in inner if "role" in names or any("aria" in n for n in names)]
    assert "#0072B2" in said and "url(#f0-" in said
    page = Page(said)
    assert_sound(page)
    assert len(page.elements) == len(list(root.iter()))
    shapes = [path.get("d") for path in root.iter("path")]
    assert not re.search(r"\d\.\d{3}", "".join(filter(None, shapes)))


def test_no_text_of_the_corpus_is_in_the_report(folder, explained) -> None:
    import pyarrow.parquet as pq

    config = json.loads(next(explained.glob("*/config.json")).read_text())
    texts = pq.read_table(config["corpus"], columns=["text"])["text"].to_pylist()
    page = (folder / "report.html").read_text(encoding="utf-8")
    written = page + "".join(p.read_text() for p in (folder / "figures").glob("*.svg"))
    assert not [text for text in texts if text in written]


def test_files_are_named_for_a_paper(folder) -> None:
    for kind, endings in (("figures", (".svg", ".png")), ("tables", (".csv", ".tex"))):
        names = {p.stem for p in (folder / kind).iterdir()}
        for name in names:
            assert re.fullmatch(r"[\w.-]+", name) and not name.startswith("small")
            assert all((folder / kind / f"{name}{ending}").stat().st_size for ending in endings)
    assert (folder / "figures" / "skew-uptake.png").read_bytes().startswith(b"\x89PNG")
    assert "booktabs" in (folder / "tables" / "paper-table-3.tex").read_text()
    listed = (folder / "README.txt").read_text()
    assert "figures/skew-uptake: Skew uptake" in listed
    with zipfile.ZipFile(io.BytesIO(report_files.zipped(folder))) as archive:
        names = set(archive.namelist())
    assert {"report.html", "README.txt", "tables/predictions.csv"} <= names
    assert "report.json" not in names


HOSTILE = '<script>alert("x")</script> ![x](http://example.org/a.png) & "漢字" \x1b'


def test_texts_are_data() -> None:
    frame = pd.DataFrame({HOSTILE: [HOSTILE], "n": [1]})
    chart = alt.Chart(frame.rename(columns={HOSTILE: "x"})).mark_bar().encode(x="n:Q", y="x:N")
    figure = Figure("s-f", HOSTILE, [chart], HOSTILE, "Read.", "<b>bold</b> javascript:alert(1)")
    table = Table("s-t", HOSTILE, frame, caption=HOSTILE)
    facts = {**FACTS, "study": HOSTILE, "corpus": HOSTILE, "labels": HOSTILE}
    sections = [Section("One", [figure, table, "<i>text</i>"])]
    page = Page(report_html.html(facts, sections, lambda what, share: None))
    assert_sound(page)
    assert not page.all("b") and not page.all("i")
    assert page.text.count('<script>alert("x")</script>') >= 7
    assert "漢字" in page.text


def test_two_figures_do_not_share_ids_and_how_is_said_once() -> None:
    frame = pd.DataFrame({"x": [1, 2], "y": [1, 2]})
    chart = alt.Chart(frame).mark_line(clip=True).encode(x="x:Q", y="y:Q")
    figures = [Figure(f"s-{i}", f"Figure {i}", [chart], "n = 2", "Read it so.") for i in range(2)]
    page = Page(report_html.html(FACTS, [Section("One", [*figures])], lambda what, share: None))
    assert_sound(page)
    assert len(page.all("clippath")) >= 2
    assert page.text.count("Read it so.") == 1


def test_a_half_done_study_says_what_is_missing(trained, tmp_path, monkeypatch) -> None:
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    ids = studies.run_ids("small")

    def blocks() -> dict[str, list]:
        study = small_study()
        document = study_results.summary(study)
        found = report_contents.sections(study, document, lambda what, share: None)
        return {section.title: section.blocks for section in found}

    (tmp_path / "checkpoints" / ids[1] / "COMPLETE").unlink()
    made = blocks()
    assert "1 of 4 runs are not done" in made["Findings"][0] and ids[1] in made["Findings"][0]
    assert "python -m core attribute small" in made["Tokens"][0]
    assert any(isinstance(b, Figure) for b in made["Predictions"])
    for run in ids:
        (tmp_path / "checkpoints" / run / "COMPLETE").unlink(missing_ok=True)
    made = blocks()
    assert made["Predictions"] == ["No run of this study is done yet, so there are no predictions "
                                   "to show."]  # fmt: skip
    assert any(isinstance(b, Table) for b in made["Beside the paper"])
    (tmp_path / "checkpoints" / ids[0] / "subset.parquet").write_bytes(b"PAR1")
    assert blocks()["Settings"]


def test_the_report_knows_whether_it_is_current(trained, tmp_path, monkeypatch) -> None:
    shutil.copytree(trained, tmp_path / "checkpoints")
    monkeypatch.setenv("LANGSKEW_CHECKPOINTS", str(tmp_path / "checkpoints"))
    monkeypatch.setattr(report_contents, "sections", lambda *_: [Section("One", ["x"])])
    assert report_files.state(small_study()) == "none"
    made = report_files.write(small_study())
    assert (
        made == report_files.folder_of(small_study())
        and report_files.state(small_study()) == "current"
    )
    (made / "figures" / "old.svg").write_text("")
    (made / "mine.txt").write_text("")
    metrics = tmp_path / "checkpoints" / studies.run_ids("small")[0] / "metrics.json"
    metrics.write_text(metrics.read_text() + " ")
    assert report_files.state(small_study()) == "outdated"
    report_files.write(small_study())
    assert report_files.state(small_study()) == "current"
    assert not (made / "figures" / "old.svg").exists() and (made / "mine.txt").exists()


def test_what_is_not_there_is_an_error(done, capsys) -> None:
    assert main(["report", "nothing"]) == 2
    assert "was never started" in capsys.readouterr().err


def test_runs_record_what_they_were_made_with(done) -> None:
    for run in studies.run_ids("small"):
        found = json.loads((done / run / "metrics.json").read_text())["versions"]
        assert {"langskew", "Python", "torch", "transformers"} <= set(found)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("demo-skew_uptake", "skew-uptake"),
        ("demo-cumulative-très bien/a:b-imbalanced+cw", "cumulative-très-bien-a-b-imbalanced-cw"),
        ("demo-../../etc/passwd", "etc-passwd"),
        ("demo-???", "unnamed"),
    ],
)
def test_names_of_files(name, file) -> None:
    assert report_files.file_name(name, "demo") == file
