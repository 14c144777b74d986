"""hadolint itself, on every Dockerfile of the fixtures and of the rules' examples."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from bench.hadolint_parity import compare, known_codes, reasons
from stagelint.catalogue import dockerfiles
from stagelint.registry import Registry

ROOT = Path(__file__).parent.parent
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or ""

#: hadolint's rules, as it lists them in its documentation; those of ShellCheck are its own business.
ALL = """
    DL1000 DL1001 DL3000 DL3001 DL3002 DL3003 DL3004 DL3006 DL3007 DL3008 DL3009 DL3010 DL3011 DL3012
    DL3013 DL3014 DL3015 DL3016 DL3018 DL3019 DL3020 DL3021 DL3022 DL3023 DL3024 DL3025 DL3026 DL3027
    DL3028 DL3029 DL3030 DL3032 DL3033 DL3034 DL3035 DL3036 DL3037 DL3038 DL3040 DL3041 DL3042 DL3043
    DL3044 DL3045 DL3046 DL3047 DL3048 DL3049 DL3050 DL3051 DL3052 DL3053 DL3054 DL3055 DL3056 DL3057
    DL3058 DL3059 DL3060 DL3061 DL3062 DL3063 DL3064 DL3065 DL3066 DL3067 DL4000 DL4001 DL4003 DL4004
    DL4005 DL4006
""".split()


def test_no_rule_is_lost() -> None:
    assert known_codes() == set(ALL)
    assert all(Registry().resolve(code) for code in ALL)


@pytest.mark.slow
@pytest.mark.skipif(not HADOLINT, reason="hadolint is not installed")
def test_every_difference_has_a_reason(tmp_path: Path) -> None:
    paths = [str(path) for path in (ROOT / "fixtures").glob("*/Dockerfile")]
    for number, (rule, text) in enumerate(dockerfiles()):
        if "stagelint: ignore" not in text:
            path = tmp_path / f"{rule.code}-{number}.Dockerfile"
            path.write_text(text)
            paths.append(str(path))

    theirs, ours, _ = compare(HADOLINT, paths, known_codes())

    known = reasons()
    assert len(theirs.keys() & ours.keys()) > 300
    for side, places in (
        ("theirs", theirs.keys() - ours.keys()),
        ("ours", ours.keys() - theirs.keys()),
    ):
        unknown = [each for each in sorted(places) if (each.code, side) not in known]
        assert [(side, *each) for each in unknown] == []
