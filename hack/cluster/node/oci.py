"""An image of one static program, made without any tool: an OCI layout in a tar."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

_TYPE = "application/vnd.oci.image"


def image(program: Path, name: str, archive: Path, *arguments: str) -> Path:
    """Writes an archive of the image ``name`` that runs ``/<program>`` as user 65532.

    The same program and name give the same bytes.
    """
    layer = _tar({program.name: program.read_bytes()}, mode=0o755)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "Cmd": list(arguments), "User": "65532"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer)}"]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_TYPE}.manifest.v1+json",
        "config": _descriptor("config.v1+json", _json(config)),
        "layers": [_descriptor("layer.v1.tar", layer)],
    }
    listed = _descriptor("manifest.v1+json", _json(manifest))
    listed["annotations"] = {"io.containerd.image.name": name}
    contents = (layer, _json(config), _json(manifest))
    blobs = {f"blobs/sha256/{_digest(content)}": content for content in contents}
    index = {"schemaVersion": 2, "manifests": [listed]}
    layout = {"imageLayoutVersion": "1.0.0"}
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(_tar({"oci-layout": _json(layout), "index.json": _json(index), **blobs}))
    return archive


def _tar(files: dict[str, bytes], mode: int = 0o644) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return written.getvalue()


def _descriptor(kind: str, content: bytes) -> dict[str, object]:
    return {
        "mediaType": f"{_TYPE}.{kind}",
        "digest": f"sha256:{_digest(content)}",
        "size": len(content),
    }


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
