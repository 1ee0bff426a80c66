"""otlp_to_json.py PORT URL: receives traces with OTLP over HTTP as protobuf and posts them to URL as JSON."""

import base64
import json
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def with_hex_ids(value):
    """OTLP's JSON has IDs in hexadecimal, protobuf's own JSON in base64."""
    if isinstance(value, list):
        return [with_hex_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(child).hex() if key in ("traceId", "spanId", "parentSpanId") else with_hex_ids(child)
        for key, child in value.items()
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        message = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps(with_hex_ids(MessageToDict(message, use_integers_for_enums=True))).encode()
        urllib.request.urlopen(urllib.request.Request(sys.argv[2], body)).close()
        self.answer(b"")

    def answer(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
