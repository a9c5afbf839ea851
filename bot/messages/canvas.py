"""The paper and the pens of pictures: boxes, lines and text in points, and colours for every kind of sight."""

import io
import unicodedata
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]

# Everything is drawn twice as large as it is meant, so that it stays sharp on a phone.
SCALE = 2
WHITE, INK, SOFT, GRID, BAND = (255, 255, 255), (32, 36, 42), (105, 112, 122), (226, 229, 233), (247, 248, 250)
# Okabe and Ito's palette: told apart with every kind of colour vision; the order of brightness differs too.
BLUE, VERMILION, PURPLE, SKY = (0, 114, 178), (213, 94, 0), (204, 121, 167), (86, 180, 233)
ORANGE, GREEN, GREY, PALE = (230, 159, 0), (0, 158, 115), (130, 134, 140), (205, 210, 216)


class Canvas:
    """An empty picture. Positions and sizes are in points."""

    def __init__(self, width: float, height: float) -> None:
        self._image = Image.new("RGB", (round(width * SCALE), round(height * SCALE)), WHITE)
        self._draw = ImageDraw.Draw(self._image)

    def box(self, box: tuple[float, float, float, float], color: Color) -> None:
        """Fill a rectangle: left, top, right, bottom."""
        self._draw.rectangle([round(edge * SCALE) for edge in box], fill=color)

    def bar(self, box: tuple[float, float, float, float], color: Color) -> None:
        """Fill a rectangle with round corners."""
        self._draw.rounded_rectangle([round(edge * SCALE) for edge in box], radius=3 * SCALE / 2, fill=color)

    def line(self, points: Sequence[tuple[float, float]], color: Color, width: float = 1) -> None:
        """Draw a line; its width is in half points."""
        scaled = [(round(x * SCALE), round(y * SCALE)) for x, y in points]
        self._draw.line(scaled, fill=color, width=max(1, round(width * SCALE / 2)))

    def text(
        self, at: tuple[float, float], text: str, size: int, color: Color = INK, *, anchor: str = "la", room: float = 0
    ) -> None:
        """Write a text, shortened where ``room`` says that it has only so much."""
        shown = drawable(text)
        if room and self.width(shown, size) > room:
            while len(shown) > 1 and self.width(shown + "…", size) > room:
                shown = shown[:-1]
            shown += "…"
        self._draw.text((at[0] * SCALE, at[1] * SCALE), shown, fill=color, font=_font(size), anchor=anchor)

    def width(self, text: str, size: int) -> float:
        """Return how wide a text is."""
        return self._draw.textlength(drawable(text), font=_font(size)) / SCALE

    def png(self) -> bytes:
        """Return the picture as PNG."""
        file = io.BytesIO()
        self._image.save(file, "PNG", optimize=True)
        return file.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * SCALE)


def drawable(text: str) -> str:
    """Replace what the built-in font cannot draw; accents are taken off rather than lost."""
    kept = text.replace("→", "to")
    folded = (c if c.isascii() or c in "…·" else unicodedata.normalize("NFKD", c)[:1] for c in kept)
    return "".join(c if (c.isascii() and c.isprintable()) or c in "…·" else "?" for c in folded)
