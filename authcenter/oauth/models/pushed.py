"""Authorization requests that an application pushed ahead of the person (RFC 9126)."""

from django.db import models

from authcenter.oauth.models.application import Application


class PushedRequest(models.Model):
    """One request, judged already, good for one client and one answer."""

    key = models.CharField(max_length=64, primary_key=True)
    """SHA-256 of the reference."""
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="pushed_requests")
    pairs = models.JSONField(default=list)
    expires = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
