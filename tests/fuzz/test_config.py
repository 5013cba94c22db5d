"""Whatever is in a configuration, it is one that can be used, or all its faults are told and none of its secrets."""

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
import yarl
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from exporter.config import Config, ConfigError, Fault, load, load_task_file
from exporter.config.reader import duration_seconds
from exporter.ninedata import ID
from exporter.ninedata.text import is_printable
from exporter.web_config import load_web_config
from tests.fuzz.inputs import secrets_in, texts
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

ROOT = Path(__file__).parents[2]
HASH = "$2y$05$" + "abcdefghijklmnopqrstuO" + "abcdefghijklmnopqrstuvwxyzABCDE"
BASE = f"""
api:
  base_url: https://console.ninedata.test:9999/prefix
  access_key_id: {ACCESS_KEY_ID}
  secret_key: {SECRET_KEY}
  request_timeout: 5s
  concurrency: 32
  rate_limit: 0.5
  tls: {{insecure_skip_verify: false}}
  proxy_url: http://user:{SECRET_KEY}@proxy.test:3128
scrape: {{timeout: 1m30s}}
failure_reasons: true
tasks:
  - &first {{task_id: cd-1, precheck_task_id: pcte-1, name: orders, kind: data_compare, labels: {{team: dba}}}}
  - {{task_id: rp-1, kind: replication}}
task_files: ["tasks.d/*.yaml"]
discovery: {{replication: {{enabled: true, statuses: [running], names: ["a*"], labels: {{env: prod}}}}}}
probe: {{allow_unlisted: false}}
"""
WEB = f"""
tls_server_config: {{cert_file: server.crt, key_file: server.key, min_version: TLS12, client_auth_type: NoClientCert}}
basic_auth_users: {{alice: {HASH}}}
http_server_config: {{headers: {{X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}}}
"""
TASKS = "- {task_id: cd-1, precheck_task_id: pcte-1, labels: {team: dba}}\n- {task_id: rp-1, kind: replication}\n"


def keys_in(*documents: str) -> list[str]:
    """Every key and every value of some documents: what a bent one is made of."""
    found: set[str] = set()

    def look(value: object) -> None:
        for key, inner in value.items() if isinstance(value, dict) else ():
            found.add(key)
            look(inner)
        for inner in value if isinstance(value, list) else ():
            look(inner)
        if isinstance(value, str):
            found.add(value)

    for document in documents:
        look(yaml.safe_load(document))
    return sorted(found)


words = st.one_of(st.sampled_from(keys_in(BASE, WEB, TASKS)), texts)
scalars = st.one_of(
    words,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(
        ["5s", "0", "1y", "999999999y", "0x1F", "1_000", "1:30", "1e400", ".nan", "2026-01-01", "~", "yes"]
    ),
)
structures: SearchStrategy[object] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=5)),
    max_leaves=20,
)


def _replaced(document: str, changes: list[tuple[int, object]]) -> object:
    """The document with some of its values replaced, counted in the order in which they stand."""
    counter = -1
    wanted = {number % 40: value for number, value in changes}

    def bend(value: object) -> object:
        nonlocal counter
        counter += 1
        if counter in wanted:
            return wanted[counter]
        if isinstance(value, dict):
            return {key: bend(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [bend(inner) for inner in value]
        return value

    return bend(yaml.safe_load(document))


def _spliced(document: str, cuts: list[tuple[int, int, str]]) -> bytes:
    for start, length, put_in in cuts:
        at = start % (len(document) + 1)
        document = document[:at] + put_in + document[at + length :]
    return document.encode("utf-8", "surrogatepass")


SYNTAX = (*"\n:-{}[]&*!|>'\"%@`#,?\t ", "&a", "*a", "*first", "<<: ", "!!binary ", "---\n", "...")


def contents(document: str) -> SearchStrategy[bytes]:
    """A file: a document bent as YAML or as text, a structure of its words, or noise."""
    dumped = st.one_of(
        st.builds(_replaced, st.just(document), st.lists(st.tuples(st.integers(0, 40), structures), max_size=3)),
        structures,
    ).map(lambda value: yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass"))
    cuts = st.lists(
        st.tuples(st.integers(0, 2000), st.integers(0, 30), st.one_of(st.sampled_from(SYNTAX), texts)),
        min_size=1,
        max_size=4,
    )
    return st.one_of(dumped, st.builds(_spliced, st.just(document), cuts), st.binary(max_size=300))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "config.yaml"


def loaded(load_: Callable[[Path], object], file: Path, content: bytes) -> object:
    """What is loaded, or None where it has faults, each of which is a line that names the file and is no secret."""
    file.write_bytes(content)
    try:
        return load_(file)
    except ConfigError as error:
        assert_told(error.faults, file)
        return None


def assert_told(faults: Sequence[Fault], file: Path) -> None:
    """A key may be named, even where a secret was put in its place; no value is."""
    assert faults
    for fault in faults:
        assert str(fault).startswith(str(file))
        assert is_printable(str(fault))
        assert len(str(fault)) < 2500
        # Which file a certificate was looked for in is told, whatever was put in the place of its name.
        if not fault.key.endswith((".cert_file", ".client_ca_file")):
            assert not secrets_in(fault.message)
            assert HASH[8:] not in fault.message


@given(contents(BASE))
def test_any_configuration(file: Path, content: bytes) -> None:
    """One that is right has ids that are such, and prints no secret."""
    config = loaded(lambda path: load(path, {"NINEDATA_SECRET_KEY": SECRET_KEY}), file, content)
    if isinstance(config, Config):
        assert all(ID.fullmatch(task.task_id) for task in config.tasks)
        assert len({task.task_id for task in config.tasks}) == len(config.tasks)
        assert all(is_printable(task.name) for task in config.tasks)
        assert not secrets_in(repr(config))


@given(contents(TASKS))
def test_any_task_file(file: Path, content: bytes) -> None:
    """The same for lists of tasks."""
    tasks = loaded(load_task_file, file, content)
    if isinstance(tasks, tuple):
        assert all(ID.fullmatch(task.task_id) for task in tasks)


@given(contents(WEB))
def test_any_web_configuration(file: Path, content: bytes) -> None:
    """The same for TLS and users; what is taken prints no hash."""
    web = loaded(load_web_config, file, content)
    assert HASH[8:] not in repr(web)


HOST = r"[a-z0-9.:%_~!*()\\'-]{1,20}|\[([0-9a-f:]{2,9}|v[0-9a-f]\.[a-z0-9:]{1,5}|[a-z0-9.:%]{0,9})\]"
URL = rf"(?i)https?://(u:p@)?({HOST})(:\d{{1,6}})?(/[a-z0-9%/.]{{0,9}})?"
urls = texts | st.from_regex(URL, fullmatch=True)


@pytest.mark.parametrize("key", ["base_url", "proxy_url"])
@given(text=urls)
@example("http://[v1.ab]:1")
def test_any_url(file: Path, key: str, text: str) -> None:
    """That is taken is one to those who make the requests of it, and they read the same host in it."""
    api = {"base_url": "http://a.test", "access_key_id": ACCESS_KEY_ID, "secret_key": SECRET_KEY} | {key: text}
    config = loaded(lambda path: load(path, {}), file, yaml.safe_dump({"api": api}).encode())
    if isinstance(config, Config):
        proxy = config.api.proxy_url
        taken = proxy.reveal() if proxy else config.api.base_url
        url, host = httpx.URL(taken), urlsplit(taken).hostname
        assert httpx.Proxy(taken).url.host == url.host == host
        assert yarl.URL(str(url)).host == host
        assert url.scheme in ("http", "https")


@given(st.one_of(texts, st.from_regex(r"(\d{1,4}(y|w|d|h|m|s|ms)){1,7}", fullmatch=True)))
def test_any_duration(text: str) -> None:
    """Is a number of seconds, or none."""
    seconds = duration_seconds(text)
    assert seconds is None or seconds >= 0


def test_the_documents_that_are_bent_are_right(file: Path) -> None:
    """Or the tests here would test little."""
    file.write_text(BASE)
    assert load(file, {}).probe_unlisted is False
    file.write_text(TASKS)
    assert len(load_task_file(file)) == 2
    file.write_text(WEB)
    with pytest.raises(ConfigError) as caught:
        load_web_config(file)
    assert {str(fault).rpartition(": ")[2] for fault in caught.value.faults} == {"No such file or directory"}
