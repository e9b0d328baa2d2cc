"""Who and what the demo consists of, as tables. Addresses begin with the issuer, which is only known at run time."""

from dataclasses import dataclass, field
from typing import Any

from accounts.organisation import MEMBER, OWNER
from authcenter.oauth.models import Application, Scope
from authcenter.oauth.own_api import READ as ACCOUNT_READ
from authcenter.oauth.own_api import WRITE as ACCOUNT_WRITE

ORDERS_READ, ORDERS_WRITE = "orders:read", "orders:write"
PUBLISHER = "Example Company"

PEOPLE: dict[str, dict[str, Any]] = {
    "demo": {
        "email": "demo@example.com",
        "given_name": "Dana",
        "family_name": "Okafor",
        "name": "Dana Okafor",
        "nickname": "Dana",
        "preferred_username": "dana",
        "website": "https://example.com/dana",
        "birthdate": "1990-04-12",
        "zoneinfo": "Europe/London",
        "locale": "en-GB",
        "phone_number": "+442079460958",  # Ofcom keeps this range for stories
        "address": {
            "formatted": "12 Orchard Lane\nLondon N1 9GU\nUnited Kingdom",
            "street_address": "12 Orchard Lane",
            "locality": "London",
            "postal_code": "N1 9GU",
            "country": "GB",
        },
    },
    "admin": {
        "email": "admin@example.com",
        "given_name": "Alex",
        "family_name": "Moreau",
        "name": "Alex Moreau",
        "preferred_username": "alex",
        "zoneinfo": "Europe/Paris",
        "locale": "en",
        "is_staff": True,
        "is_superuser": True,
    },
}
ROLES = {
    "demo": ("customer", "Buys things."),
    "admin": ("operator", "Keeps the shop running, and sees its reports."),
}

ORGANISATION = PUBLISHER
MEMBERS = {"admin": OWNER, "demo": MEMBER}

API_NAME = "Demo orders"
API_DESCRIPTION = "An invented shop's orders, to try access tokens on."
API_SCOPES: dict[str, dict[str, Any]] = {
    ORDERS_READ: {
        "title": "See your orders",
        "description": "What you ordered, when, and whether it has been sent.",
        "access": Scope.Access.READ,
    },
    ORDERS_WRITE: {
        "title": "Place orders for you",
        "description": "Order things in your name.",
        "access": Scope.Access.WRITE,
        "sensitive": True,
    },
}


@dataclass(frozen=True)
class Sample:
    """An application. Paths are relative to the issuer."""

    name: str
    kind: str
    logo: str
    redirect_paths: tuple[str, ...] = ()
    post_logout_paths: tuple[str, ...] = ()
    cross_origin: bool = False
    is_reviewed: bool = False
    scopes: tuple[str, ...] = field(default=(ORDERS_READ, ORDERS_WRITE, ACCOUNT_READ, ACCOUNT_WRITE))

    def fields(self, issuer: str) -> dict[str, Any]:
        return {
            "redirect_uris": "\n".join(issuer + path for path in self.redirect_paths),
            "post_logout_redirect_uris": "\n".join(issuer + path for path in self.post_logout_paths),
            "allowed_origins": issuer if self.cross_origin else "",
            "logo_uri": f"{issuer}/static/demo/{self.logo}",
            "client_uri": f"{issuer}/demo/",
            "policy_uri": f"{issuer}/demo/privacy/",
            "tos_uri": f"{issuer}/demo/terms/",
            "publisher": PUBLISHER,
            "is_reviewed": self.is_reviewed,
        }


APPLICATIONS: dict[str, Sample] = {
    "web": Sample(
        name="Demo Shop",
        kind=Application.Kind.WEB,
        logo="shop.svg",
        redirect_paths=("/demo/web/callback",),
        post_logout_paths=("/demo/",),
        is_reviewed=True,
    ),
    "spa": Sample(
        name="Demo Client",
        kind=Application.Kind.SPA,
        logo="client.svg",
        redirect_paths=("/demo/",),
        post_logout_paths=("/demo/",),
        cross_origin=True,
    ),
    "machine": Sample(
        name="Demo Warehouse", kind=Application.Kind.MACHINE, logo="warehouse.svg", scopes=(ORDERS_READ, ORDERS_WRITE)
    ),
    "device": Sample(name="Demo Kiosk", kind=Application.Kind.DEVICE, logo="kiosk.svg"),
}
