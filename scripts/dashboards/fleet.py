"""The fleet: is anything wrong, whose fault is it, what needs a person now, then everything else."""

from board import Board
from look import AMBER, GREEN, RED, STATUS, STATUS_NAMES, WEATHER, WEATHER_SEEN, renamed, steps, words
from panel import curve, lengths, rows, stat, states
from query import AROUND, RANGE, grown, quantile, state, top, total

HEALTHY = 'status="healthy"'
WATCHED = 'status=~"healthy|degraded|needs_reconnection"'


def tenants(labels="", by=()):
    return total("keypulse_tenants", labels, by, tuple(part for part in ("status", "cause") if part not in by))


def link(title, where):
    url = f"/d/keypulse-{where}?${{__url_time_range}}&${{datasource:queryparam}}&${{job:queryparam}}"
    return [{"title": title, "url": url, "targetBlank": False}]


def board():
    board = Board("fleet", "keypulse: fleet", "Is anything wrong, whose fault is it, what needs a person now, "
                  "and how soon are dead keys found and replaced?", "24h")
    at_a_glance(board)
    people(board)
    over_time(board)
    weather(board)
    episodes(board)
    funnel(board)
    return board


def at_a_glance(board):
    board.row("Is anything wrong, and whose fault is it?")
    dead = tenants('status="needs_reconnection"')
    board.add(stat("✖ Need reconnection", dead, "Customers whose key is dead for sure. Each was asked for a new "
                   "one, where customers are written to.", bounds=steps((1, RED)), decimals=0), 4, 4)
    board.add(stat("▲ Degraded", tenants('status="degraded"'), "Keys that were refused more than once and are "
                   "being confirmed, and those held because many fail together. Nobody is mailed about these.",
                   bounds=steps((1, AMBER)), decimals=0), 4, 4)
    share = f"{tenants(HEALTHY)} / clamp_min({tenants(WATCHED)}, 1)"
    board.add(stat("● Healthy", share, "Of all that are watched: healthy, degraded and in need of reconnection. "
                   "Paused, disabled and pending ones are not counted.", unit="percentunit",
                   bounds=steps((0.95, AMBER), (0.99, GREEN), first=RED), min=0, max=1, decimals=1), 4, 4)
    worst = f"max({state('keypulse_weather', 'state', WEATHER, ('class',))})"
    board.add(stat("Weather", worst, "What is believed of the provider, the worse of both classes. While it is "
                   "suspected or an incident, failures of that class are held and nobody is condemned.",
                   unit="none", mappings=words(WEATHER_SEEN), none="not known",
                   links=link("Provider and budget", "provider")), 4, 4)
    board.add(stat("Overdue", top("keypulse_overdue_seconds"), "How long the tenant that waits longest has been "
                   "due. Beyond the effective interval, dead keys are found late: see the dashboard of the daemon.",
                   unit="s", bounds=steps((60, AMBER), (900, RED)), links=link("Daemon", "daemon")), 4, 4)
    lost = total("keypulse_messages", 'state=~"dead|unknown"', parts=("channel", "stage", "state"))
    board.add(stat("Messages that did not arrive", lost, "Given up, or sent without anybody knowing whether they "
                   "arrived: keypulse messages list --state dead, and --state unknown.",
                   bounds=steps((1, RED)), decimals=0, links=link("Delivery", "delivery")), 4, 4)


def people(board):
    board.row("What needs a person first?")
    lost = total("keypulse_messages", 'channel="mail",state=~"dead|unknown"', parts=("channel", "stage", "state"))
    given_up = total("keypulse_messages", 'channel!="mail",state="dead"', parts=("channel", "stage", "state"))
    late = total("keypulse_handovers", 'state=~"late|without_recipient"', parts=("state",))
    board.add(rows("First to last; what stands at 0 needs nobody", [
        ("leaked keys that still have power at the provider", top("keypulse_deletions_wanted"),
         "delete them there, then keypulse tenant confirm-deleted REF"),
        ("classes of failure with an incident of the provider", total("keypulse_weather", 'state="incident"', parts=("class",)),
         "keypulse weather show; ask the provider; it ends by itself"),
        ("customers whose key is dead", tenants('status="needs_reconnection"'),
         "keypulse tenant list --status needs_reconnection; many at once: ask the provider first"),
        ("new keys that the integration has not fetched in time", late,
         "keypulse handover list; the integration goes on with dead keys"),
        ("mails that did not arrive, or may not have", lost,
         "keypulse messages list --state dead; then --state unknown"),
        ("messages to the integration or on-call that were given up", given_up,
         "keypulse messages list --state dead; keypulse webhook replay"),
        ("endpoints of the integration that are switched off", top("keypulse_webhook_endpoints_off"),
         "keypulse webhook list says why; keypulse webhook enable"),
        ("tenants whose key differs from the one that the integration uses", top("keypulse_tenants_out_of_step"),
         "keypulse tenant list --status degraded --cause out_of_step"),
        ("canaries that are refused", top("keypulse_canary", 'finding="refused"'),
         "if others are accepted, give it another key: canary.key_file"),
        ("processes configured for another notify.mode than is in force", top("keypulse_notify_mode_differs"),
         "correct the configuration; in a pilot by label it is meant so"),
        ("keys in doubt", tenants('status="degraded"'),
         "nothing yet: they are asked again until it is known whose fault it is"),
    ], "Counts of now, in the order in which they are worth getting up for, each with the command to begin with.",
        "keypulse is not scraped", steps((1, AMBER))), 24, 11)


def over_time(board):
    board.row("How has it been?")
    board.add(curve("Tenants by status", [(tenants(by=("status",)), "{{status}}")],
                    "Everybody, by what is believed of them.", none="keypulse is not scraped", stacked=True,
                    overrides=STATUS_NAMES, decimals=0), 12, 8)
    board.add(curve("Failing tenants by cause",
                    [(tenants('status=~"degraded|needs_reconnection",cause!=""', by=("status", "cause")),
                      "{{status}}: {{cause}}")],
                    "Those who are degraded or need reconnection. Many with one cause at the same time: ask the "
                    "provider before the customers.", none="nobody fails", decimals=0), 12, 8)
    changes = grown("keypulse_status_changes_total", by=("status",), window=AROUND)
    board.add(curve("Changes of status", [(changes, "{{status}}")], "How many tenants entered each status, around "
                    "each moment. Red without green afterwards: keys die and are not replaced.", bars=True,
                    stacked=True, overrides=STATUS_NAMES), 12, 8)
    share = f"{tenants(HEALTHY)} / clamp_min({tenants(WATCHED)}, 1)"
    board.add(curve("Share that is healthy", [(share, "healthy")], "Of those that are watched.",
                    unit="percentunit", bounds=steps((0.99, GREEN), first=AMBER), max=1,
                    overrides=[renamed("healthy", *STATUS["healthy"])]), 12, 8)


def weather(board):
    board.row("Provider or customer?")
    seen = state("keypulse_weather", "state", WEATHER, ("class",))
    board.add(states("Weather", [(seen, "{{class}}")], "What is believed of the provider: refused (it says "
                     "something against keys) and silent (no usable answer).", WEATHER_SEEN), 12, 6)
    held = top("keypulse_held_tenants", by=("class",))
    board.add(curve("Tenants whose failures are held", [(held, "{{class}}")], "They fail together with many "
                    "others: nobody is told, and a sample is asked for all. It falls once the provider is well.",
                    none="nobody is held", decimals=0), 12, 6)


def episodes(board):
    board.row("Episodes: how many dead keys, and how do they end?")
    board.add(curve("Open episodes", [(top("keypulse_episodes_open", by=("cause",)), "{{cause}}")],
                    "From the first conclusive failure of a key to its end. It rises for good where customers do "
                    "not give new keys.", none="none is open", stacked=True, decimals=0), 12, 8)
    opened = grown("keypulse_episodes_opened_total", window=AROUND)
    closed = grown("keypulse_episodes_closed_total", by=("cause",), window=AROUND)
    board.add(curve("Opened and closed", [(opened, "opened"), (closed, "closed: {{cause}}")],
                    "How many began and ended, around each moment.", bars=True,
                    overrides=[renamed("opened", colour=RED)]), 12, 8)


def funnel(board):
    board.row("Repair: how long until a dead key is replaced?")
    board.add(lengths("How far they came", [
        (grown("keypulse_episodes_opened_total"), "1. in doubt"),
        (grown("keypulse_time_to_detect_seconds_count"), "2. judged dead"),
        (grown("keypulse_time_to_tell_seconds_count"), "3. customer written to"),
        (grown("keypulse_time_to_open_seconds_count"), "4. page opened"),
        (grown("keypulse_time_to_reconnect_seconds_count"), "5. accepted again"),
    ], "In the time that is looked at. Fewer written to than judged dead: no address, or mail waits. Fewer pages "
       "than mails: the mail is not believed or not seen. Some come back without a page. Who had a key disabled is written to as well.", decimals=0), 8, 8)
    measures = [
        ("to be sure", "keypulse_time_to_detect_seconds",
         "From the first failure of a key until it was judged dead. A quarter of an hour is usual; where nothing "
         "can be compared it takes an hour.", steps((900, AMBER), (3700, RED))),
        ("to write", "keypulse_time_to_tell_seconds",
         "From the judgement until the relay took the first mail. Mail waits for the customer's morning where "
         "customers.first_waits is set.", steps((300, AMBER), (43200, RED))),
        ("to open the page", "keypulse_time_to_open_seconds",
         "From the first mail until the customer opened the page.", steps((86400, AMBER), (259200, RED))),
        ("to be connected again", "keypulse_time_to_reconnect_seconds",
         "From the judgement until a key was accepted again.", steps((86400, AMBER), (259200, RED))),
    ]
    for title, metric, about, bounds in measures:
        queries = [(quantile(0.5, metric, RANGE), "half of them"), (quantile(0.9, metric, RANGE), "nine of ten")]
        board.add(stat(f"Time {title}", queries, about, unit="s", none="none in this time", bounds=bounds), 4, 8)
