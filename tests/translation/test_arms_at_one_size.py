"""The notebook that the whole trial is swept from: as the chapter, and each arm at each domain."""

import re
from pathlib import Path

import pytest

from press.source.given import declared_parameters
from press.source.project import Project

ROOT = Path(__file__).parents[2]
PROJECT = Project(ROOT)
CHAPTER = PROJECT.chapter("translation/extract_or_finetune")
POINT = PROJECT.notebook("translation/extract_or_finetune/_arms_at_one_size")


def test_arms_and_rates_are_the_chapters():
    """Both take them from one place, and neither has a rate of its own."""
    for notebook in (POINT, CHAPTER):
        source = notebook.source.read_text(encoding="utf-8")
        assert "trial_arm" in source
        assert not re.search(r"^RATES = ", source, re.MULTILINE)


@pytest.mark.parametrize(
    "name", ["size", "contrast", "n_test", "steps", "long_steps", "batch_size", "xi"]
)
def test_the_other_settings_are_the_chapters(name):
    ours, chapters = (declared_parameters(PROJECT, each)[name] for each in (POINT, CHAPTER))
    assert ours.default == chapters.default
