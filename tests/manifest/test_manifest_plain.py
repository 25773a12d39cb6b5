"""Plain scalars: the core schema of YAML 1.2, and nothing that YAML 1.1 readers take for something else."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pilotage.manifest.plain import Doubt, read_plain
from pilotage.manifest.secrets import name_is_secret, value_is_secret


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None), ("0", 0), ("-12", -12),
        ("+7", 7), ("0x1F", 31), ("1.5", 1.5), (".5", 0.5), ("1.0e+3", 1000.0), ("5m", "5m"),
        ("1.2.3", "1.2.3"), ("truely", "truely"), ("-", "-"), ("+", "+"), (".", "."), ("5%", "5%"),
        ("127.0.0.1:8080", "127.0.0.1:8080"), ("0.0.0.0:80", "0.0.0.0:80"), ("yes!", "yes!"),
    ],
)  # fmt: skip
def test_what_is_read(text: str, value: object) -> None:
    read = read_plain(text)
    assert (read, type(read)) == (value, type(value))


DOUBTS = (
    "yes No ON off y N 0777 -017 08 1:30 190:20:30 2026-01-02 1_000 0b101 0o17 1e3 +.5 .inf -.INF .nan 1.0e+999"
)


@pytest.mark.parametrize("text", [*DOUBTS.split(), "1234567890123456789"])
def test_what_is_doubtful(text: str) -> None:
    read = read_plain(text)
    assert isinstance(read, Doubt)
    assert read.mend


@given(st.from_regex(r"[-+.0-9a-zA-Z_:~]{1,12}", fullmatch=True))
def test_what_is_read_as_a_text_is_a_text_to_yaml_1_1_readers_too(text: str) -> None:
    if read_plain(text) != text:
        return
    try:
        # As a value: alone on its line `---` is no scalar but begins a document.
        value = yaml.safe_load(f"key: {text}")
    except (yaml.YAMLError, ValueError):
        return  # `a:` and `- a`: the tree shows that before
    assert value == {"key": text}


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "DB_PASSWORD",
        "dbPassword",
        "api-key",
        "apiKey",
        "AUTH_TOKEN",
        "SECRET_KEY",
        "DB_PASS",
        "MYSECRET",
        "key",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert name_is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "TOKEN_FILE",
        "PASSWORD_PATH",
        "TOKEN_TTL",
        "PUBLIC_KEY",
        "PRIMARY_KEY",
        "KEYCLOAK",
        "KEYBOARD",
        "MONKEY",
        "COMPASS",
        "pass_ratio",
        "false_pass",
        "AWS_ACCESS_KEY_ID",
        "PASSENGER",
        "author",
        "cookie",
    ],
)
def test_names_of_no_secrets(name: str) -> None:
    assert not name_is_secret(name)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgres://user:hunter2@host/db", True),
        ("postgres://user@host/db", False),
        ("postgres://user:{password}@host/db", False),
        ("http://127.0.0.1:8080/a@b", False),
        ("ghp_0123456789abcdefghij0123456789abcdef", True),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", True),
        ("Bearer abcdef0123456789", True),
        ("Basic authentication", False),
        ("shop --token hunter2", True),
        ("shop --token-file /run/token", False),
        ("shop --token={token}", False),
        ("--setting=sql_time_limit_ms", False),
    ],
)
def test_values_that_are_secrets(text: str, secret: bool) -> None:
    assert value_is_secret(text) is secret
