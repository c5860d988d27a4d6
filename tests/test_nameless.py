"""A user whom the system does not know gets a name, so that libraries find one."""

import getpass

import pytest

from attnbench.nameless import let_nameless_users_work


@pytest.mark.parametrize("error", [KeyError, OSError, ImportError])
def test_a_user_without_a_name_gets_one(monkeypatch, error):
    def unknown():
        raise error("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", unknown)
    environment = {}
    assert let_nameless_users_work(environment)
    assert environment["USER"].startswith("user-")


def test_a_user_with_a_name_keeps_it(monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "someone")
    environment = {}
    assert not let_nameless_users_work(environment)
    assert environment == {}
