"""Panels. Each says what it shows and what to do, has a unit, thresholds and a text for when there is
nothing: a test asks for them.
"""

from look import GREY, steps, words

# Which Prometheus, whoever imports the dashboard chooses.
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


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
