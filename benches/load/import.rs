//! Measures the import of 400,000 threads: alone, next to an idle server, and while sends go on.

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    generator::{self, Kind, Target},
    median,
    servers::{Database, RunningServer},
};

const THREADS: u64 = 400_000;
const CLIENTS: u64 = 100_000;
const CONNECTIONS: usize = 16;
const ROUND: Duration = Duration::from_secs(1);

pub fn run() {
    let database = Database::new(CLIENTS);
    let csv = database.path().with_extension("csv");
    fs::write(&csv, threads()).expect("a file");
    println!("{THREADS} threads of {CLIENTS} clients in random order, {CONNECTIONS} connections that send\n");
    println!(
        "| | rows a second | peak memory of the import, MiB | sends a second | p50 ms | p99 ms | worst second's p99 ms |"
    );
    println!("|---|---|---|---|---|---|---|");
    let alone =
        Import::start(&database.path(), &csv).repeat_until_done(|| std::thread::sleep(Duration::from_millis(5)));
    println!("| import alone | {:.0} | {:.0} | | | | |", alone.rate, alone.peak_mib);
    // New databases, in which the threads do not exist yet.
    let database = Database::new(CLIENTS);
    let server = RunningServer::surveyd(&database.path());
    let idle = Import::start(&database.path(), &csv).repeat_until_done(|| std::thread::sleep(Duration::from_millis(5)));
    println!("| next to an idle server | {:.0} | {:.0} | | | | |", idle.rate, idle.peak_mib);
    drop(server);
    let database = Database::new(CLIENTS);
    let server = RunningServer::surveyd(&database.path());
    let target = Target { address: server.address, token: database.token.clone(), clients: CLIENTS };
    let second = || generator::round(&target, &[Kind::Send; CONNECTIONS], ROUND)(Kind::Send).expect("answers");
    let mut without_import = Vec::new();
    (0..7).for_each(|_| without_import.push(second()));
    print_row("sends alone", &without_import, None);
    let mut during_import = Vec::new();
    let import = Import::start(&database.path(), &csv).repeat_until_done(|| during_import.push(second()));
    print_row("both", &during_import, Some(&import));
}

fn print_row(what: &str, seconds: &[generator::Measurement], import: Option<&FinishedImport>) {
    let median_of = |figure: fn(&generator::Measurement) -> f64| median(seconds.iter().map(figure).collect());
    let (rate, p50, p99) = (
        median_of(|measured| measured.rate),
        median_of(|measured| measured.p50_us),
        median_of(|measured| measured.p99_us),
    );
    let worst = seconds.iter().map(|measured| measured.p99_us).fold(0.0, f64::max);
    let of_import = import.map_or_else(|| " | ".to_owned(), |done| format!("{:.0} | {:.0}", done.rate, done.peak_mib));
    println!("| {what} | {of_import} | {rate:.0} | {:.1} | {:.1} | {:.1} |", p50 / 1e3, p99 / 1e3, worst / 1e3);
}

fn threads() -> String {
    let mut csv = String::from("id,clientId,channel,status,startTime,stateChangeTime\n");
    let mut random = 1_u64;
    for id in 1..=THREADS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (client, minute) = (1 + (random >> 33) % CLIENTS, id % 60);
        let times = format!("2026-03-01T10:{minute:02}:00.000Z,2026-03-01T11:{minute:02}:00.000Z");
        writeln!(csv, "{},{client},1,CLOSED,{times}", id + CLIENTS).expect("memory");
    }
    csv
}

/// A running import.
struct Import {
    process: Child,
    began: Instant,
}

struct FinishedImport {
    rate: f64,
    peak_mib: f64,
}

impl Import {
    fn start(database: &Path, csv: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_surveyd"));
        command.args(["import", "threads"]).arg(csv).arg("--database").arg(database);
        let process = command.stderr(Stdio::null()).spawn().expect("a program that starts");
        Self { process, began: Instant::now() }
    }

    /// Calls `meanwhile` again and again until the import ends.
    fn repeat_until_done(mut self, mut meanwhile: impl FnMut()) -> FinishedImport {
        let mut peak_mib: f64 = 0.0;
        loop {
            meanwhile();
            if let Some(status) = self.process.try_wait().expect("a process") {
                assert!(status.success());
                return FinishedImport { rate: THREADS as f64 / self.began.elapsed().as_secs_f64(), peak_mib };
            }
            let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
            peak_mib = kib.map_or(peak_mib, |kib| peak_mib.max(kib / 1024.0));
        }
    }
}
