"""What pip-audit found, in a few lines; `make audit` calls it.

    pip-audit … --format json | python -m docs.tools.audit [--offline-ok]

pip-audit ends well too where it could ask nobody, with every package "not found". Here that is a
failure, unless it is said to be allowed.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def summary(found: dict[str, Any]) -> tuple[list[str], int, int]:
    """Lines to print, how many packages were looked up, and how many vulnerabilities they have."""
    packages = found["dependencies"]
    audited = [package for package in packages if "skip_reason" not in package]
    lines = []
    for package in audited:
        for known in package["vulns"]:
            mended = ", ".join(known["fix_versions"]) or "none yet"
            lines.append(
                f"{package['name']} {package['version']}: {known['id']}, mended in {mended}"
            )
    vulnerabilities = len(lines)
    lines.append(
        f"{len(audited)} of {len(packages)} packages looked up, {vulnerabilities} vulnerabilities"
    )
    if not audited:
        lines.append("Nothing was audited: the service for vulnerabilities did not answer.")
    elif len(audited) < len(packages):
        missing = ", ".join(p["name"] for p in packages if "skip_reason" in p)
        lines.append(f"Not known to the service: {missing}")
    return lines, len(audited), vulnerabilities


def main() -> None:
    """Print the summary; exit with 1 for a vulnerability, or where nothing was looked up."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--offline-ok", action="store_true", help="where nobody answers, say so only"
    )
    chosen = parser.parse_args()
    lines, audited, vulnerabilities = summary(json.load(sys.stdin))
    print("\n".join(lines))
    sys.exit(bool(vulnerabilities) or not (audited or chosen.offline_ok))


if __name__ == "__main__":
    main()
