"""What a single value may be: durations, numbers, URLs, identifiers."""

from collections.abc import Callable

import pytest

from exporter.config import Config

Loaded = Callable[..., Config]
Faults = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("1ms", 0.001),
        ("5s", 5),
        ("1m30s", 90),
        ("1m", 60),
        ("1h", 3600),
        ("0h0m7s", 7),
        ("59m59s999ms", 3599.999),
        ('"5s"', 5),
    ],
)
def test_durations_as_prometheus_writes_them(loaded: Loaded, least: str, text: str, seconds: float) -> None:
    """Units from the large to the small, each at most once."""
    assert loaded(f"{least}scrape: {{timeout: {text}}}").scrape_timeout == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        *("5", "1.5", "1.5s", "-5s", "+5s", "5sec", "5S", "5s1m", "1s1s", "5s 1m", "soon", "5:30", "'5 s'", "'5s '"),
        *(".inf", ".nan", "1e3s", "1µs", "1ns", "9999999999s", "''", "'5s\n'", '"\\u0665s"'),
        *("true", "2024-01-02", "[5s]", "{s: 5}"),
    ],
)
def test_anything_else_is_no_duration(faults: Faults, least: str, text: str) -> None:
    """A number without its unit is refused too: nobody should have to guess whether seconds are meant."""
    assert faults(f"{least}scrape:\n  timeout: {text}\n") == [
        "config.yaml:3: scrape.timeout: must be a duration such as 500ms, 5s or 1m30s"
    ]


@pytest.mark.parametrize("text", ["0", "0s", "0ms", "1h1ms", "1d", "1w", "999999999y"])
def test_a_scrape_takes_more_than_no_time_and_at_most_an_hour(faults: Faults, least: str, text: str) -> None:
    """A timeout of zero would end every scrape before it begins."""
    assert faults(f"{least}scrape: {{timeout: {text}}}") == [
        "config.yaml:2: scrape.timeout: must be more than 0 and at most 3600s"
    ]


@pytest.mark.parametrize("text", ["0s", "301s", "1y"])
def test_a_request_takes_more_than_no_time_and_at_most_five_minutes(faults: Faults, text: str) -> None:
    """A timeout of zero would end every request before it begins."""
    content = f"api: {{base_url: https://a.example, access_key_id: a, secret_key: s, request_timeout: {text}}}"
    assert faults(content) == ["config.yaml:1: api.request_timeout: must be more than 0 and at most 300s"]


def api_with(key: str, value: str) -> str:
    """A configuration with one further key of `api`, on line 5."""
    return (
        "api:\n  base_url: https://ninedata.example\n  access_key_id: hush-ak\n  secret_key: hush-sk\n"
        f"  {key}: {value}\n"
    )


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("32", 32), ("1024", 1024), ("+7", 7)])
def test_concurrency_is_a_whole_number(loaded: Loaded, text: str, number: int) -> None:
    """From 1 to 1024."""
    assert loaded(api_with("concurrency", text)).api.concurrency == number


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "1025", "1.0", "2.5", "1e2", ".inf", ".nan", "9" * 400, "9" * 5000, "'4'", "four", "true", "[4]"],
)
def test_other_concurrency_is_refused(faults: Faults, text: str) -> None:
    """Not a fraction, not infinite, not without bounds, not text."""
    assert faults(api_with("concurrency", text)) == [
        "config.yaml:5: api.concurrency: must be a whole number from 1 to 1024"
    ]


@pytest.mark.parametrize(("text", "rate"), [("0", 0), ("0.5", 0.5), ("10", 10), ("100000", 100000), ("1.5e+2", 150)])
def test_rate_limit_is_a_number(loaded: Loaded, text: str, rate: float) -> None:
    """Fractions are allowed: one request every two seconds is 0.5."""
    assert loaded(api_with("rate_limit", text)).api.rate_limit == rate


@pytest.mark.parametrize(
    "text",
    [
        "-0.1",
        "100001",
        ".inf",
        "-.inf",
        ".nan",
        "1.0e+999",
        "9" * 400,
        "9" * 5000,
        "'1'",
        "none",
        "off",
        "{a: 1}",
        "!!float nan",
        "!!float inf",
    ],
)
def test_other_rate_limits_are_refused(faults: Faults, text: str) -> None:
    """Not negative, not infinite, not without bounds, not text."""
    assert faults(api_with("rate_limit", text)) == ["config.yaml:5: api.rate_limit: must be a number from 0 to 100000"]


def with_url(url: str) -> str:
    """A configuration with this base URL, on line 2."""
    return f"api:\n  base_url: {url}\n  access_key_id: hush-ak\n  secret_key: hush-sk\n"


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("https://console.ninedata.cloud", "https://console.ninedata.cloud"),
        ("https://console.ninedata.cloud/", "https://console.ninedata.cloud"),
        ("http://10.1.2.3:9999", "http://10.1.2.3:9999"),
        ("http://[::1]:9999/", "http://[::1]:9999"),
        ("https://proxy.example/nine/data/", "https://proxy.example/nine/data"),
        ("HTTPS://console.ninedata.cloud", "HTTPS://console.ninedata.cloud"),
        ("' https://console.ninedata.cloud '", "https://console.ninedata.cloud"),
        ("http://ninedata", "http://ninedata"),
    ],
)
def test_the_server_is_named_by_a_url(loaded: Loaded, written: str, used: str) -> None:
    """A path prefix is allowed, a slash at the end makes no difference."""
    assert loaded(with_url(written)).api.base_url == used


NO_URL = "must begin with http:// or https:// and name a host"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("console.ninedata.cloud", NO_URL),
        ("console.ninedata.cloud:443", NO_URL),
        ("ftp://console.ninedata.cloud", NO_URL),
        ("file:///etc/passwd", NO_URL),
        ("https://", NO_URL),
        ("https:///path", NO_URL),
        ("https://:443", NO_URL),
        ("//console.ninedata.cloud", NO_URL),
        ("12345", NO_URL),
        ("http://[::1", "is not a URL"),
        ("http://ninedata.example:port", "is not a URL"),
        ("http://ninedata.example:99999", "is not a URL"),
        ("http://nine data.example", "has characters that a URL cannot have"),
        ("http://ninedätä.example", "has characters that a URL cannot have"),
        ("https://hush@ninedata.example", "must not hold a user name or a password"),
        ("https://user:hush@ninedata.example", "must not hold a user name or a password"),
        ("https://ninedata.example/?key=hush", "must not have a query or a fragment"),
        ("https://ninedata.example?", "must not have a query or a fragment"),
        ("'https://ninedata.example#'", "must not have a query or a fragment"),
        ("https://ninedata.example/#/hush", "must not have a query or a fragment"),
        ('"https://ninedata.example\\r\\nX-Evil: 1"', "has line breaks or control characters"),
        ("''", "is empty"),
    ],
)
def test_other_urls_are_refused(faults: Faults, url: str, message: str) -> None:
    """Only what can be a server's address, and never with a password in it."""
    assert faults(with_url(url)) == [f"config.yaml:2: api.base_url: {message}"]


@pytest.mark.parametrize(
    "url", ["http://proxy.example:3128", "http://user:hush@proxy.example:3128/", "https://[::1]:8443"]
)
def test_a_proxy_may_want_a_password(loaded: Loaded, url: str) -> None:
    """The proxy's URL is kept as a secret, for it may hold one."""
    config = loaded(api_with("proxy_url", url))
    assert config.api.proxy_url is not None
    assert config.api.proxy_url.reveal() == url.rstrip("/")
    assert "hush" not in repr(config)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("socks5://hush@proxy.example", NO_URL),
        ("proxy.example:3128", NO_URL),
        ("http://user:hush@proxy.example/path", "must not have a path"),
        ("http://user:hush@proxy.example?x=1", "must not have a query or a fragment"),
        ("http://user:hush@proxy.example:hush", "is not a URL"),
    ],
)
def test_other_proxies_are_refused(faults: Faults, url: str, message: str) -> None:
    """No fault shows the password."""
    assert faults(api_with("proxy_url", url)) == [f"config.yaml:5: api.proxy_url: {message}"]


@pytest.mark.parametrize(
    ("written", "task_id"),
    [
        ("cd-tg3isu1xgs", "cd-tg3isu1xgs"),
        ("12345", "12345"),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1e5", "1e5"),
        ("1.50", "1.50"),
        ("12:30", "12:30"),
        ("'12345'", "12345"),
        ("' cd-1 '", "cd-1"),
        ("a.b_c:d-e", "a.b_c:d-e"),
        ("x" * 128, "x" * 128),
    ],
)
def test_an_id_is_taken_as_it_is_written(loaded: Loaded, least: str, written: str, task_id: str) -> None:
    """An id of digits needs no quotes, and no reading as a number changes it."""
    config = loaded(f"{least}tasks:\n  - task_id: {written}\n    precheck_task_id: {written}\n")
    assert config.tasks[0].ref.task_id == config.tasks[0].ref.precheck_task_id == task_id
    assert config.tasks[0].task_id == config.tasks[0].name == task_id


@pytest.mark.parametrize(
    ("written", "value"),
    [("true", True), ("false", False), ("True", True), ("no", False), ("on", True), ("OFF", False)],
)
def test_truth_values_as_yaml_has_them(loaded: Loaded, least: str, written: str, value: object) -> None:
    """`true` and `false`, and the other words that YAML 1.1 knows for them."""
    assert loaded(f"{least}failure_reasons: {written}\n").failure_reasons is value
