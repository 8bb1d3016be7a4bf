//! The figures as a table and as JSON, each beside what it should reach.

use serde::Serialize;

use crate::options::Options;
use crate::paced::Paced;
use crate::saturated::{Saturation, count};

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    version: &'static str,
    quick: bool,
    cpus: usize,
    pub saturation: Option<Saturation>,
    pub paced: Vec<Paced>,
}

impl Report {
    /// Nothing measured yet.
    pub fn new(options: &Options) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let version = env!("CARGO_PKG_VERSION");
        Self { version, quick: options.quick, cpus, saturation: None, paced: Vec::new() }
    }

    pub fn json(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The table on standard output.
    pub fn print(&self) {
        println!("keypulse {} on {} CPUs, SQLite", self.version, self.cpus);
        if self.quick {
            println!("quick: it runs and is counted right; the figures mean little");
        }
        if let Some(saturation) = &self.saturation {
            print_saturation(saturation);
        }
        for paced in &self.paced {
            print_paced(paced);
        }
    }
}

fn print_saturation(of: &Saturation) {
    println!("\nsaturation, {} tenants, {} rounds, the median", of.tenants, of.rounds.len());
    row("", "keypulse", "bare reqwest", "ratio", "to reach");
    let (ours, bare) = (&of.daemon, &of.bare);
    row(
        "checks/s",
        &format!("{:.0}", ours.checks_per_second),
        &format!("{:.0}", bare.checks_per_second),
        &format!("{:.2}", of.rate_ratio),
        ">= 0.60",
    );
    row(
        "CPU s / 1,000 checks",
        &format!("{:.4}", ours.cpu_per_1000),
        &format!("{:.4}", bare.cpu_per_1000),
        &format!("{:.2}", of.cpu_ratio),
        "<= 1.80",
    );
    row(
        "resident MiB",
        &format!("{:.1}", ours.resident_mib),
        &format!("{:.1}", bare.resident_mib),
        "",
        "",
    );
    println!("  {} checks counted by the provider, decided and saved: all of them", of.verified);
}

fn print_paced(of: &Paced) {
    println!("\npaced, {} tenants every {} s", of.tenants, of.interval_seconds);
    let million = of.tenants >= 1_000_000;
    row("", "keypulse", "bare reqwest", "", "to reach");
    row("checks/s", &format!("{:.1}", of.checks_per_second), "", "", "");
    let bare = of.bare_cpu_per_1000.map_or(String::new(), |cpu| format!("{cpu:.4}"));
    let cpu = if million { "" } else { "<= 0.06" };
    row("CPU s / 1,000 checks", &format!("{:.4}", of.cpu_per_1000), &bare, "", cpu);
    let memory = if million { "<= 128" } else { "<= 48" };
    row("resident MiB", &format!("{:.1}", of.resident_mib), "", "", memory);
    row("resident MiB at most", &format!("{:.1}", of.most_resident_mib), "", "", memory);
    row("late, p50, at most s", &format!("{:.3}", of.p50_late), "", "", "");
    row("late, p99, at most s", &format!("{:.3}", of.p99_late), "", "", "<= 0.250");
    row("calls per 0.1 s, mean", &format!("{:.1}", of.mean_slice), "", "", "");
    let times = |most: u64| format!("{most} = {:.2} x", count(most) / of.mean_slice);
    row("calls per 0.1 s, most", &times(of.busiest_slice), "", "", "<= 3 x");
    row("  after a restart", &times(of.busiest_slice_restarted), "", "", "<= 3 x");
    row("import s", &format!("{:.1}", of.import_seconds), "", "", "");
    row("start s", &format!("{:.2}", of.start_seconds), "", "", "");
    println!("  {} checks counted by the provider, decided and saved: all of them", of.verified);
}

fn row(name: &str, ours: &str, bare: &str, ratio: &str, reach: &str) {
    let line = format!("  {name:<24}{ours:>14}{bare:>14}{ratio:>8}  {reach}");
    println!("{}", line.trim_end());
}
