"""As `prior`, where no one says which language a text is in."""

from dataclasses import replace

from core.mitigation import prior

SCHEME = replace(
    prior.SCHEME,
    title="logits minus log p(label | language), the language identified",
    about="as prior, with the language identified from the text (py3langid, Lui and Baldwin 2012)",
    rank=3,
    serving="identified",
)

check, correct = prior.check, prior.correct
