"""Reads an image's archive: its layers and their sizes, its configuration and its files."""

import gzip
import io
import json
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

_HIDES, _HIDES_ALL = ".wh.", ".wh..wh..opq"


@dataclass(frozen=True)
class Layer:
    """One layer: bytes as a registry stores them, and the step of the Dockerfile that made it."""

    compressed: int
    made_by: str


@dataclass(frozen=True)
class File:
    """One path of the image, as the last layer that has it says."""

    about: tarfile.TarInfo
    layer: int


class Archive:
    """One image in an archive of ``docker save``'s format, whose layers are not compressed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with tarfile.open(path) as archive:
            (image,) = json.load(_member(archive, "manifest.json"))
            self._layers: list[str] = image["Layers"]
            self.config: dict[str, Any] = json.load(_member(archive, image["Config"]))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """From the base up, each as large as gzip makes it."""
        made_by = [
            step.get("created_by", "")
            for step in self.config.get("history", [])
            if not step.get("empty_layer")
        ]
        made_by += [""] * (len(self._layers) - len(made_by))
        with tarfile.open(self._path) as archive:
            sizes = [_compressed(_member(archive, layer)) for layer in self._layers]
        return tuple(map(Layer, sizes, made_by))

    @property
    def compressed(self) -> int:
        """Bytes that a node pulls."""
        return sum(layer.compressed for layer in self.layers)

    @property
    def unpacked(self) -> int:
        """Bytes of all files that a container sees."""
        return sum(file.about.size for file in self.files.values())

    @cached_property
    def files(self) -> dict[str, File]:
        """Every path that a container sees, without the slash at its beginning."""
        found: dict[str, File] = {}
        for number, about, _ in self._entries():
            path = about.name.removeprefix("./").rstrip("/")
            folder, _, base = path.rpartition("/")
            if base == _HIDES_ALL:
                _hide(found, folder, number, itself=False)
            elif base.startswith(_HIDES):
                gone = base.removeprefix(_HIDES)
                _hide(found, f"{folder}/{gone}" if folder else gone, number, itself=True)
            elif path not in ("", "."):
                found[path] = File(about, number)
        return found

    def read(self, path: str) -> bytes:
        """The content of a regular file; raises KeyError where there is none of that path."""
        wanted = self.files[path].layer
        for number, about, layer in self._entries():
            if number == wanted and about.name.removeprefix("./") == path:
                content = layer.extractfile(about)
                if content is not None:
                    return content.read()
        raise KeyError(path)

    def _entries(self) -> Iterator[tuple[int, tarfile.TarInfo, tarfile.TarFile]]:
        """Each entry of each layer in their order: number of the layer, entry, open layer."""
        with tarfile.open(self._path) as archive:
            for number, name in enumerate(self._layers):
                with tarfile.open(fileobj=_member(archive, name), mode="r:") as layer:
                    for about in layer:
                        yield number, about, layer


def _hide(found: dict[str, File], path: str, layer: int, *, itself: bool) -> None:
    """Takes away what lower layers have below a path, and it ``itself``."""
    for known in [known for known in found if known.startswith(f"{path}/")]:
        if found[known].layer < layer:
            del found[known]
    if itself and path in found and found[path].layer < layer:
        del found[path]


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    content = archive.extractfile(name)
    if content is None:
        raise KeyError(name)
    return content


def _compressed(layer: IO[bytes]) -> int:
    counted = io.BytesIO()
    with gzip.GzipFile(fileobj=counted, mode="wb", compresslevel=6) as compressing:
        shutil.copyfileobj(layer, compressing)
    return counted.tell()
