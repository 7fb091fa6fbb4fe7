"""Delimited text: the csv module of the standard library is the oracle."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.sources import delimited
from core.sources.read import read
from core.sources.source import Options
from tests.helpers.sources import rows_of, written

HEADER = ["text", "label", "language"]


CELLS = st.text(
    st.one_of(
        st.sampled_from("ab ,;\t|\"'\n\r\\é好😀#"),
        st.characters(exclude_categories=("Cs",), exclude_characters="\0"),
    ),
    max_size=8,
)
CHECKED = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@CHECKED
@given(
    rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8),
    delimiter=st.sampled_from(",;\t|"),
    break_=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"]),
    last=st.booleans(),
)
def test_what_csv_writes_is_read_back(
    tmp_path, rows, delimiter, break_, quoting, encoding, last
) -> None:
    """With the quoting, encoding and delimiter given, every table comes back."""
    if quoting == csv.QUOTE_MINIMAL:  # which writes a return as it is, and no reader can tell
        rows = [[cell.replace("\r", "") for cell in row] for row in rows]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=break_, quoting=quoting).writerows(
        [HEADER, *rows]
    )
    text = out.getvalue() if last else out.getvalue().removesuffix(break_)
    path = written(tmp_path / "x.csv", text, encoding)
    options = Options(delimiter=delimiter, quoting=True, header=True, encoding=encoding)
    assert rows_of(read(path, options)) == list(map(tuple, rows))


WORDS = st.text(st.sampled_from("ab \"',;\t|好é"), max_size=12)


@CHECKED
@given(
    texts=st.lists(WORDS, min_size=4, max_size=20),
    delimiter=st.sampled_from(",;\t|"),
    break_=st.sampled_from(["\n", "\r\n"]),
    seed=st.integers(0, 100),
)
def test_what_csv_writes_is_found_out(tmp_path, texts, delimiter, break_, seed) -> None:
    """Nothing given: as many rows, and labels and languages as they are."""
    rows = [[x, "ab"[(i + seed) % 2], ["de", "en"][i % 2]] for i, x in enumerate(texts)]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=break_).writerows([HEADER, *rows])
    found = rows_of(read(written(tmp_path / "x.csv", out.getvalue())))
    assert [row[1:] for row in found] == [tuple(row[1:]) for row in rows]
    assert [row[0] for row in found] == texts


@CHECKED
@given(
    texts=st.lists(st.text(st.sampled_from("ab \"',;好é"), max_size=12), min_size=4, max_size=20),
    break_=st.sampled_from(["\n", "\r\n"]),
)
def test_raw_quotes_lose_no_row(tmp_path, texts, break_) -> None:
    """Written without any quoting, each line is a row, whatever its quotes."""
    rows = [[x, "ab"[i % 2], ["de", "en"][i % 2]] for i, x in enumerate(texts)]
    lines = ["\t".join(row) + break_ for row in [HEADER, *rows]]
    found = rows_of(read(written(tmp_path / "x.tsv", "".join(lines))))
    assert [row[1:] for row in found] == [tuple(row[1:]) for row in rows]
    # Only what is enclosed as a writer would have done it may be taken out of its quotes.
    differing = [x for x, row in zip(texts, found, strict=True) if x != row[0]]
    assert all(x.startswith('"') and x.endswith('"') for x in differing)


# field.md, case 1: six rows, two of which begin with a quote.
RAW = [
    ("text", "label", "language"),
    ('"Nice box.', "pos", "en"),
    ("bad box", "neg", "en"),
    ("Gutes Paket", "pos", "de"),
    ("schlecht", "neg", "de"),
    ('"Rotes Paket.', "pos", "de"),
    ("mauvais", "neg", "fr"),
]


@pytest.mark.parametrize("delimiter", "\t;|,")
@pytest.mark.parametrize(
    "text",
    [
        '"Nice box.',
        'great stuff"',
        '"Nice," he said.'.replace(",", ""),
        'a 5" screen',
        '"',
        '""',
        'a \\"quoted\\" word',
        "'tis",
        '"a" and "b"',
    ],
)
@pytest.mark.parametrize("place", [1, 3, 6])
def test_a_raw_quote_anywhere_swallows_no_row(tmp_path, delimiter, text, place) -> None:
    table = [*RAW]
    table[place] = (text, *table[place][1:])
    content = "".join(delimiter.join(row) + "\n" for row in table)
    for whole in (content, content.removesuffix("\n")):
        source = read(written(tmp_path / "x.tsv", whole))
        assert rows_of(source) == table[1:], source.parts
        assert "quotes are letters" in source.parts[0].read_as


def test_two_quotes_that_a_writer_could_have_written_swallow_no_rows(tmp_path) -> None:
    """A quote before one text and one behind another, 40 rows on: legal, and yet two letters."""
    table = [(f"text {i}", "pos" if i % 2 else "neg", "en") for i in range(180)]
    table[20] = ('"text 20', "neg", "en")
    table[60] = ('text 60"', "neg", "en")
    for delimiter in "\t,":
        lines = [delimiter.join(row) + "\n" for row in [("text", "label", "language"), *table]]
        source = read(written(tmp_path / "x.csv", "".join(lines)))
        assert rows_of(source) == table
    # Where other rows need their quotes, neither reading is right, and no row is lost unseen.
    table[90] = ('"one, two"', "neg", "en")
    lines = [",".join(row) + "\n" for row in [("text", "label", "language"), *table]]
    with pytest.raises(InputError, match="encloses lines 22 to 62, which look like rows"):
        read(written(tmp_path / "y.csv", "".join(lines)))
    assert len(rows_of(read(tmp_path / "y.csv", Options(quoting=True)))) == 140
    off = read(tmp_path / "y.csv", Options(quoting=False))
    assert off.refused == {"more fields than the header": 1}
    assert len(rows_of(off)) == 179
    assert any("line 92 left out" in note for note in off.notes)


def test_genuine_line_breaks_stay_in_their_field(tmp_path) -> None:
    table = [(f"line one, {i}\nline two\n\nand, more", "pos", "en") for i in range(20)]
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([HEADER, *table])
    source = read(written(tmp_path / "x.csv", out.getvalue()))
    assert rows_of(source) == table
    assert "20 rows have line breaks within a quoted field" in source.notes


def test_quotes_in_the_middle_beside_fields_that_need_theirs(tmp_path) -> None:
    lines = ["text,label", '"a, b",x', 'a 5" screen,x', '"c, ""d""",y', "e,y", '"f\ng, h",x']
    source = read(written(tmp_path / "x.csv", "\n".join(lines)))
    expected = [("a, b", "x"), ('a 5" screen', "x"), ('c, "d"', "y"), ("e", "y"), ("f\ng, h", "x")]
    assert rows_of(source) == expected


def test_backslashes_before_quotes(tmp_path) -> None:
    lines = ["text,label", r'"he said \"hi, you\"",x', r'"a, \\",y', '"c, d",y']
    source = read(written(tmp_path / "x.csv", "\n".join(lines)))
    assert rows_of(source) == [('he said "hi, you"', "x"), ("a, \\", "y"), ("c, d", "y")]


def test_apostrophes_enclose_only_where_nothing_else_reads(tmp_path) -> None:
    enclosing = written(tmp_path / "x.csv", "text,label\n'a, b',x\n'c',y\n")
    assert rows_of(read(enclosing)) == [("a, b", "x"), ("c", "y")]
    letters = written(tmp_path / "y.csv", "text,label\n'tis,x\nc',y\n")
    assert rows_of(read(letters)) == [("'tis", "x"), ("c'", "y")]


def test_a_delimiter_at_each_end_shifts_nothing(tmp_path) -> None:
    content = "text,label,language\n" + "".join(f"text {i},pos,en,\n" for i in range(9))
    source = read(written(tmp_path / "trailing.csv", content))
    assert rows_of(source) == [(f"text {i}", "pos", "en") for i in range(9)]
    assert any("empty last column" in note for note in source.notes)


@pytest.mark.parametrize("line", ["fine, thanks,pos,en", "fine,pos"])
def test_a_first_row_of_other_length_refuses_the_file(tmp_path, line) -> None:
    content = f"text,label,language\n{line}\n" + "ok,pos,de\n" * 500
    with pytest.raises(InputError, match="1 of 502 rows have another number .*: line 2"):
        read(written(tmp_path / "x.csv", content))


def test_few_rows_of_other_length_are_left_out_and_counted(tmp_path) -> None:
    lines = ["text,label,language", *["ok,pos,de"] * 1000]
    lines[400], lines[600], lines[700] = "fine, thanks,pos,en", "a,b,c,d", "no,neg"
    source = read(written(tmp_path / "x.csv", "\n".join(lines)))
    assert source.refused == {
        "more fields than the header": 2,
        "fewer fields than the header": 1,
    }
    assert "lines 401, 601, 701 left out: another number of fields than 3" in source.notes
    assert rows_of(source) == [("ok", "pos", "de")] * 997
    lines[100:200] = ["a, b,pos,de"] * 100
    with pytest.raises(InputError, match="103 of 1,001 rows .* and 98 more. Put quotes"):
        read(written(tmp_path / "y.csv", "\n".join(lines)))


def test_names_of_rows_without_a_name_are_not_guessed_at(tmp_path) -> None:
    """As R's write.table has it: pandas would take the first column for an index."""
    content = '"text" "label"\n"1" "a b" "x"\n"2" "c" "y"\n'.replace('" "', '"\t"')
    with pytest.raises(InputError, match="every row has 3 fields and the header 2"):
        read(written(tmp_path / "x.tsv", content))


def test_names_that_are_missing_or_double_get_one_of_their_own(tmp_path) -> None:
    source = read(written(tmp_path / "x.csv", ",text,Text,label,label\n1,a,b,c,d\n"))
    assert list(source.columns) == ["column 1", "text", "Text (2)", "label", "label (2)"]
    assert rows_of(source) == [("1", "a", "b", "c", "d")]
    assert len(source.notes) == 3


def test_a_header_is_missing_only_where_that_is_sure(tmp_path) -> None:
    numbers = "".join(f"some text {i}\t{i % 3}\n" for i in range(9))
    source = read(written(tmp_path / "a.tsv", numbers))
    assert list(source.columns) == ["column 1", "column 2"] and len(rows_of(source)) == 9
    assert "no header" in source.parts[0].read_as
    labels = "".join(f"some text {i}\t{'ab'[i % 2]}\n" for i in range(9))
    assert len(rows_of(read(written(tmp_path / "b.tsv", labels)))) == 9
    unsure = "".join(f"some text {i}\tlabel of {i}\n" for i in range(9))
    assert len(rows_of(read(written(tmp_path / "c.tsv", unsure)))) == 8
    assert len(rows_of(read(tmp_path / "c.tsv", Options(header=False)))) == 9
    assert len(rows_of(read(tmp_path / "a.tsv", Options(header=True)))) == 8


def test_values_stay_as_they_are(tmp_path) -> None:
    values = ["NA", "null", "nan", "1e5", "007", " x ", "", "None", "true", "2020-01-01", "#a"]
    content = "text,label\n" + "".join(f"{v},{v}\n" for v in values)
    assert rows_of(read(written(tmp_path / "x.csv", content))) == [(v, v) for v in values]


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.txt", "x", "it's [1]*?.csv", "über.data"])
@pytest.mark.parametrize("delimiter", ",;\t|^\x01")
def test_the_content_tells_the_delimiter(tmp_path, name, delimiter) -> None:
    table = [(f"text {i}", "pos", "en") for i in range(9)]
    content = "".join(delimiter.join(row) + "\n" for row in [HEADER, *table])
    assert rows_of(read(written(tmp_path / name, content))) == table


@pytest.mark.parametrize("delimiter", ";|\t,")
def test_a_line_for_excel_is_no_row(tmp_path, delimiter) -> None:
    lines = [delimiter.join(row) for row in [HEADER, *[("a", "b", "c")] * 200]]
    path = written(tmp_path / "x.csv", "\r\n".join([f"sep={delimiter}", *lines]))
    assert rows_of(read(path)) == [("a", "b", "c")] * 200
    lines[150] = "a"
    source = read(written(tmp_path / "y.csv", "\n".join([f"sep={delimiter}", *lines])))
    assert "line 152 left out: another number of fields than 3" in source.notes


def test_what_is_given_is_taken(tmp_path) -> None:
    path = written(tmp_path / "x.csv", "text:label,x\na:b,c\n")
    assert rows_of(read(path, Options(delimiter=":"))) == [("a", "b,c")]
    tabs = written(tmp_path / "y.csv", "text\tlabel,x\na\tb,c\n")
    assert rows_of(read(tabs, Options(delimiter="\\t"))) == [("a", "b,c")]
    with pytest.raises(InputError, match="expected one character of ASCII"):
        read(path, Options(delimiter="::"))


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("blank", [0, 1, 3])
def test_breaks_and_blank_lines(tmp_path, break_, blank) -> None:
    rows = [("a", "x"), ("b", "y")]
    lines = ["text,label", *[""] * blank, "a,x", *[""] * blank, "b,y", *[""] * blank]
    for path in (tmp_path / "x.csv", tmp_path / "y.csv"):
        assert rows_of(read(written(path, break_.join(lines)))) == rows
    one = break_.join(["text", "a", *[""] * blank, "b"])
    assert rows_of(read(written(tmp_path / "z.txt", one))) == [("a",), ("b",)]


def test_breaks_of_two_kinds_and_lone_returns(tmp_path) -> None:
    content = "text,label\r\na,x\nb\rc,y\r\n"
    assert rows_of(read(written(tmp_path / "x.csv", content))) == [("a", "x"), ("b\rc", "y")]


def test_a_very_long_field(tmp_path) -> None:
    table = [("a" * 3_000_000, "x"), ("b, " * 1_000_000, "y"), ("c", "z")]
    out = io.StringIO()
    csv.writer(out).writerows([("text", "label"), *table])
    assert rows_of(read(written(tmp_path / "x.csv", out.getvalue()))) == table


@pytest.mark.parametrize("break_", ["\n", "\r\n"])
def test_many_rows_agree_with_the_csv_module(tmp_path, monkeypatch, break_) -> None:
    """Over several of the blocks that are looked at, and of those that SQL reads at once."""
    texts = ["plain", 'a "quoted" word', "with, comma", "over\ntwo, lines", "", "良い悪い" * 20]
    table = [(f"{texts[i * i % 6]} {i}", str(i % 5), "de") for i in range(120_000)]
    out = io.StringIO()
    csv.writer(out, lineterminator=break_).writerows([HEADER, *table])
    monkeypatch.setattr(delimited, "_CHECKED", 1 << 20)  # larger files are not counted twice
    source = read(written(tmp_path / "x.csv", out.getvalue()))
    assert "read_csv" in source.select
    assert rows_of(source) == table


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; expected a table"),
        (b"\xef\xbb\xbf", "empty but for a byte order mark"),
        (b"\n\n\n", "blank lines alone"),
        (b"text,label\n", r"has a header \(text, label\) and no rows"),
        (b"text,label\na,\x00b\n", "line 2 holds a null character"),
        (bytes(range(256)) * 9, "is no text"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, message) -> None:
    with pytest.raises(InputError, match=message):
        read(written(tmp_path / "x.csv", content))


ENCODED = {
    "cp1252": ("spät – „gut“;schön;für uns l’été", "Windows-1252"),
    "latin-1": ("señor está bien;mañana será;¿qué?", "Windows-1252"),
    "cp1250": ("zażółć gęślą;jaźń;łódź", "Windows-1250"),
    "cp1251": ("Хорошая вещь;цвет плохой;плохо", "Windows-1251"),
    "koi8-r": ("Хорошая вещь;цвет плохой;плохо", "KOI8-R"),
    "cp1253": ("καλό προϊόν;κακό χρώμα;Καλό", "Windows-1253"),
    "cp1255": ("מוצר טוב;צבע רע;טוב", "Windows-1255"),
    "cp1256": ("منتج جيد;لون سيء;جيد", "Windows-1256"),
    "gb18030": ("很好用;质量不好;好", "GB18030"),
    "big5": ("這個東西很好;品質不好;好", "Big5"),
    "shift_jis": ("とても良い;色が悪い;良い", "Shift-JIS"),
    "euc_kr": ("좋은 제품입니다;나쁜 색깔;좋아요", "EUC-KR"),
    "utf-16": ("spät;好;é", "UTF-16"),
    "utf-16-le": ("spaet;und gut;und schoen", "UTF-16"),
    "utf-8-sig": ("spät;好;é", ""),
}


@pytest.mark.parametrize("encoding", ENCODED)
@pytest.mark.parametrize("times", [1, 30])
def test_encodings_are_found_out_and_said(tmp_path, encoding, times) -> None:
    texts, said = ENCODED[encoding]
    table = [(text, "pos", "xx") for text in texts.split(";") * times]
    content = "".join("\t".join(row) + "\n" for row in [HEADER, *table])
    source = read(written(tmp_path / "x.tsv", content, encoding))
    assert rows_of(source) == table
    assert said in source.parts[0].read_as
    guessed = not encoding.startswith("utf")
    assert any("set the encoding" in note for note in source.notes) == guessed
    given = read(tmp_path / "x.tsv", Options(encoding=encoding))
    assert rows_of(given) == table
    assert not any("set the encoding" in note for note in given.notes)


def test_a_few_broken_bytes_in_utf8_are_named_not_guessed_at(tmp_path) -> None:
    lines = ["text,label", *(f"spät schön {i},x" for i in range(99))]
    content = "\n".join(lines).encode()
    broken = content.replace("spät schön 50".encode(), b"sp\xe4t sch\xc3")
    with pytest.raises(InputError, match="line 52 is not UTF-8, though the rest"):
        read(written(tmp_path / "x.csv", broken))
    with pytest.raises(InputError, match="unknown encoding 'klingon'"):
        read(tmp_path / "x.csv", Options(encoding="klingon"))
    with pytest.raises(InputError, match="line 52 is not utf-8"):
        read(tmp_path / "x.csv", Options(encoding="utf-8"))
    assert len(rows_of(read(tmp_path / "x.csv", Options(encoding="latin-1")))) == 99
