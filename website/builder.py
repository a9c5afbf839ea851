"""What Sphinx does otherwise here: where pages stand in the site, diagrams, contents, the player."""

import posixpath
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.writers.html5 import HTML5Translator

from website import pages, player
from website.diagrams import picture

_LOST = "there is no picture of this diagram yet: python -m website.diagrams"


class Translator(HTML5Translator):  # type: ignore[misc] # Sphinx is not where mypy runs
    """Lets a browser show a file that is no page, such as a transcript, rather than save it."""

    def visit_download_reference(self, node: Any) -> None:
        """Open the link; what follows its words is Sphinx's own."""
        if "filename" in node:
            href = posixpath.join(self.builder.dlpath, node["filename"])
            self.body.append(self.starttag(node, "a", "", CLASS="reference internal", href=href))
            self.context.append("</a>")
        else:
            self.context.append("")


class Builder(StandaloneHTMLBuilder):  # type: ignore[misc] # as above
    """Puts each page where ``pages.place`` says; the search finds it there."""

    name = "site"
    default_translator_class = Translator

    copysource = False

    def get_output_path(self, page_name: str, /) -> Any:
        """Return the file of a page."""
        return super().get_output_path(pages.place(page_name))

    def get_target_uri(self, docname: str, typ: str | None = None) -> Any:
        """Return where a page is linked."""
        return super().get_target_uri(pages.place(docname), typ)

    def load_indexer(self, docnames: Any) -> None:  # noqa: ARG002 - as Sphinx calls it
        """Keep every page in the index: it is written anew, and Sphinx would look for pages by their other names."""
        self.indexer.prune = lambda _: None

    def index_page(self, pagename: str, doctree: Any, title: str) -> None:
        """Let a page be found by the search."""
        super().index_page(pages.place(pagename), doctree, title)


class Diagram(Directive):  # type: ignore[misc] # as above
    """A diagram: the picture of it that is in the repository."""

    has_content = True

    def run(self) -> list[Any]:
        """Return the picture; a diagram without one ends the build."""
        file = picture("\n".join(self.content))
        if not file.exists():
            raise self.error(_LOST)
        node = nodes.image(uri=f"/website/diagrams/{file.name}", alt="A diagram; its words are in the page's source")
        node["classes"] = ["diagram"]
        return [node]


def _add(app: Sphinx, page: str, source: list[str]) -> None:
    """Put a page's contents below it, and the player into the page that has one."""
    every = sorted(app.env.found_docs)
    if page == player.PAGE:
        source[0] = player.put_into(source[0], app.srcdir)
    source[0] += pages.contents(page, source[0], every)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of all this."""
    app.add_builder(Builder)
    app.add_directive("mermaid", Diagram)
    app.connect("source-read", _add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
