"""`api`: the public service. It requests every number from `numbers`."""

import logging
import os
from typing import Annotated

import httpx
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse

logger = logging.getLogger(__name__)
numbers = httpx.Client(base_url=os.environ["NUMBERS_URL"], timeout=15)
app = FastAPI(title="Random backend")


@app.get("/random")
def random(fail: bool = False, slow: Annotated[float, Query(ge=0, le=10)] = 0) -> dict[str, int]:
    """Returns a random number. `fail` makes the database query fail, `slow` delays it by that many seconds."""
    answer = numbers.get("/number", params={"fail": fail, "slow": slow}).raise_for_status().json()
    logger.info("answered %d", answer["number"])
    return answer


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.exception_handler(httpx.HTTPError)
def numbers_failed(_: Request, error: httpx.HTTPError) -> JSONResponse:
    logger.error("numbers failed: %s", str(error).partition("\n")[0])
    return JSONResponse({"error": "no number could be drawn"}, 500)
