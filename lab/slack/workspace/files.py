"""Uploaded files: promised with a length, uploaded as bytes, then shared (docs.slack.dev: working-with-files)."""

import secrets
from dataclasses import dataclass, field

from aiohttp import web

from lab.slack.workspace.messages import Json

SIZE_LIMIT_BYTES = 64 * 1024 * 1024  # enough for every log; Slack itself takes 1 GB


@dataclass(slots=True, kw_only=True)
class StoredFile:
    """One file, from its promise to its share."""

    id: str
    name: str
    size_bytes: int
    key: str
    title: str = ""
    alt_text: str = ""
    content: bytes | None = None
    is_complete: bool = False
    shares: dict[str, str] = field(default_factory=dict)  # channel id -> ts

    def to_api(self, team_domain: str) -> Json:
        public = {channel: [{"ts": ts, "reply_users": [], "reply_count": 0}] for channel, ts in self.shares.items()}
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            **({"alt_txt": self.alt_text} if self.alt_text else {}),
            "size": self.size_bytes,
            "mode": "hosted",
            "mimetype": "text/plain",
            "filetype": self.name.rpartition(".")[2] or "text",
            "permalink": f"https://{team_domain}.slack.com/files/{self.id}/{self.name}",
            "channels": list(self.shares),
            "shares": {"public": public} if public else {},
        }


class FileStore:
    """All files of the workspace."""

    def __init__(self) -> None:
        self.files: dict[str, StoredFile] = {}

    def promise(self, file_id: str, name: str, size_bytes: int) -> StoredFile:
        file = StoredFile(id=file_id, name=name, size_bytes=size_bytes, key=secrets.token_urlsafe(16))
        self.files[file_id] = file
        return file

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Take the upload itself: bytes or a multipart form, without any token."""
        key = request.match_info["key"]
        file = next((one for one in self.files.values() if one.key == key), None)
        if file is None or file.content is not None:
            return web.Response(status=404, text="not found")
        content = await _read(request)
        if len(content) != file.size_bytes:
            return web.Response(status=400, text=f"expected {file.size_bytes} bytes, got {len(content)}")
        file.content = content
        return web.Response(text=f"OK - {len(content)}")


async def _read(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""
