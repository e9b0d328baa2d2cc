"""The value of WWW-Authenticate (RFC 6750 section 3, RFC 9470 section 3, RFC 9728 section 5.1), for every framework."""

INVALID_TOKEN = "The access token is not valid."
"""One sentence whatever was wrong: the reason goes to the log (RFC 6750 section 3.1)."""


def challenge(
    realm: str,
    *,
    error: str = "",
    description: str = "",
    scope: str = "",
    acr_values: str = "",
    max_age: int | None = None,
    resource_metadata: str = "",
) -> str:
    """Without credentials there is no error code (RFC 6750 section 3.1). `max_age` is in seconds."""
    parameters = {
        "realm": realm,
        "error": error,
        "error_description": description,
        "scope": scope,
        "acr_values": acr_values,
        "max_age": "" if max_age is None else str(max_age),
        "resource_metadata": resource_metadata,
    }
    return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value)
