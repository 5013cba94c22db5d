"""Whatever a configuration file holds, it is usable, or all its faults are listed without a secret."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
import yarl
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from exporter.config import Config, ConfigError, load, load_task_file
from exporter.http.web_config import load_web_config
from exporter.ninedata import ID
from exporter.ninedata.text import is_printable
from tests.fuzz.inputs import SECRETS, texts, values
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

HASH = "$2y$05$" + "abcdefghijklmnopqrstuO" + "abcdefghijklmnopqrstuvwxyzABCDE"
CONFIG = f"""
api:
  base_url: https://console.ninedata.test:9999/prefix
  access_key_id: {ACCESS_KEY_ID}
  secret_key: {SECRET_KEY}
  request_timeout: 5s
  rate_limit: 0.5
  tls: {{insecure_skip_verify: false}}
  proxy_url: http://user:{SECRET_KEY}@proxy.test:3128
scrape: {{timeout: 1m30s}}
tasks:
  - &first {{task_id: cd-1, precheck_task_id: pcte-1, name: orders, kind: data_compare, labels: {{team: dba}}}}
  - {{task_id: rp-1, kind: replication}}
task_files: ["tasks.d/*.yaml"]
discovery: {{replication: {{enabled: true, statuses: [running], names: ["a*"], labels: {{env: prod}}}}}}
probe: {{allow_unlisted: false}}
"""
WEB = f"""
basic_auth_users: {{alice: {HASH}}}
http_server_config: {{headers: {{X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}}}
"""
TASKS = "- {task_id: cd-1, precheck_task_id: pcte-1, labels: {team: dba}}\n- {task_id: rp-1, kind: replication}\n"
WORDS = ("api", "tls", "tasks", "task_id", "labels", "5s", "0", "1y", "0x1F", "1e400", ".nan", "2026-01-01", "~", "yes")
SYNTAX = (*"\n:-{}[]&*!|>'\"%@`#,?\t ", "&a", "*a", "*first", "<<: ", "!!binary ", "---\n", "...")

flow = values.map(lambda value: yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6))


def _spliced(document: str, cuts: list[tuple[int, int, str]]) -> bytes:
    for start, length, put_in in cuts:
        at = start % (len(document) + 1)
        document = document[:at] + put_in + document[at + length :]
    return document.encode("utf-8", "surrogatepass")


def contents(document: str) -> SearchStrategy[bytes]:
    """A document with parts replaced by syntax, by values or by texts, or noise."""
    put_in = st.one_of(st.sampled_from((*SYNTAX, *WORDS, SECRET_KEY)), flow, texts)
    cut = st.tuples(st.integers(0, 2000), st.integers(0, 30), put_in)
    return st.one_of(
        st.builds(_spliced, st.just(document), st.lists(cut, min_size=1, max_size=4)), st.binary(max_size=300)
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "config.yaml"


def loaded(load_file: Callable[[Path], object], file: Path, content: bytes) -> object:
    """What is loaded, or None with faults that are printable lines without a secret."""
    file.write_bytes(content)
    try:
        return load_file(file)
    except ConfigError as error:
        faults = error.faults
    assert faults
    for fault in faults:
        assert str(fault).startswith(str(file))
        assert is_printable(str(fault))
        assert len(str(fault)) < 2500
        assert not any(secret in fault.message for secret in (*SECRETS, HASH[8:]))
    return None


def load_config(path: Path) -> Config:
    return load(path, {})


@given(contents(CONFIG))
@example(CONFIG.encode())
def test_any_configuration(file: Path, content: bytes) -> None:
    """One that is accepted has usable ids, and prints no secret."""
    config = loaded(load_config, file, content)
    if isinstance(config, Config):
        assert all(ID.fullmatch(task.task_id) and is_printable(task.name) for task in config.tasks)
        assert len({task.task_id for task in config.tasks}) == len(config.tasks)
        assert not any(secret in repr(config) for secret in SECRETS)
    else:
        assert content != CONFIG.encode()


@given(contents(TASKS))
def test_any_task_file(file: Path, content: bytes) -> None:
    tasks = loaded(load_task_file, file, content)
    assert tasks is None or (isinstance(tasks, tuple) and all(ID.fullmatch(task.task_id) for task in tasks))


@given(contents(WEB))
def test_any_web_configuration(file: Path, content: bytes) -> None:
    """One that is accepted prints no hash."""
    assert HASH[8:] not in repr(loaded(load_web_config, file, content))


HOST = r"[a-z0-9.:%_~!*()\\'-]{1,20}|\[([0-9a-f:]{2,9}|v[0-9a-f]\.[a-z0-9:]{1,5}|[a-z0-9.:%]{0,9})\]"
URL = rf"(?i)https?://(u:p@)?({HOST})(:\d{{1,6}})?(/[a-z0-9%/.]{{0,9}})?"


@pytest.mark.parametrize("key", ["base_url", "proxy_url"])
@given(text=texts | st.from_regex(URL, fullmatch=True))
@example("http://10.1.2.300:9999")
def test_any_url(file: Path, key: str, text: str) -> None:
    """The libraries that send the requests accept it too, and read the same host in it."""
    api = {"base_url": "http://a.test", "access_key_id": ACCESS_KEY_ID, "secret_key": SECRET_KEY} | {key: text}
    config = loaded(load_config, file, yaml.safe_dump({"api": api}).encode())
    if isinstance(config, Config):
        taken = config.api.proxy_url.reveal() if config.api.proxy_url else config.api.base_url
        url, host = httpx.URL(taken), urlsplit(taken).hostname
        assert httpx.Proxy(taken).url.host == url.host == host == yarl.URL(str(url)).host
        assert url.scheme in ("http", "https")
