"""Answers ``GET /docs`` with the built pages (`make docs`). They are files of one folder, and nothing of the bot's."""

from pathlib import Path

from aiohttp import web

from core.errors import SettingsError

PATH = "/docs"
_FIRST = "index.html"
# A page may ask nothing of another server, whatever is in it. A script within it chooses light or dark.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def add_to(app: web.Application, folder: Path) -> None:
    """Let a server answer with the pages of a folder.

    Raises:
        SettingsError: no pages are there.

    """
    if not (folder / _FIRST).is_file():
        raise SettingsError(
            f"[slack] docs: there are no built pages in {folder}.", hint="`make docs` builds them; empty: no pages."
        )
    pages = web.Application()
    pages.router.add_static("/", folder)
    pages.on_response_prepare.append(_closed)
    app.router.add_get(PATH, _to_first)
    app.router.add_get(f"{PATH}/", _to_first)
    app.add_subapp(PATH, pages)


async def _to_first(_: web.Request) -> web.Response:
    raise web.HTTPFound(f"{PATH}/{_FIRST}")


async def _closed(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
