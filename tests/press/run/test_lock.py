"""One holder at a time, known by name; the lock is free when its holder is gone."""

import os

import pytest

from press.errors import Exit, UserError
from press.run.lock import hold


def test_a_held_lock_refuses_and_names_its_holder(tmp_path):
    path, me = tmp_path / "deep" / "lock", f"process {os.getpid()} "
    with hold(path), pytest.raises(UserError, match=me) as caught, hold(path, wait=False):
        pass
    assert caught.value.exit_code == Exit.ENVIRONMENT


def test_a_lock_is_free_again_after_an_error(tmp_path):
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), hold(path):
        raise ZeroDivisionError
    with hold(path, wait=False):
        pass
    assert not (tmp_path / "lock.holder").exists()


def test_a_holder_whose_note_is_damaged_is_still_refused(tmp_path):
    path = tmp_path / "lock"
    with hold(path):
        (tmp_path / "lock.holder").write_text("{")
        with pytest.raises(UserError, match="another medbook is at work"), hold(path, wait=False):
            pass
