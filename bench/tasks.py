"""The tasks and the key of the benchmark."""

ACCESS_KEY_ID, SECRET_KEY = "ak-bench", "sk-bench"
PATH = "/openapi/v1/comparedata/precheck/status"


def tasks(count: int) -> list[tuple[str, str]]:
    """Task ids with their precheck ids."""
    return [(f"cd-bench-{number:05}", f"pcte-bench-{number:05}") for number in range(count)]
