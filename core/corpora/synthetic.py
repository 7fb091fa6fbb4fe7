"""The `synthetic` corpus: short reviews from our own templates, in six languages.

It is for tests and as ground truth for attribution, because the words that carry the sentiment of
each text are known. It is never a reported result.

A frame is a template with its slots filled: an item, neutral slots (person, place, time) and the
positions of one or two opinions in the list of a class. Every frame is used once for each label and
in each language, so that before noise the neutral words are independent of label and language
exactly, not only on average. Frames are distinct and belong to one split each.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations, product
from random import Random
from typing import TypeVar

import pyarrow as pa

LABELS = ("negative", "neutral", "positive")
LANGUAGES = ("de", "en", "es", "fr", "ja", "zh")
SPLITS = ("train", "validation", "test")

# Every row below holds one thing in the order of LANGUAGES.

# German needs one case a slot: items are subjects, persons follow a preposition with the dative,
# and no pronoun refers back to an item. Items are masculine in Spanish and French, so that one form
# of each opinion agrees.
TEMPLATES = (
    (
        "{time} habe ich mit {person} gesprochen, und unserer Meinung nach ist {item} {opinion}.",
        "{time} I spoke with {person}, and in our opinion {item} is {opinion}.",
        "{time} hablé con {person} y, en nuestra opinión, {item} es {opinion}.",
        "{time}, j’ai parlé avec {person}, et à notre avis {item} est {opinion}.",
        "{time}、{person}と話しましたが、私たちの意見では{item}は{opinion}です。",
        "{time}我和{person}聊过，我们认为{item}很{opinion}。",
    ),
    (
        "{item} aus {place} kam mir {time} {opinion} vor.",
        "{item} from {place} seemed {opinion} to me {time}.",
        "{item} de {place} me pareció {opinion} {time}.",
        "{item} de {place} m’a paru {opinion} {time}.",
        "{time}、{place}の{item}は{opinion}に思えました。",
        "{time}，我觉得{place}的{item}很{opinion}。",
    ),
    (
        "Laut {person} ist {item} aus {place} {opinion}.",
        "According to {person}, {item} from {place} is {opinion}.",
        "Según {person}, {item} de {place} es {opinion}.",
        "Selon {person}, {item} de {place} est {opinion}.",
        "{person}によると、{place}の{item}は{opinion}だそうです。",
        "据{person}说，{place}的{item}很{opinion}。",
    ),
    (
        "Alles in allem war {item} {time} {opinion} und auch {another}.",
        "All in all, {item} was {opinion} and also {another} {time}.",
        "En resumen, {item} fue {opinion} y también {another} {time}.",
        "En somme, {item} était {opinion} et aussi {another} {time}.",
        "全体として、{time}の{item}は{opinion}で、また{another}でした。",
        "总的来说，{time}{item}很{opinion}，也很{another}。",
    ),
    (
        "{item} aus {place} ist {opinion}, mit anderen Worten {another}.",
        "{item} from {place} is {opinion}, in other words {another}.",
        "{item} de {place} es {opinion}, en otras palabras, {another}.",
        "{item} de {place} est {opinion}, autrement dit {another}.",
        "{place}の{item}は{opinion}、言い換えれば{another}です。",
        "{place}的{item}很{opinion}，换句话说，很{another}。",
    ),
    (
        "Für mich ist {item} {opinion} oder, um es mit {person} zu sagen, {another}.",
        "To me, {item} is {opinion} or, to quote {person}, {another}.",
        "Para mí, {item} es {opinion} o, como dice {person}, {another}.",
        "Pour moi, {item} est {opinion} ou, comme dit {person}, {another}.",
        "私にとって{item}は{opinion}、{person}の言葉を借りれば{another}です。",
        "对我来说，{item}很{opinion}，用{person}的话说就是很{another}。",
    ),
)

SLOTS = {
    "item": (
        ("dieser Lehrer", "this teacher", "este profesor", "ce professeur", "この先生", "这位老师"),
        ("dieser Kurs", "this course", "este curso", "ce cours", "この講座", "这门课程"),
        ("dieses Buch", "this book", "este libro", "ce livre", "この本", "这本书"),
        ("dieses Medikament", "this drug", "este medicamento", "ce médicament", "この薬", "这种药"),
        ("dieser Sirup", "this syrup", "este jarabe", "ce sirop", "このシロップ", "这款糖浆"),
        ("dieses Telefon", "this phone", "este teléfono", "ce téléphone", "この電話", "这部手机"),
        ("dieses Messer", "this knife", "este cuchillo", "ce couteau", "このナイフ", "这把刀"),
        ("dieser Hut", "this hat", "este sombrero", "ce chapeau", "この帽子", "这顶帽子"),
        ("dieser Mantel", "this coat", "este abrigo", "ce manteau", "このコート", "这件大衣"),
        ("dieser Ofen", "this oven", "este horno", "ce four", "このオーブン", "这台烤箱"),
    ),
    "person": (
        ("meiner Schwester", "my sister", "mi hermana", "ma sœur", "姉", "姐姐"),
        ("meinem Bruder", "my brother", "mi hermano", "mon frère", "兄", "哥哥"),
        ("meiner Mutter", "my mother", "mi madre", "ma mère", "母", "妈妈"),
        ("meinem Vater", "my father", "mi padre", "mon père", "父", "爸爸"),
        ("meiner Tante", "my aunt", "mi tía", "ma tante", "叔母", "姑姑"),
        ("meinem Onkel", "my uncle", "mi tío", "mon oncle", "叔父", "叔叔"),
        ("meinem Nachbarn", "my neighbour", "mi vecino", "mon voisin", "隣人", "邻居"),
        ("meiner Kollegin", "my colleague", "mi colega", "ma collègue", "同僚", "同事"),
        ("einem Freund", "a friend", "un amigo", "un ami", "友人", "朋友"),
        ("meinem Chef", "my boss", "mi jefe", "mon chef", "上司", "老板"),
    ),
    "place": (
        ("Berlin", "Berlin", "Berlín", "Berlin", "ベルリン", "柏林"),
        ("Paris", "Paris", "París", "Paris", "パリ", "巴黎"),
        ("Madrid", "Madrid", "Madrid", "Madrid", "マドリード", "马德里"),
        ("London", "London", "Londres", "Londres", "ロンドン", "伦敦"),
        ("Tokio", "Tokyo", "Tokio", "Tokyo", "東京", "东京"),
        ("Peking", "Beijing", "Pekín", "Pékin", "北京", "北京"),
        ("Rom", "Rome", "Roma", "Rome", "ローマ", "罗马"),
        ("Wien", "Vienna", "Viena", "Vienne", "ウィーン", "维也纳"),
        ("Lissabon", "Lisbon", "Lisboa", "Lisbonne", "リスボン", "里斯本"),
        ("Prag", "Prague", "Praga", "Prague", "プラハ", "布拉格"),
    ),
    "time": (
        ("gestern", "yesterday", "ayer", "hier", "昨日", "昨天"),
        ("heute Morgen", "this morning", "esta mañana", "ce matin", "今朝", "今天早上"),
        ("letzte Woche", "last week", "la semana pasada", "la semaine dernière", "先週", "上周"),
        ("letzten Monat", "last month", "el mes pasado", "le mois dernier", "先月", "上个月"),
        ("letztes Jahr", "last year", "el año pasado", "l’an dernier", "昨年", "去年"),
        ("am Montag", "on Monday", "el lunes", "lundi", "月曜日", "星期一"),
        ("am Samstag", "on Saturday", "el sábado", "samedi", "土曜日", "星期六"),
        ("am Wochenende", "at the weekend", "el fin de semana", "ce week-end", "週末", "周末"),
        ("im Januar", "in January", "en enero", "en janvier", "一月", "一月"),
        ("im Mai", "in May", "en mayo", "en mai", "五月", "五月"),
    ),
}

# Predicative adjectives that suit a teacher as well as a phone. The Japanese ones are all of the
# kind that takes です, で, に and だ unchanged; the Chinese ones all go with 很. The lists have one
# length, since a frame names an opinion by its position.
OPINIONS = {
    "negative": (
        ("schrecklich", "terrible", "terrible", "épouvantable", "最悪", "糟糕"),
        ("enttäuschend", "disappointing", "decepcionante", "décevant", "期待外れ", "令人失望"),
        ("nutzlos", "useless", "inútil", "inutile", "役立たず", "没用"),
        ("furchtbar", "awful", "horrible", "affreux", "悲惨", "差劲"),
        ("miserabel", "lousy", "pésimo", "lamentable", "お粗末", "蹩脚"),
        ("lästig", "annoying", "molesto", "agaçant", "不快", "烦人"),
        ("mangelhaft", "poor", "deficiente", "médiocre", "不十分", "低劣"),
        ("frustrierend", "frustrating", "frustrante", "frustrant", "残念", "让人沮丧"),
    ),
    "neutral": (
        ("gewöhnlich", "ordinary", "corriente", "ordinaire", "普通", "普通"),
        ("durchschnittlich", "average", "regular", "moyen", "平均的", "一般"),
        ("akzeptabel", "acceptable", "aceptable", "acceptable", "無難", "中规中矩"),
        ("alltäglich", "commonplace", "común", "banal", "平凡", "平凡"),
        ("typisch", "typical", "típico", "typique", "典型的", "典型"),
        ("konventionell", "conventional", "convencional", "conventionnel", "一般的", "常规"),
        ("schlicht", "plain", "sencillo", "simple", "簡素", "朴素"),
        ("normal", "normal", "normal", "normal", "標準的", "正常"),
    ),
    "positive": (
        ("ausgezeichnet", "excellent", "excelente", "excellent", "優秀", "优秀"),
        ("wunderbar", "wonderful", "maravilloso", "merveilleux", "素敵", "棒"),
        ("hervorragend", "outstanding", "sobresaliente", "remarquable", "抜群", "出色"),
        ("perfekt", "perfect", "perfecto", "parfait", "完璧", "完美"),
        ("ideal", "ideal", "ideal", "idéal", "理想的", "理想"),
        ("fantastisch", "fantastic", "fantástico", "fantastique", "最高", "了不起"),
        ("beeindruckend", "impressive", "impresionante", "impressionnant", "見事", "令人赞叹"),
        ("großartig", "splendid", "espléndido", "splendide", "立派", "出众"),
    ),
}

SPANS = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))
COLUMNS = ("text", "label", "language", "split", "sentence")
SCHEMA = pa.schema([(name, pa.string()) for name in COLUMNS] + [("informative", SPANS)])

Frame = tuple[int, tuple[int, ...]]  # a template, and a row for each of its fields
Span = dict[str, int]
T = TypeVar("T")


def generate(
    sentences_per_label: Mapping[str, int] = {"train": 400, "validation": 80, "test": 80},
    noise: float = 0.05,
    seed: int = 0,
) -> pa.Table:
    """Generate the corpus; the same arguments give the same table on any machine.

    sentences_per_label: number of sentences of each label for each split; a split left out gets no
        rows. The counts hold after noise too.
    noise: share of the sentences in each split whose label is replaced by another one, 0 to 0.5.
        Labels are swapped between pairs of sentences of different labels, the three pairs of
        labels taking turns, so that the counts stay exact. Hence the share is met to the nearest
        pair of sentences, and it is the same in every split large enough. All translations of a
        sentence share its label.
    seed: which frames are drawn and which sentences are noisy; 0 or more. Another noise changes
        labels only, never texts.

    Returns 6 * 3 * sum(sentences_per_label.values()) rows, ordered by split, sentence, language:
    `text`, `label`, `language`, `split`, `sentence` (id shared by the six translations) and
    `informative` (half-open spans of the opinions in `text`, in characters as Python counts them,
    sorted). The opinions are of the label before noise. Within a language all texts are distinct.

    Raises ValueError for an unknown split, a count that is not a whole number above 0, more
    sentences than there are distinct frames, a noise outside 0 to 0.5, a seed below 0.
    """
    frames = _frames()
    _check(sentences_per_label, noise, seed, len(frames))
    rng = Random(seed)
    drawn = iter(_draw(frames, sum(sentences_per_label.values()), rng))

    columns: dict[str, list[object]] = {name: [] for name in SCHEMA.names}
    sentences = 0
    for split in SPLITS:
        chosen = [next(drawn) for _ in range(sentences_per_label.get(split, 0))]
        pairs = [(frame, label) for frame in chosen for label in LABELS]
        labels = _with_noise([label for _, label in pairs], noise, rng)
        for (frame, opinions_of), label in zip(pairs, labels, strict=True):
            for language in LANGUAGES:
                text, spans = _render(frame, opinions_of, language)
                row = (text, label, language, split, f"s{sentences:06d}", spans)
                for name, value in zip(SCHEMA.names, row, strict=True):
                    columns[name].append(value)
            sentences += 1
    return pa.table(columns, schema=SCHEMA)


def _check(sentences_per_label: Mapping[str, int], noise: float, seed: int, possible: int) -> None:
    unknown = sorted(set(sentences_per_label) - set(SPLITS))
    if unknown or not sentences_per_label:
        found = ", ".join(unknown) or "no split at all"
        raise ValueError(
            f"sentences_per_label names {found}; give a count for one or more of: "
            f"{', '.join(SPLITS)}."
        )
    for split, count in sentences_per_label.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(
                f"sentences_per_label[{split!r}] is {count!r}; give a whole number above 0, "
                "or leave the split out."
            )
    asked = sum(sentences_per_label.values())
    if asked > possible:
        raise ValueError(
            f"sentences_per_label asks for {asked} sentences a label over all splits, but only "
            f"{possible} distinct ones are possible; ask for {possible} or fewer."
        )
    if not 0 <= noise <= 0.5:
        raise ValueError(f"noise is {noise!r}; give a share from 0 to 0.5.")
    if not isinstance(seed, int) or seed < 0:  # Random takes -1 and 1 for the same seed
        raise ValueError(f"seed is {seed!r}; give a whole number, 0 or more.")


@cache
def _pieces(template: str) -> list[tuple[str, str | None]]:
    """Literal texts, each with the field that follows it, if any."""
    return [(literal, field) for literal, field, _, _ in string.Formatter().parse(template)]


def _fields(number: int) -> list[str]:
    """Fields of a template, in the order in which a frame holds their rows."""
    return [field for _, field in _pieces(TEMPLATES[number][0]) if field]


@cache
def _frames() -> list[Frame]:
    """All distinct frames; the same ones for every label."""
    sizes = {name: len(rows) for name, rows in SLOTS.items()}
    sizes["opinion"] = sizes["another"] = len(OPINIONS[LABELS[0]])
    frames = []
    for number in range(len(TEMPLATES)):
        fields = _fields(number)
        for rows in product(*(range(sizes[field]) for field in fields)):
            filled = dict(zip(fields, rows, strict=True))
            if filled["opinion"] != filled.get("another"):  # no "poor and also poor"
                frames.append((number, rows))
    return frames


def _render(frame: Frame, label: str, language: str) -> tuple[str, list[Span]]:
    """The text of a frame with opinions of `label`, and their spans in it."""
    number, rows = frame
    filled = dict(zip(_fields(number), rows, strict=True))
    column = LANGUAGES.index(language)
    text = ""
    spans = []
    for literal, field in _pieces(TEMPLATES[number][column]):
        text += literal
        if field is None:
            continue
        opinion = field in ("opinion", "another")
        word = (OPINIONS[label] if opinion else SLOTS[field])[filled[field]][column]
        if opinion:
            spans.append({"start": len(text), "end": len(text) + len(word)})
        text += word
    return text[0].upper() + text[1:], spans


def _with_noise(labels: Sequence[str], noise: float, rng: Random) -> list[str]:
    """Labels with a share of them swapped between sentences of different labels."""
    left = {}
    for label in LABELS:
        places = [i for i, found in enumerate(labels) if found == label]
        left[label] = _draw(places, len(places), rng)
    pairs = list(combinations(LABELS, 2))
    pairs = _draw(pairs, len(pairs), rng)
    noisy = list(labels)
    for swap in range(round(noise * len(labels) / 2)):
        one, other = pairs[swap % len(pairs)]
        noisy[left[one].pop()], noisy[left[other].pop()] = other, one
    return noisy


def _draw(items: Sequence[T], count: int, rng: Random) -> list[T]:
    """`count` of the items in random order, without replacement."""
    # Python promises the same stream over its versions for random() alone, not for sample or
    # shuffle; numpy promises it for no Generator method.
    pool = list(items)
    for i in range(count):
        j = i + int(rng.random() * (len(pool) - i))
        pool[i], pool[j] = pool[j], pool[i]
    return pool[:count]
