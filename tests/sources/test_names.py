"""Names of files and folders: what is a language, what only looks like one."""

from __future__ import annotations

import pytest

from core.sources.names import of_names

TOLD = {
    "a file a language": (["de.csv", "en.csv", "it.csv"], ["de", "en", "it"]),
    "dots": (["xnli.dev.de.txt", "xnli.dev.sw.txt"], ["de", "sw"]),
    "names": (["german.csv", "French.csv", "日本語.csv"], ["de", "fr", "ja"]),
    "folders": (["amharic/train.tsv", "orm/train.tsv", "pcm/dev.tsv"], ["am", "om", "pcm"]),
    "three letters": (["data/orm/dev.tsv", "data/yor/dev.tsv"], ["om", "yo"]),
    "regions": (["dataset.de-DE.csv", "dataset.sw-KE.csv"], ["de", "sw"]),
    "lower regions": (["en-us.csv", "pt-br.csv", "zh-cn.csv"], ["en", "pt", "zh"]),
    "scripts": (["eng_Latn.tsv", "deu_Latn.tsv"], ["en", "de"]),
    "projections": (["en-projections.tsv", "is-projections.tsv"], ["en", "is"]),
    "parts": (["fr/train-00000-of-00001.parquet", "ja/train-00001-of-00002.parquet"], ["fr", "ja"]),
    "countries": (["jp.csv", "cn.csv", "en.csv"], ["ja", "zh", "en"]),
    "one file": (["test_set_en.json"], ["en"]),
    "one file of a split": (["reviews_fr_train.jsonl"], ["fr"]),
    "one name": (["german.csv"], ["de"]),
    "splits of one language": (["train.de.tsv", "dev.de.tsv"], ["de", "de"]),
    "dumps": (["20231101.fr/a.parquet", "20231101.de/a.parquet"], ["fr", "de"]),
    "one that names none": (["all.csv", "de.csv", "fr.csv"], ["", "de", "fr"]),
}
FRIENDS = [
    ["my_reviews.csv"],
    ["no.csv"],
    ["data.csv"],
    ["raw/all.csv"],
    ["pos.csv", "neg.csv"],
    ["it.csv", "is.csv"],
    ["text.csv", "labels.csv"],
    ["home.csv", "books.csv"],
    ["my_data_to_use.csv"],
    ["new.tsv", "own.tsv", "sub.tsv"],
    ["train.csv", "test.csv", "dev.csv"],
    ["set1.csv", "set2.csv"],
]


@pytest.mark.parametrize("case", TOLD)
def test_languages_are_told(case) -> None:
    names, languages = TOLD[case]
    assert [language for language, _ in of_names(names)] == languages


@pytest.mark.parametrize("names", FRIENDS, ids=" ".join)
def test_false_friends_are_no_languages(names) -> None:
    assert {language for language, _ in of_names(names)} == {""}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.csv", "train"),
        ("TRAINING.csv", "train"),
        ("x_trn.csv", "train"),
        ("xnli.dev.de.txt", "validation"),
        ("a/valid/x.csv", "validation"),
        ("x-val.csv", "validation"),
        ("Testing.csv", "test"),
        ("twitter-2016train-A.tsv", "train"),
        ("test/train.csv", "train"),
        ("train_test.csv", ""),
        ("tested.csv", ""),
        ("latest.csv", ""),
    ],
)
def test_splits_are_told(name, split) -> None:
    assert of_names([name])[0][1] == split
