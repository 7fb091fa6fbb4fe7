"""What every report says, whatever the study: method and citation."""

from __future__ import annotations

from core.figures import comparison
from core.paper import published as paper

NOTHING_DONE = "No run of this study is done yet, so there are no predictions to show."
COMPARED = (
    f"Difference: the first setup minus the second, paired by seed. {comparison.VERDICTS} Beyond "
    "chance over the pairs of one measure together (Holm), mitigations beyond the paper's apart. "
    f"{comparison.UNCORRECTED} {comparison.NO_VERDICT} Without an interval: fewer than three seeds "
    "and one value a run."
)
BESIDE = (
    "Published values are one run each and have no interval in the paper. A verdict takes three "
    "seeds here or more, and an interval that is too wide for one is called so. Panels of its "
    "figures stand cross-fitted under Tokens; here they stand as in the paper."
)
METHOD = """
- **Skew.** Training and validation set of an imbalanced setup have a skewed joint distribution of
  language and label; both marginals are uniform in the paper's designs. One test set serves all
  runs, uniform in both (paper, sections 2.1 and 3) or as found, its rows then weighted in every
  measure to a test set without skew: to uniform or to the corpus's own marginals.
- **Setups.** `balanced`; `imbalanced`; `imbalanced+cw` weights each row by w(c, l) = n(l) / (C n(c,
  l)) (equation 2); each with `+entropy` adds the masked-input entropy loss (equation 3).
- **Skew uptake.** Slope of (share of a class predicted in a language - its true share) on (its
  share in the skewed training set - its share under independence), over all cells, weighted by the
  language's share in training. Read minus that of balanced models of the same seeds: languages
  differ in what is predicted before any skew. Soft uptake: the same with mean probabilities.
- **Language effect.** Total variation between the two groups' mean predictions on the same,
  translated sentences, less what noise adds (signs from one half of the sentences, sizes from the
  other); p by permuting the languages within each sentence.
- **Language identification.** Five folds by sentence on CLS vectors: logistic regression as in the
  paper's text (scikit-learn's defaults), as in its released code (C = 1e-4), 15 nearest neighbours.
  Vectors are centred for the first; up to 1,000 iterations; folds are shuffled.
- **Attribution.** A text's tokens are the players, a class's probability is the value, masked token
  ids are the absent players; base value and values add up to the prediction (equation 1). Tokens
  are grouped by their value in a balanced model; the cumulative difference of a group is the sum
  over a text's tokens of value minus balanced value, mean over texts (section 2.3).
- **Cross-fitted.** Tokens that a model chooses fall or rise in any other by selection alone. So
  groups are chosen by one balanced model and differences taken against another, whose seed the
  other run shares, over all pairs of balanced seeds; without an effect they are 0 on average. As in
  the paper: groups and differences by one and the same balanced model.
- **Language reliance.** The change of the soft uptake that neutral tokens carry, over thresholds
  that call a token neutral. What base values carry, which depend on the number of tokens alone,
  stands apart.
- **Calibration error.** Root-mean-square calibration error in 15 bins without what noise adds to
  it (after Kumar, Liang and Ma 2019), and the expected one, which holds noise (Guo et al. 2017).
- **Intervals.** 95 %. With one or two seeds over test sentences (bootstrap; translations of one
  sentence are drawn together), which leaves out what differs between seeds: no verdict. From three
  seeds on differences have t-intervals that cover other seeds and other test sentences.
- **Equivalence.** Two one-sided tests at 5 % (Schuirmann 1987) against a margin that is said.
"""
CITATION = f"""
{paper.CITATION}.

```
{paper.BIBTEX}
```
"""
