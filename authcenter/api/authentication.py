"""Permissions and authentication of the API."""
