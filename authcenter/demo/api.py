"""/demo/api/: an invented shop's orders, protected by the scopes orders:read and orders:write.

It stands for any API behind AuthCenter: it accepts access tokens made for its own identifier and nothing else, no
cookie, no session token, no ID token. Its reports are for the shop's own app: session tokens of operators. Nothing
that is sent is kept.
"""

from datetime import date
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authcenter.api.authentication import AccessTokenAuthentication, SessionTokenAuthentication
from authcenter.api.schema import AccessTokenScheme, problems
from authcenter.demo.samples import ORDERS_READ, ORDERS_WRITE
from authcenter.resource_server.drf import HasRole, HasScope
from authcenter.resource_server.metadata import ProtectedResource
from authcenter.resource_server.verifier import Token

_ORDERS: tuple[dict[str, Any], ...] = (
    {"number": 1063, "item": "Apple press", "quantity": 1, "status": "on its way", "ordered": date(2026, 11, 17)},
    {"number": 1057, "item": "Quince jelly", "quantity": 2, "status": "delivered", "ordered": date(2026, 10, 19)},
    {"number": 1041, "item": "Bramley apples", "quantity": 12, "status": "delivered", "ordered": date(2026, 10, 2)},
)
_TAG = "Demo orders"


ORDERS = ProtectedResource(
    f"{settings.ISSUER}/demo/api",
    [settings.ISSUER],
    scopes_supported=[ORDERS_READ, ORDERS_WRITE],
    name="Demo orders",
)
"""What RFC 9728 has an API tell of itself: so a client finds the issuer from a 401 alone."""


class OrdersToken(AccessTokenAuthentication):
    """Access tokens for this API."""

    audience = f"{settings.ISSUER}/demo/api"
    metadata = ORDERS
    realm = "Demo orders"


class OrdersTokenScheme(AccessTokenScheme):
    """Named apart in the description: a token for AuthCenter's own API is no good here."""

    target_class = OrdersToken
    name = "ordersToken"
    priority = 1


class OrderSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField(read_only=True)
    item = serializers.CharField(max_length=100)
    quantity = serializers.IntegerField(min_value=1, max_value=1000)
    status = serializers.CharField(read_only=True)
    ordered = serializers.DateField(read_only=True)


class CallerSerializer(serializers.Serializer[Any]):
    """Whom the token speaks for, as the API sees it."""

    sub = serializers.CharField()
    client_id = serializers.CharField()
    scope = serializers.CharField()


class OrdersSerializer(serializers.Serializer[Any]):
    asked_by = CallerSerializer()
    orders = OrderSerializer(many=True)


class ReportSerializer(serializers.Serializer[Any]):
    orders = serializers.IntegerField()
    items = serializers.IntegerField()


class OrdersView(APIView):
    authentication_classes = (OrdersToken,)

    def get_permissions(self) -> list[BasePermission]:
        return [HasScope(ORDERS_WRITE if self.request.method == "POST" else ORDERS_READ)()]

    @extend_schema(
        operation_id="demo_orders_list",
        summary="See orders",
        tags=[_TAG],
        responses={200: OrdersSerializer, **problems(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """Three invented orders, and who asked. Needs the scope `orders:read`."""
        assert isinstance(request.auth, Token)
        asked_by = {name: request.auth.claims[name] for name in ("sub", "client_id", "scope")}
        return Response(OrdersSerializer({"asked_by": asked_by, "orders": _ORDERS}).data)

    @extend_schema(
        operation_id="demo_orders_create",
        summary="Place an order",
        tags=[_TAG],
        request=OrderSerializer,
        responses={201: OrderSerializer, **problems(400, 401, 403, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """Answers as a shop would, and forgets the order. Needs the scope `orders:write`."""
        order = OrderSerializer(data=request.data)
        order.is_valid(raise_exception=True)
        placed = {**order.validated_data, "number": 1064, "status": "received", "ordered": timezone.now().date()}
        return Response(OrderSerializer(placed).data, status=201)


class OrderView(APIView):
    authentication_classes = (OrdersToken,)
    permission_classes = (HasScope(ORDERS_READ),)

    @extend_schema(
        operation_id="demo_orders_retrieve",
        summary="See one order",
        tags=[_TAG],
        parameters=[OpenApiParameter("number", int, OpenApiParameter.PATH)],
        responses={200: OrderSerializer, **problems(400, 401, 403, 404)},
    )
    def get(self, request: Request, number: int) -> Response:
        """One of the three. Needs the scope `orders:read`."""
        order = next((order for order in _ORDERS if order["number"] == number), None)
        if order is None:
            raise NotFound
        return Response(OrderSerializer(order).data)


class ReportsView(APIView):
    authentication_classes = (SessionTokenAuthentication,)
    permission_classes = (HasRole("operator"),)

    @extend_schema(
        operation_id="demo_reports",
        summary="See the sales report",
        tags=[_TAG],
        responses={200: ReportSerializer, **problems(400, 401, 403)},
    )
    def get(self, request: Request) -> Response:
        """For people with the role `operator`, in an app of one's own: wants a session token."""
        items = sum(order["quantity"] for order in _ORDERS)
        return Response(ReportSerializer({"orders": len(_ORDERS), "items": items}).data)
