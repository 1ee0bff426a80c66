"""`numbers`: draws numbers, and counts them in PostgreSQL."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import randint
from typing import Annotated

import psycopg
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest
from psycopg_pool import ConnectionPool

logger = logging.getLogger(__name__)
drawn = Counter("random_numbers_total", "Numbers drawn")
# libpq reads host, user, password and database from the variables PGHOST, PGUSER, PGPASSWORD and PGDATABASE.
pool = ConnectionPool(min_size=1, max_size=10, open=False)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    pool.open(wait=True, timeout=60)
    with pool.connection() as connection:
        # Two replicas that start at once must not both create the table.
        connection.execute("SELECT pg_advisory_xact_lock(1)")
        connection.execute("CREATE TABLE IF NOT EXISTS numbers (number int PRIMARY KEY, times bigint NOT NULL)")
    yield
    pool.close()


app = FastAPI(title="Numbers", lifespan=lifespan)


@app.get("/number")
def number(request: Request, fail: bool = False, slow: Annotated[float, Query(ge=0, le=10)] = 0) -> dict[str, int]:
    """Draws a number. Returns the number, how often it was drawn, and the total of all draws."""
    value = randint(1, 100)
    with pool.connection() as connection:
        if slow:
            connection.execute("SELECT pg_sleep(%s)", [slow])
        if fail:
            connection.execute("SELECT 1 / 0")
        [times] = connection.execute(
            "INSERT INTO numbers VALUES (%s, 1) ON CONFLICT (number) DO UPDATE SET times = numbers.times + 1 RETURNING times",
            [value],
        ).fetchone()
        [total] = connection.execute("SELECT sum(times)::bigint FROM numbers").fetchone()
    drawn.inc()
    # Trace context of the request, for the log.
    came = {name: request.headers[name] for name in ("traceparent", "baggage") if name in request.headers}
    logger.info("drew %d", value, extra={"number": value, **came})
    return {"number": value, "times": times, "total": total}


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@app.exception_handler(psycopg.Error)
def database_failed(_: Request, error: psycopg.Error) -> JSONResponse:
    logger.error("the database failed: %s", error, exc_info=error)
    return JSONResponse({"error": "the database failed"}, 500)
