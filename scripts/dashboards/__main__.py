"""Writes the dashboards anew, or shows one as text.

    python3 scripts/dashboards                  writes dashboards/grafana/*.json
    python3 scripts/dashboards --out DIR        writes them elsewhere
    python3 scripts/dashboards --show http://127.0.0.1:9090 fleet

What is committed in dashboards/grafana/ is what people import; a test holds it against this. Change a
dashboard here, write it anew, and commit both.
"""

import argparse
import json
import pathlib
import sys

sys.dont_write_bytecode = True

import daemon  # noqa: E402
import delivery  # noqa: E402
import fleet  # noqa: E402
import provider  # noqa: E402
from show import show  # noqa: E402

BOARDS = {"fleet": fleet, "provider": provider, "delivery": delivery, "daemon": daemon}


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in BOARDS.items():
        text = json.dumps(module.board().json(), indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("board", nargs="?", choices=BOARDS, default="fleet", help="which one to show")
    parser.add_argument("--out", metavar="DIR", type=pathlib.Path, default=root / "dashboards" / "grafana")
    parser.add_argument("--show", metavar="URL", help="address of the Prometheus that scrapes keypulse")
    parser.add_argument("--job", default="keypulse", help="under which it does; keypulse")
    parser.add_argument("--around", default="1m", help="time of a rate: four scrapes; 1m")
    parser.add_argument("--since", help="time of what is counted up, such as 1h; that of the dashboard")
    given = parser.parse_args()
    if given.show:
        sys.stdout.reconfigure(encoding="utf-8")
        show(BOARDS[given.board].board().json(), given.show, given.job, given.around, given.since)
    else:
        write(given.out)


main()
