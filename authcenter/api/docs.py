"""GET /api/docs/: Swagger UI from our own server, under the strict content security policy (no inline code)."""

from drf_spectacular.views import SpectacularSwaggerSplitView


class DocsView(SpectacularSwaggerSplitView):
    url_name = "api:schema"
    template_name = "api/docs.html"
