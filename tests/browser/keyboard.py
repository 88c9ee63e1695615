"""Somebody who has no mouse: keys only, counted, and what they see on the way."""

import time

from playwright.sync_api import Locator

from tests.browser.conftest import Person


class Keyboard:
    """The keys that a person presses: ``typed`` are the letters of their answers, ``moves`` all others, ``fields`` what they filled in."""

    def __init__(self, somebody: Person) -> None:
        self.somebody, self.page = somebody, somebody.page
        self.typed = self.moves = self.fields = 0
        self.began = time.monotonic()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.moves += 1

    def to(self, place: Locator) -> None:
        """Reach it from where one is with the key Tab alone, and see where one is."""
        for _press in range(60):
            self.press("Tab")
            if place.evaluate("it => it === document.activeElement"):
                outline = place.evaluate("it => getComputedStyle(it).outlineStyle + getComputedStyle(it).boxShadow")
                assert outline != "nonenone", f"nothing shows that one is at {place}"
                return
        raise AssertionError(f"the key Tab does not lead to {place}")

    def fill(self, place: Locator, text: str) -> None:
        self.to(place)
        self.page.keyboard.type(text)
        self.typed += len(text)
        self.fields += 1

    def tick(self, place: Locator) -> None:
        self.to(place)
        self.press("Space")
        self.fields += 1

    def send(self) -> None:
        """Enter, and look at what comes."""
        with self.page.expect_navigation():
            self.press("Enter")
        self.somebody.look()

    def follow(self, place: Locator) -> None:
        self.to(place)
        self.send()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def told(self, what: str) -> str:
        return f"{what}: {self.fields} fields, {self.typed} letters, {self.moves} other keys, {self.seconds:.0f} s"
