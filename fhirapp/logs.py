"""Logs: one JSON line each, with ids and counts. Nothing that a person said or has goes in here."""

from __future__ import annotations

import logging
import sys

import orjson


class JsonLines(logging.Formatter):
    """One line of JSON for each record.

    Of an exception only its class and the places in our code are written: its message may quote a value.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            error, trace = record.exc_info[1], record.exc_info[2]
            places = []
            while trace is not None:
                places.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
                trace = trace.tb_next
            line["error"], line["places"] = type(error).__name__, places[-6:]
        return orjson.dumps(line).decode()


def start_logging(level: str) -> None:
    """Write to standard error, one JSON line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("urllib3").setLevel("WARNING")  # its debug lines hold whole addresses
