"""A ConfigMap and a Secret that change while mounted, laid out as the kubelet lays them out."""

from collections.abc import Mapping
from pathlib import Path

from exporter.credentials import SecretFile
from exporter.scraping.task_files import TaskFiles


class Mount:
    """A projected volume: every name is a link through `..data`, which is swapped from one folder to the next."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.folder = folder
        self._generation = 0
        self.put(files)

    def put(self, files: Mapping[str, str]) -> None:
        """Replace all files at once."""
        self._generation += 1
        data = self.folder / f"..{self._generation}"
        data.mkdir(parents=True)
        for name, text in files.items():
            (data / name).write_text(text, "utf-8")
            link = self.folder / name
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}")
        (self.folder / "..data_tmp").symlink_to(data.name)
        (self.folder / "..data_tmp").replace(self.folder / "..data")


def test_a_swapped_volume_is_read_again(tmp_path: Path) -> None:
    """Both the secret and the tasks."""
    task = "- {{task_id: cd-{0}, precheck_task_id: pcte-{0}}}\n"
    mount = Mount(tmp_path / "mounted", {"secret-key": "old", "tasks.yaml": task.format(1)})
    secret, files = SecretFile(mount.folder / "secret-key"), TaskFiles([f"{mount.folder}/*.yaml"])
    files.refresh()
    mount.put({"secret-key": "new", "tasks.yaml": task.format(1) + task.format(2)})
    secret.refresh()
    files.refresh()
    assert secret.current().reveal() == "new"
    assert [task.task_id for file in files.current for task in file.tasks] == ["cd-1", "cd-2"]
