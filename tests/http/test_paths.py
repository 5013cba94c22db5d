"""The paths of all answers: behind a proxy, with a prefix, with a slash at the end."""

from dataclasses import replace
from urllib.parse import urljoin

import pytest

from exporter.http.external_url import ExternalUrl, parse_external_url, parse_route_prefix
from tests.http.page import Page
from tests.http.site import Site

PATHS = ["/", "/tasks/cd-1", "/metrics", "/probe?task_id=cd-1", "/sd", "/-/healthy", "/-/ready"]


@pytest.mark.parametrize("path", PATHS[1:])
def test_a_slash_at_the_end_changes_nothing(site: Site, path: str) -> None:
    """No redirect: behind a proxy that ends TLS, its address would be one in clear."""
    name, mark, query = path.partition("?")
    response = site.get(f"{name}/{mark}{query}", host="proxy.example")
    assert (response.status_code, "location" in response.headers) == (200, False)
    assert response.headers["content-type"] == site.get(path).headers["content-type"]


@pytest.mark.parametrize("path", [*PATHS, "/tasks/cd-1/"])
def test_every_path_has_the_prefix(site: Site, path: str) -> None:
    """And none without it is answered."""
    site.options = replace(site.options, route_prefix="/a/b")
    assert site.get(f"/a/b{path}").status_code == 200
    assert site.get(path).status_code == 404


@pytest.mark.parametrize(("prefix", "seen"), [("", "/"), ("", "/proxy/"), ("/a/b", "/a/b/"), ("/a/b", "/")])
@pytest.mark.parametrize(
    "path", ["", "tasks/cd-1", "tasks/cd-1/", "nowhere", "no/where/", "tasks/%2F", "tasks/x/y?z=/"]
)
def test_links_stay_below_the_prefix(site: Site, prefix: str, seen: str, path: str) -> None:
    """Whatever a proxy has in its place, which the browser sees."""
    site.options = replace(site.options, route_prefix=prefix)
    page = Page(site.get(f"{prefix}/{path}").text)
    other = [link.partition("?")[0] for link in page.links() if not link.startswith("?")]
    links = {urljoin(f"https://proxy.example{seen}{path}", link) for link in other}
    home = f"https://proxy.example{seen}"
    assert {home, f"{home}metrics"} <= links <= {home, f"{home}metrics", f"{home}tasks/cd-1", f"{home}tasks/cd-2"}


@pytest.mark.parametrize("path", ["/a/b", "/", "/x/y/z"])
def test_links_beside_the_prefix_lead_into_it(site: Site, path: str) -> None:
    site.options = replace(site.options, route_prefix="/a/b")
    links = Page(site.get(path).text).links()
    assert urljoin(f"http://exporter:10199{path}", links[-1]).startswith("http://exporter:10199/a/b/")


@pytest.mark.parametrize(
    ("text", "url", "hosts", "path"),
    [
        ("https://example.com", "https://example.com", {"example.com", "example.com:443"}, ""),
        ("http://Example.com:80/", "http://Example.com:80", {"example.com", "example.com:80"}, ""),
        ("https://example.com:8443/a/b/", "https://example.com:8443/a/b", {"example.com:8443"}, "/a/b"),
        ("http://[::1]/n-1.x_~", "http://[::1]/n-1.x_~", {"[::1]", "[::1]:80"}, "/n-1.x_~"),
    ],
)
def test_external_urls(text: str, url: str, hosts: set[str], path: str) -> None:
    assert parse_external_url(text) == ExternalUrl(url, frozenset(hosts), path)


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.com", "ftp://example.com", "https://", "https://user:hush@example.com", "https://a.test:99999"),
        *(f"https://example.com/{path}" for path in ("a?b", "a#b", "/a", "{a}", "a/../b", "a\n")),
    ],
)
def test_what_is_not_an_external_url(text: str) -> None:
    with pytest.raises(ValueError, match="must be http"):
        parse_external_url(text)


@pytest.mark.parametrize(("text", "prefix"), [("/", ""), ("/ninedata", "/ninedata"), ("/a/b.c/", "/a/b.c")])
def test_route_prefixes(text: str, prefix: str) -> None:
    assert parse_route_prefix(text) == prefix


@pytest.mark.parametrize("text", ["", "ninedata", "//a", "/a b", "/{a}", "/..", "/a/./b", "/a?b", "/é"])
def test_what_is_not_a_route_prefix(text: str) -> None:
    with pytest.raises(ValueError, match="must be a path"):
        parse_route_prefix(text)
