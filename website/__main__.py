"""Builds the site and says how large it is: ``python -m website build/docs``. A warning of Sphinx's is an error."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LEFT_OVER = (".buildinfo", "objects.inv", "_static/debug.css")


def main() -> int:
    """Return 0 when all pages were built without a warning."""
    out = Path(sys.argv[1]).resolve()
    shutil.rmtree(out, ignore_errors=True)
    strict = ["--quiet", "--fail-on-warning", "--keep-going", "--fresh-env"]
    command = [sys.executable, "-m", "sphinx", "--builder", "site", *strict, "--conf-dir", str(ROOT / "website")]
    command += ["--doctree-dir", str(out.with_name(f"{out.name}-doctrees")), str(ROOT), str(out)]
    if done := subprocess.run(command, check=False).returncode:
        return done
    for name in _LEFT_OVER:
        (out / name).unlink(missing_ok=True)
    files = [file for file in out.rglob("*") if file.is_file()]
    pages = sum(file.suffix == ".html" for file in files)
    size_mb = sum(file.stat().st_size for file in files) / 1e6
    sys.stdout.write(f"{pages} pages in {out}, {len(files)} files, {size_mb:.1f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
