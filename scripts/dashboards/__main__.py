"""Writes the dashboards anew: `python3 scripts/dashboards`, or `--out DIR` to write them elsewhere.

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


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=root / "dashboards" / "grafana")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in (
        ("fleet", fleet),
        ("provider", provider),
        ("delivery", delivery),
        ("daemon", daemon),
    ):
        text = json.dumps(module.board().json(), indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


main()
