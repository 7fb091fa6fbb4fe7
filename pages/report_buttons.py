from typing import Any


def draw(study: dict[str, Any]) -> None: ...
