"""MkDocs hooks: navigation in the order of the index, and links to files outside docs/."""

import posixpath
import re
from pathlib import Path

def on_config(config):
    """Sets the navigation: folders and pages in the order of the index, docs/README.md; other pages come last."""
    docs = Path(config["docs_dir"])
    index = (docs / "README.md").read_text()

    def place(page):
        found = index.find(f"({page})")
        return (found if found >= 0 else len(index), str(page))

    pages = sorted((page.relative_to(docs) for page in docs.rglob("*.md") if page.name != "README.md"), key=place)
    folders = list(dict.fromkeys(page.parts[0] for page in pages))

    def section(folder):
        inside = [page for page in pages if page.parent == folder]
        below = sorted({page.parent for page in pages if page.parent.parent == folder})
        return [str(page) for page in inside] + [{title(sub.name): section(sub)} for sub in below]

    config["nav"] = [{"Home": "README.md"}, *({title(name): section(Path(name))} for name in folders)]
    return config


def title(folder):
    return folder.replace("-", " ").capitalize()


def heading(page):
    return next(line[2:].strip() for line in page.read_text().splitlines() if line.startswith("# "))


def on_page_markdown(markdown, page, config, **_):
    """Replaces file names in links with the page's title; links to files outside docs/ lead to the repository."""
    here = posixpath.dirname(page.file.src_uri)
    folder = posixpath.join("docs", here)

    def named(match):
        target = Path(config["docs_dir"], here, match[1])
        return f"[{heading(target)}]({match[1]}" if target.is_file() else match[0]

    markdown = re.sub(r"\[[\w-]+\.md\]\(([^)#\s]+\.md)", named, markdown)

    def absolute(match):
        path = posixpath.normpath(posixpath.join(folder, match[1]))
        if path.startswith("docs/"):
            return match[0]
        return f"]({config['repo_url']}/blob/main/{path}{match[2] or ''})"

    return re.sub(r"\]\((\.\./[^)#\s]+)(#[^)\s]+)?\)", absolute, markdown)
