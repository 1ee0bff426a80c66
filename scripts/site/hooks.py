"""What MkDocs does not do by itself: navigation from the folders, and links to files outside of docs/."""

import posixpath
import re
from pathlib import Path

# Reading order; a folder that is not named here comes last.
ORDER = ["getting-started", "guides", "reference", "concepts", "operations", "contributing"]


def on_config(config):
    docs = Path(config["docs_dir"])
    pages = sorted(page.relative_to(docs) for page in docs.rglob("*.md") if page.name != "README.md")
    folders = sorted({page.parts[0] for page in pages}, key=lambda name: (ORDER + [name]).index(name))

    def section(folder):
        inside = [page for page in pages if page.parent == folder]
        below = sorted({page.parent for page in pages if page.parent.parent == folder})
        return [str(page) for page in inside] + [{title(sub.name): section(sub)} for sub in below]

    config["nav"] = [{"Home": "README.md"}, *({title(name): section(Path(name))} for name in folders)]
    return config


def title(folder):
    return folder.replace("-", " ").capitalize()


def on_page_markdown(markdown, page, config, **_):
    """Links to files of the repository outside of docs/ lead to the repository."""
    folder = posixpath.join("docs", posixpath.dirname(page.file.src_uri))

    def absolute(match):
        path = posixpath.normpath(posixpath.join(folder, match[1]))
        if path.startswith("docs/"):
            return match[0]
        return f"]({config['repo_url']}/blob/main/{path}{match[2] or ''})"

    return re.sub(r"\]\((\.\./[^)#\s]+)(#[^)\s]+)?\)", absolute, markdown)
