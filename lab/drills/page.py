"""Serves the drill's page: the briefing, what happened so far, a button that ends it, and then the report."""

from dataclasses import asdict
from importlib import resources

from aiohttp import web

from lab.drills.stage import Stage
from lab.slack.browser.routes import HEADERS

_ASSETS = resources.files("lab.drills") / "assets"
_TYPES = {
    "": ("drill.html", "text/html"),
    "drill.js": ("drill.js", "text/javascript"),
    "drill.css": ("drill.css", "text/css"),
}


def drill_app(stage: Stage) -> web.Application:
    """Return what is served below `/drill/`."""
    app = web.Application()

    async def asset(request: web.Request) -> web.Response:
        name, kind = _TYPES[request.path.rpartition("/")[2]]
        text = (_ASSETS / name).read_text(encoding="utf-8")
        return web.Response(text=text, content_type=kind, headers=HEADERS)

    async def state(_: web.Request) -> web.Response:
        return web.json_response(
            {
                "title": stage.drill.title,
                "briefing": stage.drill.briefing,
                "elapsed_s": stage.elapsed_s,
                "happened": [asdict(one) for one in stage.happened],
                "report": asdict(stage.report) if stage.report else None,
            },
            headers={"Cache-Control": "no-store"},
        )

    async def end(request: web.Request) -> web.Response:
        # A JSON body, which no foreign web page can send.
        if request.content_type != "application/json":
            return web.json_response({"error": "send application/json"}, status=415)
        stage.end()
        return web.json_response({})

    for name in _TYPES:
        app.router.add_get(f"/{name}", asset)
    app.router.add_get("/state", state)
    app.router.add_post("/end", end)
    return app
