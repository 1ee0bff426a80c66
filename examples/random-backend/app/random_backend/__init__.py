"""The Random backend: `api` answers requests, `numbers` draws the numbers and counts them in PostgreSQL."""
