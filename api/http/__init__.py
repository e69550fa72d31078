"""The HTTP interface: commands, reads, evidence; see `app.create_app`."""

from __future__ import annotations

from api.http.app import create_app
from api.http.services import Limits

__all__ = ["Limits", "create_app"]
