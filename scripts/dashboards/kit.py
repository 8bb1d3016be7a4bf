"""What the dashboards have in common: variables, annotations, links, panels and their order.

Every panel says what it shows and what to do, has a unit, thresholds and a text for when there is
nothing; a test asks for them.
"""

from query import AROUND, series, top

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

GREEN, AMBER, RED = "#3f9b52", "#e0a100", "#d1392b"
GREY, DARK, BLUE = "#9aa2ad", "#4d5563", "#3b7ddd"

# The words of a status, with the one sign and colour that each has wherever it is shown.
STATUS = {
    "healthy": ("● healthy", GREEN),
    "degraded": ("▲ degraded", AMBER),
    "needs_reconnection": ("✖ needs reconnection", RED),
    "paused": ("‖ paused", GREY),
    "disabled": ("⊘ disabled", DARK),
    "pending": ("○ pending", BLUE),
}
WEATHER = ["clear", "unknown", "suspected", "incident"]
WEATHER_SEEN = [("● clear", GREEN), ("○ unknown", BLUE), ("▲ suspected", AMBER), ("✖ incident", RED)]


def words(seen):
    """Numbers that stand for words: from 0, each with its word and colour."""
    options = {
        str(number): {"text": text, "color": colour, "index": number}
        for number, (text, colour) in enumerate(seen)
    }
    return [{"type": "value", "options": options}]


def steps(*bounds, first=GREEN):
    """Thresholds: `steps((1, AMBER), (5, RED))` is green below 1. None at all is grey, for what only is."""
    each = [{"color": first if bounds else GREY, "value": None}]
    each += [{"color": colour, "value": value} for value, colour in bounds]
    return {"mode": "absolute", "steps": each}


def renamed(name, text=None, colour=None):
    """How one series is called and coloured."""
    properties = []
    if text:
        properties.append({"id": "displayName", "value": text})
    if colour:
        properties.append({"id": "color", "value": {"mode": "fixed", "fixedColor": colour}})
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


STATUS_NAMES = [renamed(word, *seen) for word, seen in STATUS.items()]


def _targets(queries, instant, table=False):
    targets = []
    for number, (expr, legend) in enumerate(queries):
        targets.append({
            "refId": chr(ord("A") + number),
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": expr,
            "format": "table" if table else "time_series",
            "instant": instant,
            "range": not instant,
            "legendFormat": legend,
        })
    return targets


def _panel(kind, title, queries, about, unit, none, bounds, instant=False, **more):
    defaults = {
        "unit": unit,
        "noValue": none,
        "thresholds": bounds or steps(),
        "color": {"mode": more.get("colours", "thresholds")},
        "mappings": more.get("mappings", []),
        "custom": more.get("custom", {}),
    }
    for name in ("min", "max", "decimals", "links"):
        if name in more:
            defaults[name] = more[name]
    panel = {
        "type": kind,
        "title": title,
        "description": about,
        "datasource": DATASOURCE,
        "targets": _targets(queries, instant, kind == "table"),
        "fieldConfig": {"defaults": defaults, "overrides": more.get("overrides", [])},
        "options": more["options"],
    }
    if "transformations" in more:
        panel["transformations"] = more["transformations"]
    return panel


def _reduce(calc="lastNotNull"):
    return {"calcs": [calc], "fields": "", "values": False}


def stat(title, expr, about, unit="short", none="nothing yet", bounds=None, legend=None, instant=True, **more):
    """One number. `legend` is its name where the panel's title does not say it."""
    options = {
        "colorMode": "background" if bounds or "mappings" in more else "none",
        "graphMode": "none" if instant else "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": _reduce(),
        "showPercentChange": False,
        "textMode": "value_and_name" if legend else "value",
        "wideLayout": True,
    }
    queries = expr if isinstance(expr, list) else [(expr, legend or title)]
    if isinstance(expr, list):
        options["textMode"] = "value_and_name"
    return _panel("stat", title, queries, about, unit, none, bounds, instant, options=options, **more)


def curve(title, queries, about, unit="short", none="nothing in this time", bounds=None, stacked=False,
          bars=False, **more):
    """What it was over time. Thresholds are drawn as lines where there are any."""
    custom = {
        "drawStyle": "bars" if bars else "line",
        "lineInterpolation": "stepAfter" if stacked or more.pop("stepped", False) else "linear",
        "lineWidth": 1,
        "fillOpacity": 60 if stacked or bars else 0,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if bounds else "off"},
        "axisPlacement": "auto",
        "axisSoftMin": 0,
    }
    options = {
        "legend": {"displayMode": "table", "placement": "right", "showLegend": True,
                   "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return _panel("timeseries", title, queries, about, unit, none, bounds, custom=custom, options=options,
                  colours="palette-classic-by-name", min=0, **more)


def states(title, queries, about, seen, none="not known"):
    """Which of a few words was true when; the numbers of the queries are their places."""
    options = {
        "alignValue": "left",
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "auto",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return _panel("state-timeline", title, queries, about, "none", none, steps(first=GREY),
                  mappings=words(seen), custom={"fillOpacity": 80, "lineWidth": 0}, options=options)


def lengths(title, queries, about, unit="short", none="none in this time", bounds=None, **more):
    """A few numbers beside each other, as bars."""
    options = {
        "displayMode": "basic",
        "maxVizHeight": 300,
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "left",
        "orientation": "horizontal",
        "reduceOptions": _reduce(),
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "color",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
    }
    return _panel("bargauge", title, queries, about, unit, none, bounds, instant=True, min=0,
                  options=options, **more)


def rows(title, items, about, none, bounds):
    """A list whose rows are always there: `(what, query, what to do)`, the most urgent first."""
    each = []
    for number, (what, query, act) in enumerate(items):
        for label, text in (("place", f"{number + 1:02}"), ("what", what), ("act", act)):
            query = f'label_replace({query}, "{label}", "{text}", "", "")'
        each.append(query)
    return _panel(
        "table", title, [("\nor ".join(each), "")], about, "short", none, bounds, instant=True,
        decimals=0,
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False},
        options={"cellHeight": "sm", "frameIndex": 0, "showHeader": True},
        transformations=[
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "place", "desc": False}]}},
            {"id": "organize", "options": {
                "excludeByName": {"Time": True, "place": True},
                "indexByName": {"Value": 0, "what": 1, "act": 2},
                "renameByName": {"Value": "how many", "what": "what", "act": "what to do"},
            }},
        ],
        overrides=[{"matcher": {"id": "byName", "options": "how many"}, "properties": [
            {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}},
            {"id": "custom.align", "value": "right"},
            {"id": "custom.width", "value": 110},
        ]}])


def _query_variable(name, label, query, about, several):
    variable = {
        "type": "query",
        "name": name,
        "label": label,
        "description": about,
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": "Variable"},
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "includeAll": several,
        "multi": several,
        "options": [],
    }
    if several:
        variable["allValue"] = ".*"
        variable["current"] = {"text": ["All"], "value": ["$__all"]}
    return variable


def _annotation(name, colour, expr, title, text, tags):
    return {
        "name": name,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "datasource": DATASOURCE,
        # Older Grafanas read the query here, newer ones in `target`.
        "expr": expr,
        "step": "60s",
        "target": {"expr": expr, "interval": "60s", "refId": "Anno"},
        "titleFormat": title,
        "textFormat": text,
        "tagKeys": tags,
        "useValueForTime": False,
    }


class Board:
    """One dashboard: rows of panels, laid out from left to right and from top to bottom."""

    def __init__(self, name, title, about, since, by_instance=False):
        self.name, self.title, self.about, self.since = name, title, about, since
        self.by_instance = by_instance
        self.panels, self.x, self.y, self.tallest = [], 0, 0, 0

    def row(self, title):
        self._next_line()
        self._put({"type": "row", "title": title, "collapsed": False, "panels": []}, 24, 1)
        self._next_line()

    def add(self, panel, width, height):
        if self.x + width > 24:
            self._next_line()
        self._put(panel, width, height)

    def _next_line(self):
        self.x, self.y, self.tallest = 0, self.y + self.tallest, 0

    def _put(self, panel, width, height):
        place = {"x": self.x, "y": self.y, "w": width, "h": height}
        self.panels.append({"id": len(self.panels) + 1, **panel, "gridPos": place})
        self.x, self.tallest = self.x + width, max(self.tallest, height)

    def json(self):
        return {
            "uid": f"keypulse-{self.name}",
            "title": self.title,
            "description": self.about,
            "tags": ["keypulse"],
            "schemaVersion": 39,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "timezone": "browser",
            "refresh": "1m",
            "time": {"from": f"now-{self.since}", "to": "now"},
            "links": self._links(),
            "annotations": {"list": self._annotations()},
            "templating": {"list": self._variables()},
            "panels": self.panels,
        }

    def _links(self):
        plain = {"asDropdown": False, "icon": "external link", "includeVars": True, "keepTime": True,
                 "tags": ["keypulse"], "targetBlank": False, "tooltip": "The other dashboards of keypulse",
                 "type": "dashboards", "title": "keypulse", "url": ""}
        console = {**plain, "type": "link", "title": "Console", "url": "${console}", "tags": [],
                   "includeVars": False, "keepTime": False, "targetBlank": True,
                   "tooltip": "Who it is, why, and what was told to whom; where the variable Console says"}
        return [plain, console]

    def _annotations(self):
        started = f"(time() - {series('process_start_time_seconds')}) < 120"
        judged = series("keypulse_status_changes_total", 'status="needs_reconnection"')
        weather = top("keypulse_weather", 'state=~"suspected|incident"', ("class", "state"))
        return [
            _annotation("Keys judged dead", RED, f"sum(increase({judged}[{AROUND}])) > 0",
                        "Keys were judged dead", "keypulse tenant list --status needs_reconnection", ""),
            _annotation("Bad weather", AMBER, f"{weather} == 1", "Weather: {{state}} ({{class}})",
                        "Failures of this class are held; keypulse weather show", "class,state"),
            _annotation("Daemon started", BLUE, started, "keypulse was started", "on {{instance}}", "instance"),
        ]

    def _variables(self):
        each = [
            {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus",
             "description": "The Prometheus that scrapes keypulse", "refresh": 1, "hide": 0,
             "includeAll": False, "multi": False, "options": [], "regex": ""},
            _query_variable("job", "Installation", "label_values(keypulse_build_info, job)",
                            "The job under which all processes of one database are scraped", False),
        ]
        if self.by_instance:
            each.append(_query_variable(
                "instance", "Process", 'label_values(keypulse_build_info{job="$job"}, instance)',
                "One process, several, or all", True))
        empty = {"selected": True, "text": "", "value": ""}
        each.append({"type": "textbox", "name": "console", "label": "Console", "query": "", "hide": 0,
                     "description": "Address of keypulse's console, for the link above; may stay empty",
                     "current": empty, "options": [empty]})
        return each
