"""Reading a page as a browser does: the forms that it shows, and what each of them would send."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser


@dataclass
class ShownForm:
    """A form of a page, with what each of its controls holds. Choices holds every value that a list or a set of boxes offers."""

    action: str
    values: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)

    def filled(self, **answers: object) -> dict[str, list[str]]:
        """What the browser sends when these controls are changed by hand and the others left as they are."""
        typed = {name: [str(one) for one in (value if isinstance(value, list) else [value])] for name, value in answers.items()}
        return self.values | typed


class FormReader(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[ShownForm] = []
        self.inside = False
        self.name = ""
        self.text: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "form":
            self.forms.append(ShownForm(given.get("action", "")))
            self.inside = True
        elif self.inside:
            self.take(tag, given)

    def take(self, tag: str, given: dict[str, str]) -> None:
        form, name = self.forms[-1], given.get("name", "")
        if tag == "input" and name:
            boxed = given.get("type") in {"radio", "checkbox"}
            value = given.get("value", "on" if boxed else "")
            form.choices.setdefault(name, []).extend([value] if boxed else [])
            if not boxed or "checked" in given:
                form.values.setdefault(name, []).append(value)
        elif tag == "select":
            self.name = name
        elif tag == "option" and self.name:
            form.choices.setdefault(self.name, []).append(given.get("value", ""))
            if "selected" in given:
                form.values.setdefault(self.name, []).append(given.get("value", ""))
        elif tag == "textarea":
            self.name, self.text = name, []

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "select" and self.name:
            form = self.forms[-1]
            # A browser shows, and sends, the first option when none is chosen.
            form.values.setdefault(self.name, form.choices.get(self.name, [])[:1])
            self.name = ""
        elif tag == "textarea" and self.text is not None:
            self.forms[-1].values[self.name] = ["".join(self.text).removeprefix("\r\n").removeprefix("\n")]
            self.name, self.text = "", None


def forms(page: str) -> list[ShownForm]:
    """The forms of a page, in their order."""
    reader = FormReader()
    reader.feed(page)
    return reader.forms


def words(page: str) -> str:
    """What a person reads: no tags, no entities, ordinary spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).replace("\u00a0", " ").split())


def heading(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    return words(found[1]) if found else ""
