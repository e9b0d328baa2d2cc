"""Which form an answer takes (RFC 9110 section 12.5.1)."""

from collections.abc import Iterable
from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class Negotiation(DefaultContentNegotiation):
    """The framework's; an `Accept` that it falls over is none that could be met."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> Any:
        try:
            return super().select_renderer(request, renderers, format_suffix)
        except (ValueError, TypeError):  # parameters by RFC 2231, of no charset, or of which nobody knows the order
            raise NotAcceptable from None
