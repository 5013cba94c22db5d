"""The examination: one check after the other, each only where those before it leave something to examine."""

import asyncio

from exporter.check import Checked, summary_of
from exporter.config.model import Api
from exporter.doctor.assumptions import Evidence, assumptions
from exporter.doctor.contact import check_answer, check_clock, check_key, make_contact
from exporter.doctor.finding import Check, Finding, Level, skipped
from exporter.doctor.network import Endpoint, Limit, check_name, check_tcp, endpoint_of
from exporter.doctor.tasks import check_discovery, check_tasks, check_time, no_tasks
from exporter.doctor.tls import check_plain, check_tls
from exporter.exporter import Exporter, Lasting, Opened, open_exporter
from exporter.listener import allow_open_files
from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.ninedata import LIST_NAME
from exporter.scrape import Targets
from exporter.shard import Shard
from exporter.snapshot import TaskResult

MAX_SECONDS = 120.0
"""The examination ends by then, whatever hangs: what was not asked by then is told."""

_OF_API = (Check.ANSWER, Check.CLOCK, Check.KEY, Check.DISCOVERY, Check.TASK, Check.TIME)


async def examine(checked: Checked, place: str, shard: Shard, findings: list[Finding]) -> None:
    """Put what is found into `findings`, as it is found; `place` is what was `checked`, for people."""
    findings += check_configuration(checked, place)
    config = checked.config
    if config is None:
        why = "the configuration has faults"
        findings += skipped((Check.NAME, Check.TCP, Check.TLS, *_OF_API), why)
        return
    limit = Limit(config.api.request_timeout, asyncio.get_running_loop().time() + MAX_SECONDS)
    obstacle = await _examine_way(config.api, limit, findings)
    if obstacle:
        findings += skipped(_OF_API, obstacle)
        return
    allow_open_files(config.api.concurrency)
    opened = open_exporter(config, Lasting(shard))
    try:
        await _examine_api(opened, limit.deadline, findings)
    finally:
        await opened.transport.aclose()


def check_configuration(checked: Checked, place: str) -> list[Finding]:
    """Every fault of the configuration and of its task files, or what they name."""
    if not checked.faults and checked.config is not None:
        return [Finding(Check.CONFIGURATION, place, Level.OK, summary_of(checked, checked.config))]
    advice = "Mend it there; config.example.yaml has every key with its meaning. --config.file names another one."
    return [
        Finding(Check.CONFIGURATION, line, Level.FAULT, fault, advice)
        for line, _, fault in (text.partition(": ") for text in checked.faults)
    ]


async def _examine_way(api: Api, limit: Limit, findings: list[Finding]) -> str | None:
    """Name, TCP and TLS; gives what keeps requests from being sent, or None."""
    target = endpoint_of(api.base_url, "api.base_url")
    proxy = endpoint_of(api.proxy_url.reveal(), "api.proxy_url") if api.proxy_url else None
    hop = proxy or target
    found, addresses = await check_name(hop, limit)
    findings += found
    if not addresses:
        obstacle = f"{hop.host} does not resolve"
        findings += skipped((Check.TCP, Check.TLS), obstacle)
        return obstacle
    found, addresses = await check_tcp(hop, addresses, limit)
    findings += found
    if not addresses:
        obstacle = f"there is no connection to {hop}"
        findings += skipped((Check.TLS,), obstacle)
        return obstacle
    if proxy is not None:
        findings += _behind_proxy(target)
        return None
    tls = await check_tls(target, addresses[0], api.tls, limit)
    findings.append(tls)
    return f"there is no TLS connection to {hop}" if tls.level is Level.FAULT else None


def _behind_proxy(target: Endpoint) -> list[Finding]:
    if target.secure:
        return skipped((Check.TLS,), "goes through the proxy, so only the requests themselves examine it")
    return [check_plain(target, target.host)]


async def _examine_api(opened: Opened, deadline: float, findings: list[Finding]) -> None:
    exporter, base_url = opened.exporter, opened.exporter.config.api.base_url
    await exporter.refresh()
    asked = await make_contact(opened.client, exporter.watch.listed, deadline)
    answer = check_answer(asked, base_url)
    clock = check_clock(_value_of(exporter, families.API_CLOCK_SKEW))
    key = check_key(asked, clock)
    findings += [answer, clock, key]
    if any(each.by_api and not each.refused for each in asked):
        results = await _examine_tasks(exporter, deadline, findings)
        evidence = Evidence(base_url, asked, results, tuple(exporter.watch.known.values()))
    else:
        at_fault = next((found for found in (answer, clock, key) if found.level is Level.FAULT), key)
        findings += skipped((Check.DISCOVERY, Check.TASK, Check.TIME), f"needs the {at_fault.check} to be right")
        evidence = Evidence(base_url, asked)
    findings += assumptions(evidence)


async def _examine_tasks(exporter: Exporter, deadline: float, findings: list[Finding]) -> tuple[TaskResult, ...]:
    """Discovery, all tasks, and the time that they take; gives what was heard of the tasks."""
    watch, clock = exporter.watch, asyncio.get_running_loop().time
    began, sent_before = clock(), _lists_sent(exporter)
    if watch.discovers:
        discovered = await watch.discover(deadline)
        requests = int(_lists_sent(exporter) - sent_before)
        findings.append(check_discovery(discovered, len(watch.known), requests))
    else:
        findings += skipped((Check.DISCOVERY,), "is not configured")
    targets = Targets(watch.listed, watch.discovered, remembered=False)
    results = (await exporter.scraper.scrape(targets, deadline)).results
    if results:
        findings += [*check_tasks(results), *check_time(results, clock() - began, exporter.config)]
    else:
        findings.append(no_tasks(discovers=watch.discovers))
    return results


def _lists_sent(exporter: Exporter) -> float:
    return _value_of(exporter, families.API_REQUESTS, LIST_NAME) or 0.0


def _value_of(exporter: Exporter, family: Family, *labels: str) -> float | None:
    """A metric of the process, which is the client's observer; None where there is none yet."""
    wanted = dict(zip(family.labels, labels, strict=True))
    samples = (sample for metric in exporter.own_metrics().collect() for sample in metric.samples)
    return next((s.value for s in samples if s.name == family.name and s.labels == wanted), None)
