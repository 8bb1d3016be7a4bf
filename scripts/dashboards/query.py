"""Queries, as far as they repeat: each is of the one installation that `$job` names.

A gauge that every process reads from the database is the same in each: the largest is taken, never
the sum. A counter belongs to its process: its growth is summed.
"""

# Since the beginning of the time that is looked at, for numbers; around each point, for curves.
RANGE = "$__range"
AROUND = "$__rate_interval"


def series(metric, labels="", instance=False):
    own = ['job="$job"'] + (['instance=~"$instance"'] if instance else []) + ([labels] if labels else [])
    return f"{metric}{{{','.join(own)}}}"


def _by(labels):
    return f" by ({', '.join(labels)}) " if labels else ""


def top(metric, labels="", by=()):
    """The value of a gauge of the database."""
    return f"max{_by(by)}({series(metric, labels)})"


def total(metric, labels="", by=(), parts=()):
    """The sum of a gauge of the database over its own labels, which are `parts` and `by`."""
    return f"sum{_by(by)}(max{_by(tuple(by) + tuple(parts))}({series(metric, labels)}))"


def rate(metric, labels="", by=(), instance=False):
    return f"sum{_by(by)}(rate({series(metric, labels, instance)}[{AROUND}]))"


def grown(metric, labels="", by=(), window=RANGE):
    return f"sum{_by(by)}(increase({series(metric, labels)}[{window}]))"


def quantile(share, metric, window=AROUND):
    """Nothing rather than NaN where nothing was measured."""
    buckets = f"sum by (le) (rate({series(metric + '_bucket')}[{window}]))"
    return f"histogram_quantile({share}, {buckets}) >= 0"


def quantiles(metric, window=AROUND):
    return [
        (quantile(0.5, metric, window), "typically (p50)"),
        (quantile(0.9, metric, window), "nine of ten (p90)"),
        (quantile(0.99, metric, window), "nearly all (p99)"),
    ]


def state(metric, label, words, by=()):
    """A gauge that is 1 for the word that is true, as the place of that word, from 0."""
    places = [
        f"{place} * {top(metric, f'{label}={chr(34)}{word}{chr(34)}', by)}"
        for place, word in enumerate(words)
    ]
    return f"clamp_max({' + '.join(places)}, {len(words) - 1})"
