"""The documents of results, key by key: what `show --json` prints and a study's folder holds.

Shares, accuracies and probabilities are from 0 to 1; an interval is one of 95 % unless its key says
otherwise. Where a key may be None, the study or run has no such value.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from core.attribution.result import Sentence as Sentence  # pages know results alone
from core.attribution.result import TypedRun as TypedRun
from core.attribution.result import TypedTexts as TypedTexts
from core.attribution.result import TypedTokens as TypedTokens
from core.checkpoints.run_folders import OpenState
from core.measures.comparison import Method

Interval = list[float]  # its two ends
ProbeKey = Literal[  # of an accuracy
    "accuracy",
    "accuracy_released",
    "knn",
    "before_fine_tuning",
    "before_fine_tuning_released",
    "before_fine_tuning_knn",
]
Shares = dict[str, dict[str, float]]  # by language (or group of them) and class


class LanguageAccuracy(TypedDict):
    """Accuracy in one language."""

    accuracy: float  # share right
    low: float  # ends of its interval over test sentences
    high: float
    n: int  # test rows


class CalibrationError(TypedDict):
    """How far probabilities are from what they say, in one language or all."""

    ece: float  # expected calibration error, which noise makes larger
    rms: float  # root-mean-square error without what noise adds
    rms_ci: Interval
    n: int  # test rows


class ReliabilityPoint(TypedDict):
    """A bin of the reliability diagram; see `core.measures.calibration.reliability`."""

    language: str  # or `all`
    confidence: float  # mean probability of what was predicted
    accuracy: float  # share right
    low: float
    high: float
    n: int  # rows in the bin


class UptakeOf(TypedDict):
    """Skew uptake over the cells of one class, or one language."""

    value: float | None  # None where the design does not skew it
    ci: Interval | None


class BaseValues(TypedDict):
    """The output on all-mask inputs as long as the test texts."""

    mean: dict[str, float]  # by class
    distance_from_uniform: float  # mean total variation
    n: int  # texts


class ProbeResults(TypedDict):
    """Language identification from CLS vectors; see `core.measures.probes.Probe`."""

    accuracy: float  # the paper's text: logistic regression at default strength
    accuracy_released: float  # the paper's code, and so its tables
    knn: float  # 15 nearest neighbours
    chance: float  # share of the commonest language
    n: int  # rows
    dimension: int  # of the vectors
    folds: int  # of the cross-validation, by sentence
    before_fine_tuning: float | None  # the same of the pretrained encoder, where it was probed
    before_fine_tuning_released: float | None
    before_fine_tuning_knn: float | None


class SkewMeasures(TypedDict):
    """What is measured along the study's skewed design; None or empty where it has none."""

    skew_uptake: float | None  # slope of what is predicted too often on what is trained too often
    skew_uptake_ci: Interval | None
    soft_uptake: float | None  # the same with mean probabilities
    soft_uptake_ci: Interval | None
    language_effect: float | None  # total variation between groups on the same sentences
    language_effect_ci: Interval | None
    skew_uptake_by_class: dict[str, UptakeOf]
    skew_uptake_by_language: dict[str, UptakeOf]
    language_effect_p: NotRequired[float]  # of as large an effect by chance
    language_effect_observed: NotRequired[float]  # before what chance gives is taken off
    language_effect_null: NotRequired[float]  # what permuting the languages gives
    language_effect_sentences: NotRequired[int]  # in every language
    predictions_by_group: NotRequired[Shares]  # of all languages of a group together


class TestWeighting(TypedDict):
    """How the rows of a test set that is not uniform are weighted in every measure.

    In accuracy, predicted shares, skew and soft uptake, language effect and calibration. Confusion
    and numbers of rows are counts, the probes and base values of the rows as they are.
    """

    to: Literal["uniform", "independent"]  # joint distribution that the weights aim at
    n_effective: dict[str, float]  # rows of equal weight that tell as much (Kish): `all`, languages
    test_shares: Shares  # of all test rows, by language and label
    target_shares: Shares


class Weighted(TypedDict):
    """Of a run whose test set is as found."""

    test_weighting: NotRequired[TestWeighting]


class Drawn(TypedDict):
    """Of a run whose mitigation draws the training rows."""

    n_drawn: NotRequired[int]  # rows that an epoch passes over


class Measures(SkewMeasures, Weighted, Drawn):
    """The measures of a finished run on the study's test set: uniform, or weighted to be so."""

    n_train: int  # rows
    n_validation: int
    n_test: int
    accuracy: float
    accuracy_ci: Interval  # over test sentences
    seconds: float  # of its training, or of the correction of another run's model
    accuracy_by_language: dict[str, LanguageAccuracy]
    best_epoch: float | None  # None of a model from elsewhere
    validation_loss: float | None  # at its best epoch
    predictions: Shares  # share of each class predicted
    soft_predictions: Shares  # mean probability of each class
    truth: Shares  # share of each class
    training_shares: Shares  # in the run's own training set
    confusion: dict[str, dict[str, dict[str, int]]]  # rows by language, label and prediction
    calibration: dict[str, CalibrationError]  # by language, and `all`
    reliability: list[ReliabilityPoint]
    base_values: BaseValues | None
    probe: dict[str, ProbeResults]  # by kind of texts: `original`, `external`


class Run(TypedDict):
    """Which run of a study it is."""

    run: str  # its id
    setup: str
    seed: int
    null: bool  # a balanced run whose seed no other setup has


class OpenRun(Run):
    """A run that is not done, or whose files do not read."""

    state: OpenState
    message: str  # what is wrong; may be empty


class RunResults(Run, Measures):
    """A finished run of a study."""

    state: Literal["done"]
    message: str  # empty, or what speaks against its numbers


class SpreadResults(TypedDict):
    """What a difference varies by: variances; see `core.measures.comparison.Spread`."""

    seeds: float | None
    sentences: float
    one_seed: float


class ComparisonResults(TypedDict):
    """One measure of a setup or run against another's."""

    a: str  # setup, with ` (null)` for the nulls of one
    b: str  # the one that it is read against
    measure: str  # of `core.results.comparison_tables.MEASURES`
    difference: float  # a minus b, mean over the seeds that both have
    ci: Interval | None
    p: float | None  # two-sided, not corrected; None below three seeds
    n_seeds: int  # that both have
    method: Method  # what the interval is over
    covers: str  # the same in words
    beyond_chance: bool | None  # at 5 %, corrected (Holm); None below three seeds
    margin: float | None  # smaller differences are of no consequence
    within_margin: bool | None  # whether the 90 % interval is
    verdict: str  # differs, equivalent, cannot tell, no verdict
    spread: SpreadResults | None


class RunComparison(ComparisonResults):
    """The same with both sides' means over the common seeds."""

    value_a: float
    value_b: float


class StudyResults(TypedDict):
    """The results of a study: `show STUDY --json`, and `document` in its summary.json."""

    study: str  # its name
    corpus: str
    encoder: str
    labels: list[str]  # in their order
    languages: list[str]
    groups: list[list[str]]  # the two sides of the skewed design; none without one
    training_shares: Shares  # of the labels in each language of the skewed design
    runs: list[RunResults | OpenRun]
    comparisons: list[ComparisonResults]


class OverRuns(TypedDict):
    """A measure of a setup: the mean over its runs."""

    value: float
    ci: Interval | None  # None of a probe below three seeds
    covers: str  # what the interval is over, in words


class WorstCell(OverRuns):
    """The cell of language and label with the smallest share right; `value` is that share."""

    language: str
    label: str
    n: int  # test rows in it


class ReliancePart(TypedDict):
    """Language reliance of a setup: change of the soft uptake that neutral tokens carry."""

    value: float
    ci: Interval
    threshold: float
    n_texts: int
    n_seeds: int
    covers: str


class MitigationCost(TypedDict):
    """What a run of a setup takes."""

    seconds: float  # of training or, of a correction, of that; prediction included; mean over seeds
    rows: int  # that an epoch passes over; 0 where nothing is trained
    corrects: str  # setup whose model is corrected; empty where one is trained
    corrects_seconds: float | None  # of training that, where the study has it


class SchemeOf(TypedDict):
    """A mitigation, as it says of itself; see `core.mitigation.scheme.Scheme`."""

    name: str  # in a setup
    title: str
    source: str
    about: str
    stage: str  # data, loss, after
    rank: int
    serving: str  # as in MitigationRow
    settings: dict[str, float]


class MitigationRow(TypedDict):
    """A setup of a study beside balanced training."""

    setup: str
    base: str  # balanced or imbalanced
    mitigations: list[SchemeOf]
    stage: str  # of the last of them; empty without any
    rank: int  # how much it asks of who uses it; 0 without mitigation
    serving: str  # whether it needs the language of a text: empty, given, identified
    seeds: int
    accuracy: OverRuns
    worst_cell: WorstCell
    calibration: OverRuns  # root-mean-square calibration error
    probe: OverRuns | None  # language identification, test set, 15 neighbours
    language_reliance: ReliancePart | None
    no_reliance: Literal["", "reference", "not attributed"]  # why there is none
    against: str | None  # the balanced setup that it is read against
    minus_balanced: dict[str, ComparisonResults]  # by measure
    equivalent: bool | None  # accuracy and skew uptake within the margin; None: no verdict
    distance: float | None  # in margins: the larger of |uptake| and the loss of accuracy
    cost: MitigationCost


class BetweenBalanced(TypedDict):
    """What two balanced runs differ by, which have nothing but the seed to differ in."""

    seeds: list[int]  # of the two
    differences: dict[str, float]  # by measure, the first minus the second


class MitigationAdvice(TypedDict):
    """Which setup can be recommended, as far as there is evidence."""

    state: Literal["recommended", "none equivalent", "few seeds", "no balanced", "no skew"]
    setup: str | None  # the recommended one, else the one with the smallest distance
    equivalent: list[str]  # those that would do, the simplest first
    seeds: int  # that setups and balanced have in common, at most


class MitigationResults(TypedDict):
    """All setups of a study beside balanced training: `mitigations STUDY --json`."""

    study: str
    n_test: int  # rows
    rows: list[MitigationRow]
    between_balanced: list[BetweenBalanced]
    advice: MitigationAdvice


class OpenRunDocument(TypedDict):
    """A run by itself that is not done: `show RUN --json`."""

    run: str
    state: OpenState
    message: str
    config: dict[str, Any]  # as in its config.json


class RunDocument(Measures):
    """A finished run by itself: `show RUN --json`."""

    run: str
    state: Literal["done"]
    message: str
    config: dict[str, Any]


class PowerRow(TypedDict):
    """A difference that one may ask for, and what it takes to see it."""

    measure: str
    effect: float  # the difference
    why: str  # that one
    seeds_needed: int | None  # with 80 % power at 5 %; None: more than MOST_SEEDS
    seeds_needed_holm: int | None  # at the first step of Holm's procedure
    detectable: float | None  # what so many seeds see; None below three
    detectable_holm: float | None


class PowerGuide(TypedDict):
    """How many seeds differences take; see `core.results.power.guide`."""

    seeds: int  # planned
    pairs: int  # of setups, compared by one measure
    source: str  # of the variances, in words
    rows: list[PowerRow]


class Cost(TypedDict):
    """What a text costs a model to attribute, on average."""

    evaluations: float
    seconds: float
    tokens: float  # that a text has
    texts: float  # how many there are
    standard_error: float | None  # of a value, root mean square; None where the method has none


class TokenShare(TypedDict):
    """Share of a class's tokens in each group of a reference run."""

    seed: int
    label: str  # the class
    positive: float
    negative: float
    neutral: float
    n: int  # tokens


class CrossFitted(TypedDict):
    """What a setup's cross-fitted values are of."""

    pairs: int  # of seeds: of the two models, and of the one that chooses the groups
    seeds: list[int]
    texts: int


class _Difference(TypedDict):
    """A setup's difference from the reference: in units of probability, or of the soft uptake."""

    setup: str
    mean: float | None  # groups chosen as in the paper
    ci: Interval | None
    crossed: float | None  # cross-fitted
    crossed_ci: Interval | None
    between_balanced: float | None  # what two balanced runs differ by, root mean square
    n_texts: float


class _OfSeed(TypedDict):
    """Of one pair of runs; intervals are over test sentences."""

    seed: int
    run: str
    reference: str  # run


class _OverSeeds(TypedDict):
    """The mean over three seeds or more; intervals are over seeds and test sentences."""

    n_seeds: int
    covers: str  # what the intervals are over, in words
    p: float | None  # two-sided, of 0
    crossed_p: float | None


class _Cell(TypedDict):
    """In the texts of one language, to one class, in one token group or the base value."""

    language: str
    label: str  # the class
    group: str  # of `core.measures.cumulative.PARTS`
    side: str | None  # whether training has the class `over` or `under` in the language
    n_tokens: float | None  # in the group
    crossed_tokens: float | None
    per_token: float | None  # mean a token
    crossed_per_token: float | None


class _Side(TypedDict):
    """Over the languages in which a class is over- or under-represented."""

    label: str  # the class
    group: str
    side: str  # `over`, `under`, `over - under`


class _Part(TypedDict):
    """Of the change of the soft uptake."""

    part: str  # of PARTS, `unexplained` or `total`


class CellRow(_Difference, _OfSeed, _Cell):
    """A cumulative difference of a pair of runs."""


class SideRow(_Difference, _OfSeed, _Side):
    """The mean over the languages of a side."""


class PartRow(_Difference, _OfSeed, _Part):
    """A part of the change of the soft uptake."""


class MeanCellRow(_Difference, _OverSeeds, _Cell):
    """A cumulative difference of a setup."""


class MeanSideRow(_Difference, _OverSeeds, _Side):
    """The mean over the languages of a side."""


class MeanPartRow(_Difference, _OverSeeds, _Part):
    """A part of the change of the soft uptake."""


class OfSeeds(TypedDict):
    """A row a pair of runs and place."""

    rows: list[CellRow]
    sides: list[SideRow]  # none without a skewed design
    decomposition: list[PartRow]  # nor where only texts labelled so count


class OverSeeds(TypedDict):
    """A row a setup and place; none below three seeds."""

    rows: list[MeanCellRow]
    sides: list[MeanSideRow]
    decomposition: list[MeanPartRow]


class Attributions(OfSeeds):
    """What a study's attributions say against a reference setup."""

    study: str
    reference: str  # setup
    threshold: float  # of the token groups, in units of probability
    key: str  # method and budget
    counted: Literal["all", "label"]  # texts that count for a class
    texts: int  # that have attributions
    labels: list[str]
    languages: list[str]
    missing: list[str]  # runs without attributions
    left_out: dict[str, str]  # runs that have some and are not compared, with the reason
    over_seeds: OverSeeds
    cross_fitted: dict[str, CrossFitted]  # by setup
    token_shares: list[TokenShare]
    cost: Cost


class RelianceRow(TypedDict):
    """Language reliance of a setup at one threshold; intervals are over what `covers` says."""

    setup: str
    threshold: float
    value: float  # change of the soft uptake that neutral tokens carry
    ci: Interval
    share: float | None  # of the total; None where that is not apart from 0
    share_ci: Interval | None
    neutral_share_of_tokens: float
    tokens: float  # what all tokens carry
    tokens_ci: Interval
    base: float  # what the base value does: it hangs on the number of tokens and is no reliance
    base_ci: Interval
    total: float
    total_ci: Interval
    n_texts: int
    n_seeds: int
    covers: str
    cross_fitted: bool  # else groups are chosen as in the paper
    standard_error: float | None  # of a value


class UninformativeShare(TypedDict):
    """Share of a run's attribution on words that carry no label, where a corpus knows them."""

    run: str
    setup: str
    seed: int
    share: float
    ci: Interval


class AttributionsPrinted(Attributions):
    """`attribute --json`: the same with the curve of language reliance."""

    reliance: list[RelianceRow]
    uninformative: list[UninformativeShare]


class _Chosen(TypedDict):
    """A value in the way of choosing the groups that was asked for."""

    value: float | None
    low: float | None  # ends of its interval
    high: float | None
    between_balanced: float | None
    n_texts: float
    n_seeds: NotRequired[int]  # of a mean over seeds


class ChosenCell(_Chosen, _Cell):
    """A row of `rows`."""

    tokens: float | None  # in the group
    each: float | None  # mean a token


class ChosenSide(_Chosen, _Side):
    """A row of `sides`."""


class ChosenPart(_Chosen, _Part):
    """A row of `decomposition`."""
