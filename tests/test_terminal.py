from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

from core.terminal import quiet

AFTER_A_MAP = """
from core.terminal import quiet
quiet()
import numba, torch
@numba.njit(parallel=True)
def total(n):
    found = 0
    for i in numba.prange(n):
        found += i
    return found
assert total(1000) == 499500
print(torch.get_num_threads())
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores are not told")
def test_all_cores_are_used_unless_the_user_says_how_many(monkeypatch) -> None:
    before = torch.get_num_threads()
    try:
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        torch.set_num_threads(1)
        quiet()
        assert torch.get_num_threads() == 1
        monkeypatch.delenv("OMP_NUM_THREADS")
        quiet()
        assert torch.get_num_threads() == len(os.sched_getaffinity(0))
    finally:
        torch.set_num_threads(before)


def test_a_map_does_not_change_how_many(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    ran = subprocess.run([sys.executable, "-c", AFTER_A_MAP], capture_output=True, check=True)
    assert ran.stdout.split() == [b"1"]
