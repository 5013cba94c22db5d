"""The web configuration that is in force, as its files have it now."""

import logging
from pathlib import Path

from exporter.config.document import ConfigError
from exporter.logs import event
from exporter.look import Look
from exporter.web_config.files import Files
from exporter.web_config.load import WebConfig, load_web_config

_log = logging.getLogger(__name__)

MAX_FAULTS_LOGGED = 5


class WebConfigFile:
    """A web configuration that is read again when its file, or one that it names, changes.

    Raises ConfigError when it cannot be used at first. Later the last good one stays in force as a whole, and the log
    says so, once for each way in which it is wrong.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = Files()
        self._config = load_web_config(path, self._files)
        self._problem: str | None = None
        self._look = Look(self._see, "web configuration files")
        self._tell("web configuration read")

    @property
    def last_reload_successful(self) -> bool:
        """Whether what is in force is what the files have."""
        return self._problem is None

    def current(self) -> WebConfig:
        """The configuration that is in force."""
        return self._config

    async def latest(self) -> WebConfig:
        """The configuration as the files have it now, from now on in force; the last good one where they are broken.

        Costs one `stat` for each file, in a thread.
        """
        await self._look.refresh()
        return self._config

    def _see(self) -> None:
        if self._problem is not None or self._files.changed():
            self._reload()

    def _reload(self) -> None:
        files = Files()
        try:
            self._config = load_web_config(self._path, files)
        except ConfigError as error:
            problem = "; ".join(str(fault) for fault in error.faults[:MAX_FAULTS_LOGGED])
            if problem != self._problem:
                self._problem = problem
                event(
                    _log,
                    logging.WARNING,
                    "web configuration cannot be used; the last good one stays in force",
                    faults=len(error.faults),
                    error=problem,
                )
            return
        self._files, self._problem = files, None
        self._tell("web configuration read again")

    def _tell(self, message: str) -> None:
        tls, users = self._config.tls, self._config.users
        event(
            _log,
            logging.INFO,
            message,
            file=str(self._path),
            tls=tls is not None,
            client_certificates=tls.client_certificates if tls else None,
            users=len(users) if users else 0,
        )
        if users and not tls:
            event(
                _log,
                logging.WARNING,
                "passwords cross the network in the clear: there are basic_auth_users but no tls_server_config",
                file=str(self._path),
            )
