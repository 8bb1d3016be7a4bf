"""A dashboard as text, for whoever has a Prometheus at hand and no Grafana: what each panel would show now."""

import json
import math
import re
import urllib.parse
import urllib.request


def show(board, prometheus, job, around, since):
    ask = _Prometheus(prometheus, {"$job": job, "$instance": ".*", "$__rate_interval": around,
                                   "$__range": since or board["time"]["from"].removeprefix("now-")})
    print(board["title"])
    for panel in board["panels"]:
        if panel["type"] == "row":
            print(f"\n{panel['title']}")
        elif panel["type"] == "table":
            _rows(panel, ask)
        else:
            values = [text for target in panel["targets"] for text in _values(panel, target, ask)]
            shown = " · ".join(values) or panel["fieldConfig"]["defaults"]["noValue"]
            print(f"  {panel['title']:<44} {shown}")


class _Prometheus:
    def __init__(self, url, variables):
        self.url, self.variables = url.rstrip("/"), variables

    def __call__(self, query):
        for name, value in self.variables.items():
            query = query.replace(name, value)
        form = urllib.parse.urlencode({"query": query}).encode()
        with urllib.request.urlopen(f"{self.url}/api/v1/query", form, timeout=30) as answer:
            return json.load(answer)["data"]["result"]


def _rows(panel, ask):
    found = sorted(ask(panel["targets"][0]["expr"]), key=lambda one: one["metric"]["place"])
    for one in found:
        count = _plain(float(one["value"][1]))
        print(f"  {count:>6}  {one['metric']['what']}")
        if count != "0":
            print(f"          {one['metric']['act']}")


def _values(panel, target, ask):
    """What is not 0, where there are many; one series alone without its name."""
    named = []
    for one in ask(target["expr"]):
        name = re.sub(r"{{(\w+)}}", lambda label: one["metric"].get(label[1], ""), target["legendFormat"])
        named.append((_name(panel, name), float(one["value"][1])))
    named.sort()
    alone = len(named) == 1 and len(panel["targets"]) == 1
    if alone and panel["type"] == "stat" and "{{" not in target["legendFormat"]:
        return [_shown(panel, named[0][1])]
    words = panel["type"] == "state-timeline"
    kept = [(name, value) for name, value in named if value != 0 or words or len(named) == 1]
    return [f"{name} {_shown(panel, value)}" for name, value in kept] or (["all 0"] if named else [])


def _name(panel, name):
    for one in panel["fieldConfig"]["overrides"]:
        if one["matcher"]["options"] == name:
            for each in one["properties"]:
                if each["id"] == "displayName":
                    return each["value"]
    return name


def _shown(panel, value):
    defaults = panel["fieldConfig"]["defaults"]
    for mapping in defaults["mappings"]:
        if _plain(value) in mapping["options"]:
            return mapping["options"][_plain(value)]["text"]
    unit = defaults["unit"]
    if unit == "s":
        return _time(value)
    if unit == "percentunit":
        return f"{100 * value:.1f} %"
    if unit in ("cps", "reqps"):
        return f"{_plain(value)}/s"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MiB"
    return _plain(round(value) if defaults.get("decimals") == 0 else value)


def _time(value):
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if value >= 2 * size:
            return f"{value / size:.0f} {unit}"
    return f"{value:.3g} s" if value >= 1 or value == 0 else f"{1000 * value:.0f} ms"


def _plain(value):
    if not math.isfinite(value):
        return str(value)
    return f"{value:.2f}".rstrip("0").rstrip(".")
