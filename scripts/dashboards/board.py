"""One dashboard: variables, annotations, links, and rows of panels."""

from look import AMBER, BLUE, RED
from panel import DATASOURCE
from query import AROUND, series, top


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
