"""A server on this machine that answers like the public directory of companies, or fails as it may."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

SIRET, SEAT = "73282932000074", "73282932000082"
UNIT: dict[str, Any] = {
    "siren": "732829320",
    "nom_complet": "les ateliers du bocage (adb)",
    "nom_raison_sociale": "LES ATELIERS DU BOCAGE",
    "nature_juridique": "9220",
    "statut_diffusion": "O",
    "etat_administratif": "A",
    "tranche_effectif_salarie": "12",
    "activite_principale": "88.10C",
    "complements": {"est_ess": True, "type_siae": ["ACI"], "identifiant_association": "W611000001", "liste_idcc": ["1518"]},
    "siege": {
        "siret": SEAT,
        "etat_administratif": "A",
        "commune": "61145",
        "libelle_commune": "DOMFRONT EN POIRAIE",
        "adresse": "2 PLACE DU CHATEAU 61700 DOMFRONT EN POIRAIE",
        "liste_idcc": ["1518"],
    },
    "matching_etablissements": [
        {
            "siret": SIRET,
            "etat_administratif": "A",
            "commune": "61169",
            "adresse": "3 RUE DU LIN 61100 FLERS",
            "activite_principale": "88.10C",
            "liste_idcc": ["1518"],
            "statut_diffusion_etablissement": "O",
        }
    ],
}


def unit(place: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The association above, with something else about it or about its establishment."""
    return {**UNIT, **changes, "matching_etablissements": [{**UNIT["matching_etablissements"][0], **(place or {})}]}


class Directory(ThreadingHTTPServer):
    """Answers with ``results``, ``status`` and ``body``; notes what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.results: list[dict[str, Any]] = [UNIT]
        self.status, self.seconds = 200, 0.0
        self.body: bytes | None = None
        self.location = ""
        self.asked: list[str] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Who waits no longer hangs up: that is what the test is about."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Directory

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append(f"{parts.path} {parse_qs(parts.query)['q'][0]}")
        time.sleep(self.server.seconds)
        body = json.dumps({"results": self.server.results}).encode() if self.server.body is None else self.server.body
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server calls
        """Tests say nothing on the terminal."""


@contextmanager
def directory() -> Iterator[Directory]:
    server = Directory()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
