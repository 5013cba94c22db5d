"""Good configurations, and what they mean."""

import glob
import re
import ssl
from pathlib import Path

import certifi
import pytest

from exporter.config import DiscoverySettings, load, load_task_file
from exporter.config.reader import duration_seconds
from exporter.ninedata import LISTS, TaskRef
from tests.config.conftest import Load

EXAMPLE = (Path(__file__).parents[2] / "config.example.yaml").read_text("utf-8")
ALIASES = """
x-any: {anything: [1]}
x-: null
tasks:
  - {task_id: cd-1, precheck_task_id: &p p, labels: &l {a: b}}
  - {task_id: *p, kind: replication, labels: *l}
"""
ENVIRONMENT = {"NINEDATA_ACCESS_KEY_ID": "hush-ak", "NINEDATA_SECRET_KEY": "hush-sk"}


def test_every_key(load_text: Load, tmp_path: Path) -> None:
    """All keys are used as written."""
    config = load_text("""
api:
  base_url: http://10.1.2.3:9999/ninedata/
  access_key_id: hush-ak
  secret_key: hush-sk
  request_timeout: 2500ms
  concurrency: 4
  rate_limit: 0.5
  proxy_url: http://user:hush@proxy.example:3128/
scrape: {timeout: 20s}
failure_reasons: {max_bytes: 300}
task_status: true
tasks:
  - task_id: cd-1
    precheck_task_id: pcte-1
    name: orders-prod
    kind: data_compare
    labels: {team: dba, _x9: '"quoted" \\ and 😀'}
  - {task_id: cc-2, precheck_task_id: pcte-1, kind: schema_compare, name: orders-prod}
  - {task_id: rp-3, kind: replication}
  - {task_id: cd-4}
task_files: [tasks.d/*.yaml, /srv/more.yaml]
discovery:
  replication:
    enabled: true
    statuses: [running, PRECHECKFAILED, " stopped "]
    names: ["orders-*", billing]
    labels: {team: standby}
  schema_compare: {enabled: true, statuses: [NOTSTARTED]}
probe: {allow_unlisted: true}
""")
    api = config.api
    assert api.base_url == "http://10.1.2.3:9999/ninedata"
    assert (api.request_timeout, api.concurrency, api.rate_limit) == (2.5, 4, 0.5)
    assert api.access_key_id.current().reveal() == "hush-ak"
    assert api.secret_key.current().reveal() == "hush-sk"
    assert api.proxy_url is not None
    assert api.proxy_url.reveal() == "http://user:hush@proxy.example:3128"
    assert (config.scrape_timeout, config.reason_bytes, config.probe_unlisted) == (20, 300, True)
    assert config.task_status
    assert [(task.ref, task.name, dict(task.labels)) for task in config.tasks] == [
        (TaskRef("data_compare", "cd-1", "pcte-1"), "orders-prod", {"team": "dba", "_x9": '"quoted" \\ and 😀'}),
        (TaskRef("schema_compare", "cc-2", "pcte-1"), "orders-prod", {}),
        (TaskRef("replication", "rp-3", ""), "rp-3", {}),
        (TaskRef("data_compare", "cd-4", ""), "cd-4", {}),
    ]
    assert config.task_files == (f"{tmp_path}/tasks.d/*.yaml", "/srv/more.yaml")
    statuses = frozenset({"running", "preCheckFailed", "stopped"})
    assert config.discovery == (
        DiscoverySettings("replication", statuses, ("orders-*", "billing"), {"team": "standby"}),
        DiscoverySettings("schema_compare", frozenset({"notStarted"})),
    )
    assert "hush" not in f"{config!r}{config!s}"


@pytest.mark.parametrize(("value", "reason_bytes"), [("true", 1000), ("false", 0), ("{}", 1000)])
def test_failure_reasons_can_be_turned_off(load_text: Load, least: str, value: str, reason_bytes: int) -> None:
    assert load_text(f"{least}failure_reasons: {value}\n").reason_bytes == reason_bytes


@pytest.mark.parametrize("section", ["tasks", "scrape", "task_files", "discovery", "probe", "failure_reasons"])
def test_an_empty_section_counts_as_missing(load_text: Load, least: str, section: str) -> None:
    """A section whose entries are all commented out is not a fault."""
    assert load_text(f"{least}{section}:\n").tasks == ()


def test_discovery_needs_only_enabled(load_text: Load, least: str) -> None:
    """It then finds all replication tasks; disabled, its other keys have no effect."""
    discovery = "discovery: {replication: {enabled: %s, names: [x]}}"
    assert load_text(least + "discovery: {replication: {enabled: true}}").discovery == (
        DiscoverySettings("replication"),
    )
    assert load_text(least + discovery % "false").discovery == ()


@pytest.mark.parametrize(
    ("before", "tasks"),
    [
        ("", "tasks:\r\n  - task_id: cd-1\r\n    precheck_task_id: p\r\n    labels: {a: b}\r\n"),
        ("\ufeff", 'tasks: [{"task_id": "cd-1", "precheck_task_id": "p", "labels": {"a": "b"}}]'),
        ("", ALIASES),
    ],
    ids=["windows", "byte order mark, json", "aliases"],
)
def test_yaml_in_its_usual_forms(load_text: Load, least: str, before: str, tasks: str) -> None:
    """The same tasks, however they are written."""
    loaded = load_text(before + least + tasks).tasks
    assert loaded[0].ref == TaskRef("data_compare", "cd-1", "p")
    assert dict(loaded[-1].labels) == {"a": "b"}


@pytest.mark.parametrize("task_id", ["12345", "007", "0x1F", "1_000", "1e5", "12:30", "' cd-1 '", "a.b_c:d-e"])
def test_an_id_is_used_as_written(load_text: Load, least: str, task_id: str) -> None:
    """Digits need no quotes, and are not converted to a number."""
    config = load_text(f"{least}tasks: [{{task_id: {task_id}, precheck_task_id: {task_id}}}]")
    assert config.tasks[0].ref == TaskRef("data_compare", task_id.strip("' "), task_id.strip("' "))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("5s", 5), ("1m30s", 90), ("0h0m7s", 7), ("1y1w1d1h", 32_230_800)]
    + [
        (text, None)
        for text in ("", "0", "5", "1.5s", "-5s", "5S", "5s1m", "1s1s", "5s 1m", "1µs", "9999999999s", "\u0665s")
    ],
)
def test_durations_as_prometheus_writes_them(text: str, seconds: float | None) -> None:
    """Units from large to small, each at most once; a number without a unit is refused."""
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("1024", 1024), *((text, None) for text in ("1.0", "1e2", ".inf", "9" * 5000))]
)
def test_whole_numbers(load_text: Load, least: str, text: str, number: int | None) -> None:
    """A fraction, infinity and a number of any length are refused."""
    text = least.replace("}", f", concurrency: {text}}}")
    if number is None:
        with pytest.raises(Exception, match="must be a whole number from 1 to 1024"):
            load_text(text)
    else:
        assert load_text(text).api.concurrency == number


@pytest.mark.parametrize(
    ("key", "url", "fault"),
    [
        ("base_url", "https://[::1]:9999/a/b", None),
        ("base_url", "HTTP://nine_data.example", None),
        ("proxy_url", "http://user:hush@proxy.example:3128", None),
        ("base_url", "console.ninedata.cloud:443", "must begin with http:// or https:// and name a host"),
        ("base_url", "https:///path", "must begin with http:// or https:// and name a host"),
        ("base_url", "http://10.1.2.3:9999", None),
        ("base_url", "http://ninedata.example:99999", "is not a URL"),
        ("base_url", "http://10.1.2.3.4:9999", "is not a URL"),
        ("base_url", "http://[v1.ab]:9999", "is not a URL"),
        ("base_url", "http://nine data.example", "has characters that a URL must not have"),
        ("base_url", "http://ninedätä.example", "has characters that a URL must not have"),
        ("base_url", "https://ninedata.example/?key=hush", "must not have a query or a fragment"),
        ("base_url", "https://ninedata.example/#/hush", "must not have a query or a fragment"),
        ("base_url", "https://hush@ninedata.example", "must not have a user name or a password"),
        ("proxy_url", "http://user:hush@proxy.example/path", "must not have a path"),
    ],
)
def test_urls(load_text: Load, key: str, url: str, fault: str | None) -> None:
    """Only the proxy's URL may have a password, only the API's may have a path."""
    values = {"base_url": "https://ninedata.example", "access_key_id": "a", "secret_key": "s"} | {key: url}
    text = "api:\n" + "".join(f"  {name}: '{value}'\n" for name, value in values.items())
    if fault is None:
        load_text(text)
    else:
        with pytest.raises(Exception, match=re.escape(f"api.{key}: {fault}") + "$"):
            load_text(text)


@pytest.mark.parametrize("folder", ["plain", "[abc]", "a*b"])
def test_task_files_are_relative_to_the_configuration(least: str, tmp_path: Path, folder: str) -> None:
    """Special characters in the name of its folder are not a pattern."""
    path = tmp_path / folder / "config.yaml"
    path.parent.mkdir()
    path.write_text(f"{least}task_files: ['*.tasks']\n", "utf-8")
    (path.parent / "a.tasks").touch()
    (pattern,) = load(path, {}).task_files
    assert glob.glob(pattern) == [f"{path.parent}/a.tasks"]  # noqa: PTH207 - a pattern is no path


def test_a_task_file_has_the_entries_of_tasks(tmp_path: Path) -> None:
    """An empty list is good."""
    path = tmp_path / "tasks.yaml"
    path.write_text('[{"task_id": "rp-1", "kind": "replication", "labels": {"a": "b"}}]', "utf-8")
    (task,) = load_task_file(path)
    assert (task.ref, dict(task.labels)) == (TaskRef("replication", "rp-1", ""), {"a": "b"})
    path.write_text("[]", "utf-8")
    assert load_task_file(path) == ()


def test_certificates_are_verified_by_default(load_text: Load, least: str, tmp_path: Path) -> None:
    """A CA file replaces the known issuers; `insecure_skip_verify` turns verification off."""
    first = Path(certifi.where()).read_text("utf-8").partition("-----END CERTIFICATE-----")[0]
    (tmp_path / "ca.pem").write_text(f"{first}-----END CERTIFICATE-----\n", "utf-8")
    default = load_text(least).api.tls.context()
    assert (default.verify_mode, default.check_hostname) == (ssl.CERT_REQUIRED, True)
    with_ca = load_text(least.replace("}", ", tls: {ca_file: ca.pem}}")).api.tls.context()
    assert (with_ca.verify_mode, with_ca.cert_store_stats()["x509_ca"]) == (ssl.CERT_REQUIRED, 1)
    insecure = load_text(least.replace("}", ", tls: {insecure_skip_verify: true}}")).api.tls.context()
    assert (insecure.verify_mode, insecure.check_hostname) == (ssl.CERT_NONE, False)


def test_the_example_is_good_and_shows_the_defaults(load_text: Load) -> None:
    """`config.example.yaml` loads as it is, with credentials from the environment."""
    example = load_text(EXAMPLE, ENVIRONMENT)
    default = load_text("api: {base_url: https://console.ninedata.cloud}", ENVIRONMENT)
    assert (example.tasks[0].name, dict(example.tasks[0].labels)) == ("orders-prod", {"team": "dba", "env": "prod"})
    assert (default.api.request_timeout, default.api.concurrency, default.api.rate_limit) == (5, 32, 0)
    assert (default.api.proxy_url, default.scrape_timeout, default.reason_bytes) == (None, 10, 1000)
    assert (default.tasks, default.task_files, default.discovery, default.probe_unlisted) == ((), (), (), False)
    for name in ("base_url", "request_timeout", "concurrency", "rate_limit", "proxy_url"):
        assert getattr(example.api, name) == getattr(default.api, name), name
    for name in ("task_files", "discovery", "probe_unlisted", "scrape_timeout", "reason_bytes", "task_status"):
        assert getattr(example, name) == getattr(default, name), name


def test_the_alternatives_in_the_example_are_good(load_text: Load) -> None:
    """The lists, mappings and entries that are commented out."""
    offered = r"^(\s*)# (- \{.*\}|(?:task_files|statuses|names|labels|failure_reasons): [\[{].*[\]}])$"
    text, count = re.subn(offered, r"\1\2", EXAMPLE, flags=re.MULTILINE)
    text = re.sub(r"^(?:task_files: \[\]|failure_reasons: true)$", "", text, flags=re.MULTILINE)
    config = load_text(text.replace("enabled: false", "enabled: true"), ENVIRONMENT)
    assert count == 9
    assert [task.ref.kind for task in config.tasks] == ["data_compare", "data_compare", "schema_compare", "replication"]
    statuses = frozenset({"preChecking", "preCheckFailed", "preCheckSuccess"})
    assert config.discovery == (
        DiscoverySettings("replication", statuses, ("orders-*", "billing-*"), {"team": "dba"}),
        DiscoverySettings("schema_compare", frozenset({"failed", "running"})),
    )


def test_the_example_mentions_every_key_and_status() -> None:
    """Some of them in comments."""
    keys = (
        "base_url access_key_id access_key_id_file secret_key secret_key_file request_timeout concurrency rate_limit "
        "ca_file server_name cert_file key_file insecure_skip_verify proxy_url timeout failure_reasons max_bytes "
        "task_status task_id precheck_task_id name kind labels task_files enabled statuses names allow_unlisted"
    )
    assert [key for key in keys.split() if f"{key}:" not in EXAMPLE] == []
    assert [status for status in LISTS["replication"].statuses if not re.search(rf"\b{status}\b", EXAMPLE)] == []
