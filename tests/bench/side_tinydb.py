"""Stock TinyDB in its own JSON file: the metadata alone, no artifact, no history."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from tinydb import TinyDB, where

from tests.bench.catalogue import TEAMS, document, filled, model_name
from tests.bench.worker import serve

PLACE = Path(sys.argv[1])
FILLED = int(sys.argv[2])


def main() -> None:
    """Serve a table of versions."""
    db = TinyDB(PLACE / "stock.json")
    table = db.table("versions")

    def fill() -> int:
        return len(table.insert_multiple(document(number) for number in range(FILLED)))

    def search(key: str, value: str) -> int:
        condition = where("tags").team == value if key == "team" else where(key) == value
        return len(table.search(condition))

    serve({
        "fill": lambda _: fill,
        "register alone": lambda n: partial(table.insert, document(FILLED + n)),
        "lookup": lambda n: partial(table.get, where("ref") == "{}/{}".format(*filled(n * 37 % FILLED))),
        "alias": lambda n: partial(table.update, {"aliases": ["champion"]}, doc_ids=[n % 2 + 1]),
        "stage": lambda n: partial(table.update, {"stage": "Production"}, doc_ids=[n % 2 + 1]),
        "search name": lambda n: partial(search, "name", model_name(n * 50 % FILLED)),
        "search tag": lambda n: partial(search, "team", f"team-{n % TEAMS:03d}"),
    })  # fmt: skip


if __name__ == "__main__":
    main()
