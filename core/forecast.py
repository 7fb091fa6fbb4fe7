"""What a plan will take."""

from core.planning import Plan


def of(plan: Plan) -> dict[str, object]:
    return {}
