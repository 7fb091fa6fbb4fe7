"""Licences that are shown before a corpus is first used, and that they were accepted.

Accepting leaves a file in the cache, so it is asked once a machine (and user).
"""

from __future__ import annotations

from pathlib import Path

from core.errors import InputError
from core.storage.places import cache_dir

TEXTS = {
    "amazon": (
        "The Multilingual Amazon Reviews Corpus (Keung et al., EMNLP 2020) is licensed by Amazon "
        "for purposes of academic research only. You may not resell or republish it, nor make any "
        "commercial use of it, commercial research included, such as research that is paid for or "
        "whose results go to a for-profit organisation. You may not link its content with personal "
        "information, nor try to find out who wrote a review. It is subject to the Amazon.com "
        "Conditions of Use. The whole text: https://docs.opendata.aws/amazon-reviews-ml/license.txt"
    ),
}


def open_question(name: str) -> str | None:
    """The licence of a corpus that nobody has accepted yet on this machine; None if all is well.

    Args:
        name: of the corpus, without its source.
    """
    return TEXTS[name] if name in TEXTS and not _file(name).exists() else None


def accept(name: str) -> None:
    """Record that the licence of a corpus was read and accepted.

    Raises:
        InputError: there is no licence to accept for it.
    """
    if name not in TEXTS:
        raise InputError(f"{name!r} asks for no licence to be accepted; {', '.join(TEXTS)} does.")
    path = _file(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEXTS[name] + "\n", encoding="utf-8")


def check(name: str) -> None:
    """Refuse a corpus whose licence was not accepted.

    Raises:
        InputError: with the licence, and how to accept it.
    """
    if text := open_question(name):
        raise InputError(
            f"the corpus {name} has a licence to accept first.\n{text}\n"
            f"If you agree, run `python -m core accept {name}` once (or accept it on the page "
            "Train)."
        )


def _file(name: str) -> Path:
    return cache_dir() / "licences" / f"{name}.txt"
