//! What the queries of the dashboards ask for, by their form: metrics that the manual knows, counted as
//! the manual says.

use std::collections::BTreeMap;

use promql_parser::parser::{self, Expr, VectorSelector};

use super::board;

/// What the manual says of a metric.
struct Known {
    kind: String,
    /// The value is that of the whole database, whichever process is asked.
    of_the_database: bool,
}

/// A selector, and what stands around it, from the outside in.
struct Found<'a> {
    selector: &'a VectorSelector,
    around: Vec<String>,
}

fn known() -> BTreeMap<String, Known> {
    let rows = include_str!("../../../docs/METRICS.md").lines();
    let rows =
        rows.filter(|line| line.starts_with("| `keypulse_") || line.starts_with("| `process_"));
    let known: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let of_the_database = cells[4].starts_with("database");
            let one = Known { kind: cells[2].to_owned(), of_the_database };
            (cells[1].trim_matches('`').to_owned(), one)
        })
        .collect();
    assert!(known.len() > 50, "{} metrics", known.len());
    known
}

/// The metric that a series is of: the parts of a histogram are one.
fn metric<'a>(known: &'a BTreeMap<String, Known>, name: &str) -> Option<&'a Known> {
    let part = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
    let whole = part.and_then(|name| known.get(name)).filter(|one| one.kind == "histogram");
    whole.or_else(|| known.get(name).filter(|one| one.kind != "histogram"))
}

/// Every selector of a query.
fn selectors<'a>(expr: &'a Expr, around: &[String], found: &mut Vec<Found<'a>>) {
    let within = |name: String| [around, &[name]].concat();
    match expr {
        Expr::Aggregate(one) => selectors(&one.expr, &within(one.op.to_string()), found),
        Expr::Call(one) => {
            for argument in &one.args.args {
                selectors(argument, &within(one.func.name.to_owned()), found);
            }
        }
        Expr::Binary(one) => {
            selectors(&one.lhs, around, found);
            selectors(&one.rhs, around, found);
        }
        Expr::Unary(one) => selectors(&one.expr, around, found),
        Expr::Paren(one) => selectors(&one.expr, around, found),
        Expr::Subquery(one) => selectors(&one.expr, around, found),
        Expr::VectorSelector(one) => found.push(Found { selector: one, around: around.to_vec() }),
        Expr::MatrixSelector(one) => {
            found.push(Found { selector: &one.vs, around: around.to_vec() });
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

#[test]
fn every_metric_of_the_dashboards_is_one_of_the_manual_and_is_added_up_as_the_manual_says() {
    let known = known();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for query in board::all().iter().flat_map(board::Board::queries) {
        let filled = query.filled(60);
        let parsed = parser::parse(&filled).unwrap_or_else(|error| panic!("{filled}: {error}"));
        let mut found = Vec::new();
        selectors(&parsed, &[], &mut found);
        for one in found {
            seen += 1;
            let name = one.selector.name.as_deref().unwrap_or_default();
            if let Some(why) = wrong_with(&known, name, &one) {
                wrong.push(format!("{}: {name}: {why}", query.place));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(seen > 100, "only {seen} selectors were found");
}

fn wrong_with(
    known: &BTreeMap<String, Known>,
    name: &str,
    found: &Found<'_>,
) -> Option<&'static str> {
    let Some(metric) = metric(known, name) else { return Some("the manual does not know it") };
    let jobs = found.selector.matchers.find_matchers("job");
    if jobs.len() != 1 || jobs[0].value != board::JOB {
        return Some("of any installation");
    }
    let has = |name: &str| found.around.iter().any(|one| one == name);
    let innermost = found.around.iter().rev();
    let added =
        innermost.clone().find(|one| ["sum", "max", "min", "count"].contains(&one.as_str()));
    match metric.kind.as_str() {
        "counter" | "histogram" if !(has("rate") || has("increase")) => {
            Some("a count since the start of the process")
        }
        "counter" | "histogram" if added.is_none_or(|one| one != "sum") => {
            Some("not added up over processes")
        }
        "gauge" if metric.of_the_database && added.is_none_or(|one| one != "max") => {
            Some("the same number of the database, once for each process")
        }
        _ => None,
    }
}

#[test]
fn the_same_number_of_the_database_is_not_added_up_unnoticed() {
    let known = known();
    for (query, expected) in [
        (
            "sum(keypulse_tenants{job=\"keypulse\"})",
            Some("the same number of the database, once for each process"),
        ),
        ("sum(max by (status) (keypulse_tenants{job=\"keypulse\"}))", None),
        ("max(keypulse_tenants)", Some("of any installation")),
        ("max(keypulse_tenant{job=\"keypulse\"})", Some("the manual does not know it")),
        (
            "sum(keypulse_checks_total{job=\"keypulse\"})",
            Some("a count since the start of the process"),
        ),
        ("rate(keypulse_checks_total{job=\"keypulse\"}[1m])", Some("not added up over processes")),
        ("sum(rate(keypulse_call_duration_seconds_bucket{job=\"keypulse\"}[1m]))", None),
    ] {
        let parsed = parser::parse(query).unwrap();
        let mut found = Vec::new();
        selectors(&parsed, &[], &mut found);
        let name = found[0].selector.name.clone().unwrap();
        assert_eq!(wrong_with(&known, &name, &found[0]), expected, "{query}");
    }
}
