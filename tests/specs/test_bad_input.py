"""Bad input is refused with a ValueError that names the field, the value and the range."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.specs.bad_input import CASES, WITHOUT_FLOAT64

ROOT = Path(__file__).parents[2]
EXPECTED = {name: pattern for name, (_, pattern) in (WITHOUT_FLOAT64 | CASES).items()}


@pytest.fixture(scope="module")
def refusals():
    """What a user sees, in a fresh interpreter whose JAX starts without float64."""
    command = [sys.executable, "-m", "tests.specs.bad_input"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", EXPECTED)
def test_refusal(refusals, name):
    found = refusals[name]
    assert found["refused"], f"{found['type']}: {found['text']}"
    assert re.search(EXPECTED[name], found["text"]), found["text"]
