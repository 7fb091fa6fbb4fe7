from __future__ import annotations

import os

import pytest
import torch

from core.terminal import quiet


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
