"""Log lines for machines: one JSON object each, with the object they are about."""

import json
import logging
from datetime import UTC, datetime

FIELDS = ("kind", "namespace", "name", "generation", "reason")
"""What a line says of the object that it is about, given to the logger as ``extra``."""


def about(kind: str, namespace: str, name: str, **more: object) -> dict[str, object]:
    """The ``extra`` of a log line about one object; ``name`` is taken by logging itself."""
    return {"kind": kind, "namespace": namespace, "object_name": name, **more}


class JsonFormatter(logging.Formatter):
    """One line of JSON for each record: time, level, logger, message, and what it is about."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for field in FIELDS:
            value = getattr(record, "object_name" if field == "name" else field, None)
            if value is not None:
                line[field] = value
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(style: str) -> None:
    """Sends all logging to standard error, as ``json`` or as ``text``."""
    handler = logging.StreamHandler()
    if style == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # kopf says at each start that it is not in the main thread, where nobody wants it.
    logging.getLogger("kopf").setLevel(logging.ERROR)
