"""A copy of what an application's `logo_uri` showed."""

from django.db import models

from authcenter.oauth.models.application import Application


class Logo(models.Model):
    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="logo")
    source = models.URLField(max_length=2048)
    image = models.BinaryField()
    content_type = models.CharField(max_length=20)
    fetched = models.DateTimeField()

    def __str__(self) -> str:
        return self.source
