"""Delivery: what is owed to customers, the integration and on-call, and what becomes of it."""

from board import Board
from look import AMBER, BLUE, GREEN, GREY, NO_YES, RED, renamed, steps, words
from panel import curve, lengths, stat
from query import AROUND, grown, series, top, total

MESSAGES, TRIES, WAITING = "keypulse_messages", "keypulse_delivery_tries_total", "keypulse_message_waiting_seconds"
FATES = [renamed("owed", colour=BLUE), renamed("sending", colour=GREY), renamed("dead", colour=RED),
         renamed("unknown", colour=AMBER)]
RESULTS = [renamed("delivered", colour=GREEN), renamed("again", colour=AMBER), renamed("dead", colour=RED)]


def messages(labels="", by=()):
    return total(MESSAGES, labels, by, tuple(part for part in ("channel", "stage", "state") if part not in by))


def board():
    board = Board("delivery", "keypulse: delivery", "Does what is owed to customers, to the integration and to "
                  "on-call arrive, and does the integration fetch its new keys?", "24h")
    stuck(board)
    fates(board)
    mail(board)
    alerts(board)
    handovers(board)
    custody(board)
    return board


def stuck(board):
    board.row("Is anything stuck?")
    board.add(stat("Oldest to the integration", top(WAITING, 'channel="webhook"'), "How long ago the oldest message was "
                   "decided that is still to be sent to an endpoint. Minutes: an endpoint is away, keypulse webhook "
                   "list.", unit="s", bounds=steps((300, AMBER), (900, RED))), 4, 4)
    board.add(stat("Oldest to on-call", top(WAITING, 'channel="alertmanager"'), "The same of the Alertmanager. The "
                   "log says what it answers.", unit="s", bounds=steps((300, AMBER), (900, RED))), 4, 4)
    board.add(stat("Oldest mail", top(WAITING, 'channel="mail"'), "Mail may wait for good reasons, the customer's "
                   "hours and days being one: keypulse mail status.", unit="s",
                   bounds=steps((86400, AMBER), (259200, RED))), 4, 4)
    board.add(stat("Given up", messages('state="dead"'), "Never sent again by itself: keypulse messages list "
                   "--state dead, then keypulse messages resend.", bounds=steps((1, RED)), decimals=0), 4, 4)
    board.add(stat("May have arrived", messages('state="unknown"'), "Mails whose answer was lost. They are not sent "
                   "again, so that nobody gets two: keypulse messages list --state unknown.",
                   bounds=steps((1, AMBER)), decimals=0), 4, 4)
    board.add(stat("Endpoints off", top("keypulse_webhook_endpoints_off"), "They took nothing for five days or "
                   "answered 410: keypulse webhook list says why.", bounds=steps((1, RED)), decimals=0), 4, 4)


def fates(board):
    board.row("What is owed, and what becomes of it?")
    board.add(curve("Not arrived, by channel", [(messages(by=("channel",)), "{{channel}}")], "Everything that is owed, "
                    "being sent, given up or unknown. What was decided in shadow is not among it.", stacked=True,
                    none="nothing is owed", decimals=0), 8, 8)
    board.add(curve("Not arrived, by stage", [(messages(by=("stage",)), "{{stage}}")], "Which messages: the first of an "
                    "episode, reminders, the news that it is over, announcements of expiry.", stacked=True,
                    none="nothing is owed", decimals=0), 8, 8)
    board.add(curve("Not arrived, by fate", [(messages(by=("state",)), "{{state}}")], "owed: to be sent. dead: given up. "
                    "unknown: a mail that may have arrived.", stacked=True, none="nothing is owed",
                    decimals=0, overrides=FATES), 8, 8)
    waiting = top(WAITING, by=("channel",))
    board.add(curve("Age of the oldest", [(waiting, "{{channel}}")], "Of what is still to be sent.", unit="s",
                    bounds=steps((900, AMBER))), 8, 8)
    lost = top("keypulse_message_lost_seconds", by=("channel", "state"))
    board.add(curve("Age of the oldest that did not arrive", [(lost, "{{channel}}: {{state}}")], "How long ago it was "
                    "decided what was given up or is unknown, and nobody has owed again since.", unit="s",
                    none="all arrived"), 8, 8)
    tries = grown(TRIES, by=("channel", "result"), window=AROUND)
    board.add(curve("Tries", [(tries, "{{channel}}: {{result}}")], "again: it failed in a way that may pass. dead: given "
                    "up. What only waits is no try.", bars=True), 8, 8)


def mail(board):
    board.row("Are customers written to?")
    mails = grown(TRIES, 'channel="mail"', ("result",))
    board.add(lengths("Mails in this time, by what came of the try", [(mails, "{{result}}")], "delivered: the relay has "
                      "taken it. That it came back later is told by your mail system (POST /api/v1/mail-events).",
                      decimals=0, overrides=RESULTS), 8, 8)
    owed = messages('channel="mail"', by=("stage", "state"))
    board.add(curve("Mails not arrived", [(owed, "{{stage}}: {{state}}")], "By stage and fate. Reminders that pile up: "
                    "mail is held, or capped by mail.most_per_hour.", none="none is owed", decimals=0), 8, 8)
    taken = grown(TRIES, 'channel="mail",result="delivered"', window=AROUND)
    board.add(curve("Mails taken by the relay", [(taken, "taken")], "Around each moment. Many at once without an "
                    "incident: look before you let them go on, keypulse mail hold.", bars=True,
                    overrides=[renamed("taken", colour=GREEN)]), 8, 8)


def alerts(board):
    board.row("Is on-call told?")
    standing = f"max by (instance) ({series('keypulse_alerts')})"
    board.add(curve("Alerts that stand", [(standing, "{{instance}}")], "How many alerts each process tells the "
                    "Alertmanager at this moment; several processes tell the same.", decimals=0), 10, 7)
    results = grown(TRIES, 'channel="alertmanager"', ("result",), AROUND)
    board.add(curve("Tries with the Alertmanager", [(results, "{{result}}")], "again for minutes: the Alertmanager is "
                    "away, and on-call hears nothing of keypulse.", bars=True, overrides=RESULTS), 10, 7)
    board.add(stat("Another mode configured", top("keypulse_notify_mode_differs"), "A process is configured for "
                   "another notify.mode than is in force. In a pilot by label it is meant so.",
                   unit="none", mappings=words(NO_YES)), 4, 7)


def handovers(board):
    board.row("Does the integration fetch its new keys?")
    board.add(curve("Keys owed to the integration", [(top("keypulse_handovers", by=("state",)), "{{state}}")],
                    "late: the integration goes on with a dead key. without_recipient: sealed to nobody, keypulse "
                    "recipient add.", none="none is owed", decimals=0,
                    overrides=[renamed("late", colour=RED), renamed("without_recipient", colour=RED),
                               renamed("owed", colour=BLUE), renamed("fetched", colour=GREEN)]), 12, 7)
    out = top("keypulse_tenants_out_of_step")
    board.add(curve("Out of step", [(out, "tenants")], "Tenants whose key here is not the one that the integration "
                    "uses. Never blamed on the customer.", decimals=0, overrides=[renamed("tenants", colour=AMBER)]), 12, 7)


def custody(board):
    board.row("Keys that lie with the integration (custody reference and mirror)")
    reads = grown("keypulse_key_reads_total", by=("place", "result"), window=AROUND)
    board.add(curve("Readings of keys", [(reads, "{{place}}: {{result}}")], "Whatever is not read is judged of nothing "
                    "meanwhile: keypulse doctor names the first places.", bars=True), 8, 8)
    compared = grown("keypulse_comparisons_total", by=("outcome",), window=AROUND)
    asked = grown("keypulse_fingerprint_calls_total", by=("answer",), window=AROUND)
    board.add(curve("Comparisons", [(compared, "{{outcome}}"), (asked, "asked: {{answer}}")], "Refused keys, compared with "
                    "those that the integration uses. differs: it does not push its new keys, or late.", bars=True), 8, 8)
    board.add(curve("The latest list", [(top("keypulse_reconcile_keys", by=("outcome",)), "{{outcome}}")], "As it was "
                    "compared when it was pushed. only_there: customers whom nobody watches.", decimals=0), 5, 8)
    pushed = "keypulse_reconcile_pushed_timestamp_seconds"
    age = f"(time() - {top(pushed)}) * (max({series(pushed)}) > bool 0)"
    board.add(stat("Age of the list", age, "How long ago the integration pushed its list; 0 when it never did. It "
                   "counts for a day.", unit="s", bounds=steps((21600, AMBER), (86400, RED))), 3, 8)
