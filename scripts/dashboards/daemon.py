"""The daemon: does it run, is it in time, what does the database cost, and is the audit chain whole?"""

from board import Board
from look import AMBER, BLUE, GREEN, GREY, NO_YES, RED, renamed, steps, words
from panel import curve, stat
from query import AROUND, RANGE, grown, quantiles, rate, series, top


def of(metric, labels=""):
    """Of the processes that are looked at, each by itself."""
    return series(metric, labels, instance=True)


def each(metric, window=AROUND):
    return f"sum by (instance) (rate({of(metric)}[{window}]))"


def board():
    board = Board("daemon", "keypulse: daemon", "Does it run, does it check in time, what do its database, its API and "
                  "its machine cost, and is the audit chain whole?", "6h", by_instance=True)
    alive(board)
    lateness(board)
    leases(board)
    store(board)
    api(board)
    process(board)
    audit(board)
    return board


def alive(board):
    board.row("Does it run?")
    board.add(stat("Processes", f"count({of('keypulse_build_info')}) or vector(0)", "Processes that are scraped. None: keypulse "
                   "stopped, or Prometheus does not reach it.", none="none is scraped", bounds=steps((1, GREEN), first=RED),
                   decimals=0), 3, 4)
    version = f"count by (version) ({of('keypulse_build_info')})"
    board.add(stat("Version", version, "The version that runs; two for as long as an upgrade takes.", none="none is scraped",
                   legend="{{version}}", decimals=0), 3, 4)
    board.add(stat("Started", f"min(time() - {of('process_start_time_seconds')})", "How long ago the youngest process "
                   "was started. If nobody did it, the log says why.", unit="s",
                   bounds=steps((300, GREEN), first=AMBER)), 3, 4)
    board.add(stat("Overdue", top("keypulse_overdue_seconds"), "How long the tenant that waits longest has been due; "
                   "measured every 15 s.", unit="s", bounds=steps((60, AMBER), (900, RED))), 3, 4)
    board.add(stat("Shedding", f"max({of('keypulse_shedding')})", "Routine checks are put off while there is more to "
                   "do than can be done: raise budget.per_minute if the provider allows it, or lengthen watch.interval.",
                   unit="none", mappings=words(NO_YES)), 3, 4)
    board.add(stat("Revocations read", f"max({of('keypulse_revocations_age_seconds')})", "How long ago a process last "
                   "read which keys were revoked. From 3 s on it starts no call: look at the database.", unit="s",
                   bounds=steps((3, AMBER), (10, RED))), 3, 4)
    board.add(stat("Clock ahead", f"max({of('keypulse_clock_ahead_seconds')})", "How far keypulse's time is ahead of a "
                   "clock that was set back. Above a minute: set the clock right.", unit="s",
                   bounds=steps((60, AMBER))), 3, 4)
    lasting = grown("keypulse_store_errors_total", 'kind="lasting"')
    board.add(stat("Lasting errors", lasting, "Errors of the database that do not pass by themselves, in this range: "
                   "read the log.", bounds=steps((1, RED)), decimals=0), 3, 4)


def lateness(board):
    board.row("Does it check in time?")
    board.add(curve("Lateness", quantiles("keypulse_check_lateness_seconds"), "From the moment a check was due to its "
                    "first call; without gaps between measurements.", unit="s",
                    bounds=steps((60, AMBER), (900, RED))), 8, 8)
    board.add(curve("Longest overdue", [(top("keypulse_overdue_seconds"), "overdue"),
                                        (top("keypulse_effective_interval_seconds"), "effective interval")],
                    "Overdue beyond the effective interval: checks are not made in time.", unit="s",
                    overrides=[renamed("overdue", colour=RED), renamed("effective interval", colour=GREY)]), 8, 8)
    board.add(curve("Claimed and saved", [(rate("keypulse_claimed_total", instance=True), "claimed"),
                                          (rate("keypulse_checks_total", instance=True), "checked"),
                                          (rate("keypulse_decisions_saved_total", instance=True), "saved")],
                    "The three go together. Claimed without saved: checks hang or cannot be saved.", unit="cps",
                    overrides=[renamed("claimed", colour=GREY), renamed("checked", colour=BLUE),
                               renamed("saved", colour=GREEN)]), 8, 8)


def leases(board):
    board.row("Does any process get in another's way?")
    board.add(curve("Leases", [(f"sum by (instance) ({of('keypulse_leases')})", "{{instance}}")], "Tenants claimed and not "
                    "yet saved or given back. Far above watch.concurrency: checks hang.", decimals=0), 12, 7)
    board.add(curve("Work done twice or in vain", [
        (grown("keypulse_leases_lapsed_total", window=AROUND), "leases lapsed"),
        (grown("keypulse_decisions_repeated_total", window=AROUND), "decisions repeated"),
        (grown("keypulse_evidence_discarded_total", window=AROUND), "evidence discarded"),
    ], "A few are right: a person was faster, a key was replaced. Many: two processes ask the same tenants, compare "
       "their clocks.", bars=True), 12, 7)


def store(board):
    board.row("Is the database quick enough?")
    board.add(curve("Duration of saving", quantiles("keypulse_save_duration_seconds"), "Of one batch of results, whether "
                    "it succeeded or not.", unit="s", bounds=steps((1, AMBER), (5, RED))), 8, 7)
    board.add(curve("Results in one transaction", quantiles("keypulse_save_batch_size"), "Batches grow by themselves when "
                    "saving is slow.", decimals=0), 8, 7)
    errors = grown("keypulse_store_errors_total", by=("kind",), window=AROUND)
    board.add(curve("Errors of the database", [(errors, "{{kind}}")], "passing are tried again; lasting are not, and the "
                    "log names the table.", bars=True,
                    overrides=[renamed("lasting", colour=RED), renamed("passing", colour=AMBER)]), 8, 7)


def api(board):
    board.row("Does the API answer?")
    board.add(curve("Requests", [(rate("keypulse_api_requests_total", by=("status",)), "{{status}}")], "Answered, by "
                    "class of status. 5xx: read the log.", unit="reqps", stacked=True,
                    overrides=[renamed("2xx", colour=GREEN), renamed("4xx", colour=AMBER),
                               renamed("5xx", colour=RED)]), 8, 8)
    routes = grown("keypulse_api_requests_total", by=("route",), window=AROUND)
    board.add(curve("Busiest routes", [(f"topk(8, {routes})", "{{route}}")], "Requests around each moment.", bars=True,
                    decimals=0), 8, 8)
    board.add(curve("Duration of requests", quantiles("keypulse_api_request_duration_seconds"), "Whoever gives a key or "
                    "asks for a check waits for the provider.", unit="s", none="nobody has asked",
                    bounds=steps((1, AMBER), (10, RED))), 8, 8)


def process(board):
    board.row("What does it cost?")
    board.add(curve("Processors", [(each("process_cpu_seconds_total"), "{{instance}}")], "Processors in use on average; compare with "
                    "the number of checks.", unit="short", decimals=2), 6, 7)
    board.add(curve("Memory", [(f"sum by (instance) ({of('process_resident_memory_bytes')})", "{{instance}}")], "Rising "
                    "steadily without more tenants is a leak.", unit="bytes"), 6, 7)
    files = f"max by (instance) ({of('process_open_fds')} / {of('process_max_fds')})"
    board.add(curve("Open files", [(files, "{{instance}}")], "Of those that each process may open. Towards all: raise the limit, or "
                    "lower watch.concurrency.", unit="percentunit", bounds=steps((0.8, AMBER), (0.95, RED)), max=1), 6, 7)
    board.add(curve("Threads", [(f"sum by (instance) ({of('process_threads')})", "{{instance}}")], "Threads of each process; steady, and of no use by themselves.",
                    decimals=0), 6, 7)


def audit(board):
    board.row("Is the audit chain whole?")
    head = top("keypulse_audit_head")
    removed = f"max(max_over_time({series('keypulse_audit_head')}[{RANGE}])) - {head}"
    board.add(stat("Rows removed", removed, "How far the head stands below the highest that was seen in this range. "
                   "Anything but 0: keypulse audit verify --expect with the last head of the log.",
                   bounds=steps((1, RED)), decimals=0), 4, 7)
    board.add(curve("Head", [(head, "last row")], "The number of the last row. It must never fall.", decimals=0), 8, 7)
    rows = grown("keypulse_audit_rows_total", window=AROUND)
    failures = grown("keypulse_audit_failures_total", window=AROUND)
    board.add(curve("Rows appended, and failures", [(rows, "rows"), (failures, "failures")], "Failures: no key can be "
                    "replaced or disabled and no status changes, until keypulse audit verify says why.", bars=True,
                    overrides=[renamed("rows", colour=BLUE), renamed("failures", colour=RED)]), 8, 7)
    board.add(stat("Leaked keys", top("keypulse_deletions_wanted"), "Keys that may have leaked and are not confirmed to "
                   "be deleted at the provider: do it there, then keypulse tenant confirm-deleted REF.",
                   bounds=steps((1, RED)), decimals=0), 4, 7)
