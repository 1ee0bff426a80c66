"""Log lines as JSON. If a request is traced, its lines have the trace ID."""

import json
import logging
from datetime import datetime, timezone

# Attributes of every record; others are from `extra=` or from instrumentation.
_ORDINARY = {*vars(logging.makeLogRecord({})), "asctime", "color_message", "message", "taskName"}
# IDs that OpenTelemetry's logging instrumentation adds to records, and their names in the output.
_IDS = {"otelTraceID": "trace_id", "otelSpanID": "span_id"}


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        attributes = vars(record)
        line = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        # Outside a request, an ID is "0".
        line |= {name: attributes[key] for key, name in _IDS.items() if attributes.get(key, "0") != "0"}
        if record.name == "uvicorn.access":
            line |= dict(zip(("client", "method", "path", "http_version", "status"), record.args))
        line |= {key: value for key, value in attributes.items() if key not in _ORDINARY and not key.startswith("otel")}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)
