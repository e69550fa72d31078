"""The rules of the test suite itself: no network, no unnoticed warning, random order."""

from __future__ import annotations

import socket
import threading
import warnings

import pytest
from hypothesis import settings

ELSEWHERE = ("192.0.2.1", 80)  # RFC 5737: an address that is nobody's


def test_internet_is_off() -> None:
    """pytest-socket refuses to make the socket; its own warning about that counts as the refusal too."""
    with pytest.raises((RuntimeError, UserWarning), match="tried to use socket"):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def test_unix_sockets_are_on() -> None:
    """The database under test listens on one."""
    near, far = socket.socketpair(socket.AF_UNIX)
    with near, far:
        near.sendall(b"x")
        assert far.recv(1) == b"x"


@pytest.mark.network
def test_marked_test_reaches_loopback() -> None:
    """`network` opens 127.0.0.1 ..."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []
        thread = threading.Thread(target=lambda: accepted.append(server.accept()[0]))
        thread.start()
        with socket.create_connection(server.getsockname()) as near:
            thread.join()
            near.sendall(b"x")
            with accepted[0] as far:
                assert far.recv(1) == b"x"


@pytest.mark.network
def test_marked_test_reaches_nothing_else() -> None:
    """... and nothing beyond it."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as near,
        pytest.raises((RuntimeError, UserWarning), match=r"192\.0\.2\.1"),
    ):
        near.connect(ELSEWHERE)


def test_warning_is_an_error() -> None:
    """A deprecation is heard the day it appears."""
    with pytest.raises(DeprecationWarning, match="soon gone"):
        warnings.warn("soon gone", DeprecationWarning, stacklevel=1)


def test_order_is_random_and_has_a_seed(pytestconfig: pytest.Config) -> None:
    """A number that repeats the order exists."""
    assert pytestconfig.pluginmanager.hasplugin("randomly")
    assert int(pytestconfig.getoption("randomly_seed")) >= 0


def test_mistyped_marker_is_refused() -> None:
    """`netwrok` does not silently mean nothing."""
    with pytest.raises(BaseException, match="netwrok") as refused:
        _ = pytest.mark.netwrok
    assert refused.type is pytest.fail.Exception


def test_hypothesis_measures_no_time() -> None:
    """A busy machine must not make a red test."""
    assert settings.default is not None
    assert settings.default.deadline is None
    assert settings.default.print_blob is True
