"""The Random backend: `api` answers requests, `numbers` draws the numbers and keeps count of them in PostgreSQL."""
