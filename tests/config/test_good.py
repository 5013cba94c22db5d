"""Configurations that are right, and what they come to mean."""

import dataclasses
import glob
import re
import ssl
from collections.abc import Callable
from pathlib import Path

import certifi
import pytest

from exporter.config import Config, ReplicationDiscovery, load
from exporter.ninedata import TASK_STATUSES, TaskRef

Loaded = Callable[..., Config]


def test_defaults(loaded: Loaded, least: str) -> None:
    """All but the address and the AccessKey has a default."""
    config = loaded(least)
    assert config.api.request_timeout == 5
    assert config.api.concurrency == 32
    assert config.api.rate_limit == 0
    assert config.api.proxy_url is None
    assert config.scrape_timeout == 10
    assert config.failure_reasons is True
    assert config.tasks == ()
    assert config.task_files == ()
    assert config.discovery is None
    assert config.probe_unlisted is False


def test_every_key(loaded: Loaded, tmp_path: Path) -> None:
    """What is written is what is used."""
    (tmp_path / "ca.pem").write_bytes(Path(certifi.where()).read_bytes())
    config = loaded("""
api:
  base_url: http://10.1.2.3:9999/ninedata
  access_key_id: hush-ak
  secret_key: hush-sk
  request_timeout: 2500ms
  concurrency: 4
  rate_limit: 0.5
  tls: {ca_file: ca.pem, insecure_skip_verify: false}
  proxy_url: http://proxy.example:3128
scrape: {timeout: 20s}
failure_reasons: false
tasks:
  - task_id: cd-1
    precheck_task_id: pcte-1
    name: orders-prod
    kind: data_compare
    labels: {team: dba, _x9: '"quoted" \\ and 😀'}
  - {task_id: cc-2, precheck_task_id: pcte-2, kind: schema_compare}
  - {task_id: rp-3, kind: replication}
task_files: [tasks.d/*.yaml, /srv/more.yaml]
discovery:
  replication:
    enabled: true
    statuses: [running, PRECHECKFAILED, " stopped "]
    names: ["orders-*", billing]
    labels: {team: standby}
probe: {allow_unlisted: true}
""")
    api = config.api
    assert (api.base_url, api.request_timeout, api.concurrency, api.rate_limit) == (
        "http://10.1.2.3:9999/ninedata",
        2.5,
        4,
        0.5,
    )
    assert api.access_key_id.current().reveal() == "hush-ak"
    assert api.secret_key.current().reveal() == "hush-sk"
    assert config.scrape_timeout == 20
    assert config.failure_reasons is False
    orders, schema, replication = config.tasks
    assert orders.ref == TaskRef("data_compare", "cd-1", "pcte-1")
    assert (orders.name, dict(orders.labels)) == ("orders-prod", {"team": "dba", "_x9": '"quoted" \\ and 😀'})
    assert schema.ref == TaskRef("schema_compare", "cc-2", "pcte-2")
    assert (schema.name, dict(schema.labels)) == ("cc-2", {})
    assert replication.ref == TaskRef("replication", "rp-3", "")
    assert config.task_files == (f"{tmp_path}/tasks.d/*.yaml", "/srv/more.yaml")
    assert config.discovery == ReplicationDiscovery(
        statuses=frozenset({"running", "preCheckFailed", "stopped"}),
        names=("orders-*", "billing"),
        labels={"team": "standby"},
    )
    assert config.probe_unlisted is True


def test_tasks_keep_their_order(loaded: Loaded, least: str) -> None:
    """Tasks are watched in the order in which they are written."""
    names = ["b", "c", "a", "10", "9"]
    tasks = "".join(f"  - {{task_id: {name}, precheck_task_id: p}}\n" for name in names)
    assert [task.task_id for task in loaded(f"{least}tasks:\n{tasks}").tasks] == names


def test_one_precheck_id_may_be_watched_under_two_tasks(loaded: Loaded, least: str) -> None:
    """Only the task id has to be unique; two tasks may even have the same name."""
    task = "precheck_task_id: pcte-1, name: same"
    config = loaded(f"{least}tasks:\n  - {{task_id: cd-1, {task}}}\n  - {{task_id: cd-2, {task}}}\n")
    assert [task.name for task in config.tasks] == ["same", "same"]


@pytest.mark.parametrize("section", ["tasks", "scrape", "task_files", "discovery", "probe", "failure_reasons"])
def test_an_empty_section_counts_as_missing(loaded: Loaded, least: str, section: str) -> None:
    """A key whose entries are all commented out is no fault."""
    assert loaded(f"{least}{section}:\n").tasks == ()


def test_discovery_needs_no_more_than_to_be_enabled(loaded: Loaded, least: str) -> None:
    """Then all tasks are watched, without further labels."""
    config = loaded(f"{least}discovery: {{replication: {{enabled: true}}}}\n")
    assert config.discovery == ReplicationDiscovery(frozenset(), (), {})


def test_discovery_that_is_off_may_be_prepared(loaded: Loaded, least: str) -> None:
    """What is chosen has no meaning yet."""
    assert loaded(f"{least}discovery: {{replication: {{statuses: [running]}}}}\n").discovery is None


@pytest.mark.parametrize("folder", ["plain", "[abc]", "a*b", "what?"])
def test_patterns_of_task_files_are_from_the_folder_of_the_configuration(
    least: str, tmp_path: Path, folder: str
) -> None:
    """Whose name is no pattern."""
    path = tmp_path / folder / "config.yaml"
    path.parent.mkdir()
    path.write_text(f"{least}task_files: ['*.tasks', ../other.tasks, /srv/*.tasks]\n", "utf-8")
    for name in ("a.tasks", "b.tasks", "../other.tasks"):
        (path.parent / name).touch()
    first, second, third = load(path, {}).task_files
    assert sorted(glob.glob(first)) == [f"{path.parent}/a.tasks", f"{path.parent}/b.tasks"]  # noqa: PTH207 - what it is for
    assert glob.glob(second) == [f"{path.parent}/../other.tasks"]  # noqa: PTH207 - the same
    assert third == "/srv/*.tasks"


def test_anchors_and_aliases(loaded: Loaded, least: str) -> None:
    """A value may be given once and referred to."""
    config = loaded(
        f"{least}tasks:\n"
        "  - {task_id: cd-1, precheck_task_id: pcte-1, labels: &labels {team: dba}}\n"
        "  - {task_id: cd-2, precheck_task_id: pcte-2, labels: *labels}\n"
    )
    assert [dict(task.labels) for task in config.tasks] == [{"team": "dba"}, {"team": "dba"}]


def test_a_byte_order_mark_is_ignored(loaded: Loaded, least: str) -> None:
    """Editors of some systems put one in front."""
    assert loaded(b"\xef\xbb\xbf" + least.encode()).api.base_url == "https://ninedata.example"


def test_windows_line_ends(loaded: Loaded, least: str) -> None:
    """Line ends of either kind are the same."""
    config = loaded(f"{least}tasks:\n  - task_id: cd-1\n    precheck_task_id: pcte-1\n".replace("\n", "\r\n"))
    assert config.tasks[0].ref == TaskRef("data_compare", "cd-1", "pcte-1")


@pytest.mark.parametrize(
    ("tls", "mode", "names"),
    [
        ("{}", ssl.CERT_REQUIRED, True),
        ("{insecure_skip_verify: false}", ssl.CERT_REQUIRED, True),
        ("{insecure_skip_verify: true}", ssl.CERT_NONE, False),
    ],
)
def test_certificates_are_verified_unless_told_otherwise(
    loaded: Loaded, least: str, tls: str, mode: ssl.VerifyMode, names: object
) -> None:
    """Neither issuer nor name is left unchecked without `insecure_skip_verify: true`."""
    context = loaded(least.replace("}", f", tls: {tls}}}")).api.tls
    assert (context.verify_mode, context.check_hostname) == (mode, names)


def test_a_ca_file_takes_the_place_of_the_known_issuers(loaded: Loaded, least: str, tmp_path: Path) -> None:
    """Whoever names an issuer trusts that one and no other; the file is found from the configuration's folder."""
    first = Path(certifi.where()).read_text("utf-8").split("-----END CERTIFICATE-----")[0]
    (tmp_path / "ca.pem").write_text(f"{first}-----END CERTIFICATE-----\n", "utf-8")
    named = loaded(least.replace("}", ", tls: {ca_file: ca.pem}}")).api.tls
    assert named.cert_store_stats()["x509_ca"] == 1
    assert loaded(least).api.tls.cert_store_stats()["x509_ca"] > 1


def test_a_configuration_cannot_be_changed(loaded: Loaded, least: str) -> None:
    """It is the same for the whole time of a scrape."""
    config = loaded(least)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.scrape_timeout = 1.0


def test_the_example_loads(tmp_path: Path) -> None:
    """`config.example.yaml`, with the AccessKey in the environment, is right as it stands."""
    example = Path(__file__).parents[2] / "config.example.yaml"
    environment = {"NINEDATA_ACCESS_KEY_ID": "hush-ak", "NINEDATA_SECRET_KEY": "hush-sk"}
    config = load(example, environment)
    assert config.tasks[0].name == "orders-prod"
    assert dict(config.tasks[0].labels) == {"team": "dba", "env": "prod"}
    # Its values, where they are not examples, are the defaults.
    (tmp_path / "config.yaml").write_text("api: {base_url: https://console.ninedata.cloud}", "utf-8")
    default = load(tmp_path / "config.yaml", environment)
    for field in ("base_url", "request_timeout", "concurrency", "rate_limit", "proxy_url"):
        assert getattr(config.api, field) == getattr(default.api, field), field
    assert config.api.tls.verify_mode is default.api.tls.verify_mode
    for field in ("task_files", "discovery", "probe_unlisted", "scrape_timeout", "failure_reasons"):
        assert getattr(config, field) == getattr(default, field), field


def test_what_the_example_has_commented_out_is_right(loaded: Loaded) -> None:
    """Each entry, list and mapping that it offers as an alternative, once it is no comment any more."""
    text = (Path(__file__).parents[2] / "config.example.yaml").read_text("utf-8")
    offered = re.sub(
        r"^(\s*)# (- \{.*\}|(?:task_files|statuses|names|labels): [\[{].*[\]}])$", r"\1\2", text, flags=re.MULTILINE
    )
    assert offered.count("#") == text.count("#") - 6
    offered = offered.replace("task_files: []\n", "").replace("enabled: false", "enabled: true")
    config = loaded(offered, {"NINEDATA_ACCESS_KEY_ID": "hush-ak", "NINEDATA_SECRET_KEY": "hush-sk"})
    assert [task.ref.kind for task in config.tasks] == ["data_compare", "schema_compare", "replication"]
    assert len(config.task_files) == 1
    assert config.discovery == ReplicationDiscovery(
        frozenset({"preChecking", "preCheckFailed", "preCheckSuccess"}), ("orders-*", "billing-*"), {"team": "dba"}
    )


def test_the_example_names_every_status() -> None:
    """Of the words for a replication task's status."""
    text = (Path(__file__).parents[2] / "config.example.yaml").read_text("utf-8")
    assert [status for status in TASK_STATUSES if not re.search(rf"\b{status}\b", text)] == []


def test_the_example_names_every_key() -> None:
    """Each key that the configuration knows stands in the example, if only commented out."""
    text = (Path(__file__).parents[2] / "config.example.yaml").read_text("utf-8")
    keys = (
        "base_url access_key_id access_key_id_file secret_key secret_key_file request_timeout concurrency rate_limit "
        "ca_file insecure_skip_verify proxy_url timeout failure_reasons task_id precheck_task_id name kind labels "
        "task_files enabled statuses names allow_unlisted"
    )
    assert [key for key in keys.split() if f"{key}:" not in text] == []
