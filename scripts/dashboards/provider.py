"""The provider and the budget: does it answer, what does it say, and is there room for our calls?"""

from board import Board
from look import AMBER, BLUE, GREEN, GREY, RED, WEATHER, WEATHER_SEEN, renamed, steps, words
from panel import curve, stat, states
from query import AROUND, grown, quantile, quantiles, rate, state, top

CANARY = ["none", "accepted", "refused", "silent"]
CANARY_SEEN = [("– none", GREY), ("● accepted", GREEN), ("✖ refused", RED), ("▲ silent", AMBER)]
SAYS_NOTHING = 'evidence!~"accepted|rejected|disconnected|permission_lost|wrong_company"'
# A tenth of the calls is more than single cases make.
DOUBTFUL = steps((0.1, AMBER), (0.5, RED))


def board():
    board = Board("provider", "keypulse: provider and budget", "Does the provider answer, what does it say, and "
                  "is there room in its limit for the calls that are to be made?", "6h")
    fault(board)
    answers(board)
    speed(board)
    budget(board)
    interval(board)
    return board


def fault(board):
    board.row("Is it the provider?")
    seen = state("keypulse_weather", "state", WEATHER, ("class",))
    board.add(states("Weather", [(seen, "{{class}}")], "What is believed of the provider, by class of failure: "
                     "refused (something is said against keys), silent (no usable answer).", WEATHER_SEEN), 12, 5)
    canary = state("keypulse_canary", "finding", CANARY)
    board.add(stat("Canary", canary, "What the key of your own company was last found to be. Refused while others "
                   "are accepted: give it another key.", unit="none", mappings=words(CANARY_SEEN)), 4, 5)
    silent = f"{rate('keypulse_checks_total', SAYS_NOTHING)} / clamp_min({rate('keypulse_checks_total')}, 0.001)"
    board.add(stat("Checks that say nothing of a key", silent, "The provider failed, or was not reached, or our "
                   "own request was at fault. Never held against a customer.", unit="percentunit",
                   bounds=DOUBTFUL, instant=False, min=0, max=1, decimals=1), 4, 5)
    board.add(stat("Tenants held", f"sum({top('keypulse_held_tenants', by=('class',))})", "Their failures are held "
                   "because many fail together.", bounds=steps((1, AMBER)), decimals=0, instant=False), 4, 5)


def answers(board):
    board.row("What does it say?")
    board.add(curve("Checks by finding", [(rate("keypulse_checks_total", by=("evidence",)), "{{evidence}}")],
                    "Only rejected, disconnected, permission_lost and wrong_company are ever held against a key. "
                    "other_client, our_request, unknown_resource, key_unavailable: your own configuration.",
                    unit="cps", stacked=True, overrides=[renamed("accepted", colour=GREEN),
                                                         renamed("rejected", colour=RED)]), 12, 9)
    board.add(curve("Calls by answer", [(rate("keypulse_calls_total", by=("answer",)), "{{answer}}")],
                    "Classes of status as the provider answered, 401, 403 and 429 apart; none: no answer came.",
                    unit="cps", stacked=True, overrides=[renamed("2xx", colour=GREEN),
                                                         renamed("401", colour=RED),
                                                         renamed("429", colour=AMBER)]), 12, 9)
    board.add(curve("Calls by kind", [(rate("keypulse_calls_total", by=("call",)), "{{call}}")],
                    "Which of the provider's calls are made; most checks need only the first.", unit="cps"), 12, 7)
    why = grown("keypulse_calls_refused_total", by=("why",), window=AROUND)
    board.add(curve("Calls not made because of a revocation", [(why, "{{why}}")], "revoked and dropped: a few after "
                    "a key was disabled are right. unread: revocations cannot be read, look at the database.",
                    bars=True), 12, 7)


def speed(board):
    board.row("How fast is it?")
    board.add(curve("Duration of calls", quantiles("keypulse_call_duration_seconds"), "From the start of a call "
                    "to its answer, or to giving it up after provider.timeout.", unit="s",
                    bounds=steps((2.5, AMBER), (10, RED))), 12, 8)
    board.add(curve("Duration of checks", quantiles("keypulse_check_duration_seconds"), "From the first call of a "
                    "check to its finding; later calls of a check wait for the budget too.", unit="s"), 12, 8)


def budget(board):
    board.row("Is the budget enough?")
    allowed = top("keypulse_budget_calls_per_second")
    used = rate("keypulse_budget_used_total")
    board.add(stat("Budget used", f"{used} / clamp_min({allowed}, 0.001)", "Calls that were started, of those that "
                   "budget.per_minute allows, all processes together. Above nine tenths, everything that comes "
                   "in addition waits.", unit="percentunit", bounds=steps((0.9, AMBER), (1, RED)),
                   instant=False, min=0, decimals=0), 4, 8)
    board.add(curve("Calls against the budget", [(used, "started"), (allowed, "allowed")], "On average of a second. "
                    "The budget is for all processes together and holds whatever the number of tenants.",
                    unit="cps", overrides=[renamed("allowed", colour=RED), renamed("started", colour=BLUE)]), 10, 8)
    board.add(curve("Waiting for the budget", quantiles("keypulse_budget_wait_seconds"), "How long each call waited "
                    "for its turn. Some waiting is right: calls are spread.", unit="s",
                    bounds=steps((60, AMBER), (300, RED))), 10, 8)
    board.add(stat("Asked to slow down", grown("keypulse_budget_holds_total"), "Times in this range that the provider "
                   "answered 429, many at once being one. It allows less than budget.per_minute: lower that.",
                   bounds=steps((1, AMBER), (10, RED)), decimals=0), 4, 6)
    board.add(curve("Held by a 429", [(top("keypulse_budget_held_seconds"), "held for")], "How long yet no process "
                    "starts a call because the provider asked so; at most a minute.", unit="s",
                    stepped=True), 20, 6)


def interval(board):
    board.row("Is everybody asked in time?")
    configured = top("keypulse_interval_seconds")
    board.add(curve("Interval", [(configured, "configured"), (top("keypulse_effective_interval_seconds"), "effective")],
                    "How often everybody is to be asked, and how often the budget can carry it. Effective above "
                    "configured: raise budget.per_minute if the provider allows it, or lengthen watch.interval.",
                    unit="s", overrides=[renamed("configured", colour=GREY), renamed("effective", colour=BLUE)]), 8, 7)
    put_off = top("keypulse_checks_put_off", by=("kind",))
    board.add(curve("Checks put off", [(put_off, "{{kind}}")], "Due for 30 seconds and claimed by nobody. Put-off "
                    "confirmations are worse than routine: dead keys are found late.", decimals=0,
                    overrides=[renamed("confirmation", colour=RED), renamed("routine", colour=AMBER)]), 8, 7)
    late = quantile(0.9, "keypulse_check_lateness_seconds")
    board.add(curve("Lateness of checks", [(late, "nine of ten (p90)")], "From the moment a check was due to its "
                    "first call.", unit="s", bounds=steps((60, AMBER), (900, RED))), 8, 7)
