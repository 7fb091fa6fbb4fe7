"""What the runs of one process share: corpora, encoders, outputs of frozen layers.

The libraries for encoders are loaded when one is: laying out a study needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from core.config import RunConfig
from core.corpora import paper_corpora
from core.corpora.corpus import Corpus, load
from core.errors import InputError
from core.models.hub import TINY, locate

if TYPE_CHECKING:
    from core.models.encoder import Encoder
    from core.models.frozen import FrozenStates

T = TypeVar("T")


class Session:
    """What the runs of one process share: corpora, encoders, outputs of frozen layers."""

    def __init__(self) -> None:
        self._corpora: dict[tuple[Any, ...], Corpus] = {}
        self._encoders: dict[tuple[Any, ...], Encoder] = {}
        self._states: dict[tuple[Any, ...], FrozenStates] = {}
        self._once: dict[tuple[Any, ...], Any] = {}

    def load_corpus(
        self,
        source: str,
        columns: Mapping[str, str],
        labels: Sequence[str] | None,
        languages: Sequence[str] | None,
        *,
        labelled: bool = True,
    ) -> Corpus:
        """A corpus, read once; see `core.corpora.corpus.load`."""
        what = (source, tuple(columns.items()), labelled)
        key = (*what, labels, languages)
        if key not in self._corpora:
            self._corpora[key] = load(
                source, columns=columns, labels=labels, languages=languages, labelled=labelled
            )
        corpus = self._corpora[key]
        # The same corpus asked for by its own orders, as a run does.
        self._corpora[*what, corpus.labels, corpus.languages] = corpus
        return corpus

    def corpus(self, config: RunConfig) -> Corpus:
        """The corpus of a run; refused where its content is no longer what the run was made for."""
        corpus = self.load_corpus(config.corpus, config.columns, config.labels, config.languages)
        return _unchanged(corpus, config.corpus_hash)

    def external(self, config: RunConfig) -> Corpus | None:
        """The corpus of a run's external probe, in the languages of the run."""
        if not config.external:
            return None
        corpus = self.load_external(config.external, config.languages, config.external_columns)
        return _unchanged(corpus, config.external_hash)

    def load_external(
        self, source: str, languages: Sequence[str], columns: Mapping[str, str] | None = None
    ) -> Corpus:
        """An external corpus, read once, with those of the languages that it has; without labels.

        Args:
            columns: our column name -> the file's.
        """
        columns = columns or {}
        if paper_corpora.parse(source):
            seen = there = paper_corpora.languages_of(source, languages)
        else:
            there = self.load_corpus(source, columns, None, None, labelled=False).languages
            seen = tuple(x for x in languages if x in there)
        if len(seen) < 2:
            raise InputError(
                f"external corpus {source} has the languages {', '.join(there) or 'none'}; "
                f"at least two of {', '.join(languages)} are needed to tell them apart."
            )
        return self.load_corpus(source, columns, None, seen, labelled=False)

    def encoder(self, config: RunConfig) -> Encoder:
        """The encoder of a run, trimmed to its corpus."""
        from core.models.encoder import corpus_texts
        from core.models.encoder import load as load_encoder

        recipe = config.training
        pooled = recipe.pooling == "released"
        of_corpora = (config.corpus_hash, config.external_hash)
        key = (config.encoder, *of_corpora, recipe.trim, pooled, recipe.prefix)
        if key not in self._encoders:
            external = self.external(config)
            self._encoders[key] = load_encoder(
                config.encoder,
                self.corpus(config),
                trimmed=recipe.trim,
                also=corpus_texts(external) if external else None,
                pooled=pooled,
                prefix=recipe.prefix,
            )
        encoder = self._encoders[key]
        if encoder.revision != config.encoder_revision:
            raise InputError(
                f"encoder {config.encoder} is at revision {encoder.revision[:12]}, the run was "
                f"planned with {config.encoder_revision[:12]}; start the study again."
            )
        return encoder

    def encoder_revision(self, name: str, corpus: Corpus) -> str:
        """Revision of an encoder, without loading its weights where it has a folder."""
        if name != TINY:
            return locate(name)[1]
        from core.models.encoder import load as load_encoder

        return load_encoder(TINY, corpus).revision

    def states(self, config: RunConfig) -> FrozenStates:
        """Outputs of the frozen layers that the run shares with others."""
        from core.models.frozen import FrozenStates

        key = (
            config.encoder,
            config.corpus_hash,
            config.external_hash,
            config.training.trim,
            config.training.prefix,
            config.training.frozen_layers,
        )
        return self._states.setdefault(key, FrozenStates())

    def once(self, key: tuple[Any, ...], compute: Callable[[], T]) -> T:
        """A value computed for the first run that asks, and kept for the others."""
        if key not in self._once:
            self._once[key] = compute()
        value: T = self._once[key]
        return value


def _unchanged(corpus: Corpus, planned: str) -> Corpus:
    if corpus.content_hash != planned:
        raise InputError(
            f"corpus {corpus.name} has changed since the run was planned (content "
            f"{corpus.content_hash[:12]}, planned {planned[:12]}); start the study again to plan "
            "it anew."
        )
    return corpus
