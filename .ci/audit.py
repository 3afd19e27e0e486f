"""Look for known vulnerabilities in requirements.txt with pip-audit, and always say what happened.

Exit code 1 only if a vulnerability is known. Where PyPI's advisories cannot be read (no network, or a mirror without
them), it says so and exits with 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
COMMAND = ["--requirement", "requirements.txt", "--require-hashes", "--disable-pip", "--format", "json"]
TIMEOUT = 120
"""Seconds for the whole run; each request has pip-audit's own 15."""


def audit() -> list[dict[str, Any]]:
    """pip-audit's findings, one for each package: name, version, vulns, or name and skip_reason.

    Raises OSError, ValueError or subprocess.SubprocessError where pip-audit gave no report.
    """
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", *COMMAND]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if not done.stdout.strip():
        raise ValueError((done.stderr.strip().splitlines() or ["pip-audit printed nothing"])[-1])
    return list(json.loads(done.stdout)["dependencies"])


def main() -> int:
    try:
        packages = audit()
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        print(f"Audit: not done, PyPI's advisories cannot be read here ({error}).")
        return 0
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    known = [(each, vulnerability) for each in packages for vulnerability in each.get("vulns", ())]
    if packages and len(skipped) == len(packages):
        print("Audit: not done, this package index has no advisories.")
        return 0
    print(f"Audit: {len(packages) - len(skipped)} packages audited, {len(known)} known vulnerabilities.")
    if skipped:
        print(f"Not audited: {', '.join(skipped)}.")
    for each, vulnerability in known:
        fixed = ", ".join(vulnerability.get("fix_versions", ())) or "no version yet"
        print(f"{each['name']} {each['version']}: {vulnerability['id']}, fixed in {fixed}", file=sys.stderr)
    return 1 if known else 0


if __name__ == "__main__":
    sys.exit(main())
