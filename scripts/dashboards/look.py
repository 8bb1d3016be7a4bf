"""How things look: one sign and one colour for each word, wherever it is shown, and what is too much."""

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
NO_YES = [("● no", GREEN), ("▲ yes", AMBER)]


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
