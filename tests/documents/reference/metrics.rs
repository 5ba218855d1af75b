//! docs/metrics.md, from what a server answers to `GET /metrics`.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use super::{
    cell, check,
    program::{Server, output, surveyd},
};

/// Labels whose values are not listed: there are too many, or they depend on the release.
const OPEN_LABELS: [&str; 5] = ["channel", "le", "route", "status", "version"];

/// A family of metrics.
struct Family {
    name: String,
    kind: String,
    help: String,
    samples: BTreeSet<String>,
    labels: BTreeSet<String>,
    values: BTreeSet<String>,
}

#[test]
fn the_metrics_are_those_of_a_server() {
    let folder = tempfile::tempdir().unwrap();
    // A channel with a gateway: its metrics have no sample without one.
    let world = r#"{"channels":[{"id":1,"name":"Web widget","type":"WEB","deliveryUrl":"https://gateway.example/"}]}"#;
    fs::write(folder.path().join("world.json"), world).unwrap();
    let mut apply = surveyd(&["apply", "world.json"]);
    output({
        apply.current_dir(folder.path());
        apply
    });
    let server = Server::start(folder.path());
    let mut create = surveyd(&["token", "create", "--name", "ops", "--role", "admin"]);
    create.current_dir(folder.path());
    let token = output(create);
    // A request that is counted: a label shows only with a sample.
    server.get("/livez", token.trim());
    check("docs/metrics.md", &[("metrics", table(&server.get("/metrics", token.trim())))]);
}

fn table(metrics: &str) -> String {
    let mut text = "| metric | type | labels | what it counts |\n|---|---|---|---|\n".to_owned();
    for Family { name, kind, help, samples, labels, values } in families(metrics) {
        let samples: Vec<_> = samples.iter().map(|sample| format!("`{sample}`")).collect();
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
        let values = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
        let names = if samples.is_empty() { format!("`{name}`") } else { samples.join(", ") };
        writeln!(text, "| {names} | {kind} | {}{values} | {} |", labels.join(", "), cell(&help)).unwrap();
    }
    text
}

fn families(metrics: &str) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for line in metrics.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|line| line.split_once(' ')) {
            let (name, help) = (name.to_owned(), help.to_owned());
            let (samples, labels, values) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
            families.push(Family { name, kind: String::new(), help, samples, labels, values });
        } else if let Some((_, kind)) = line.strip_prefix("# TYPE ").and_then(|line| line.split_once(' ')) {
            kind.clone_into(&mut families.last_mut().unwrap().kind);
        } else if !line.starts_with('#') {
            let family = families.last_mut().unwrap();
            let (sample, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = sample.split_once('{').unwrap_or((sample, ""));
            family.samples.insert(name.to_owned());
            for label in labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()) {
                let (label, value) = label.split_once('=').unwrap();
                family.labels.insert(label.to_owned());
                if !OPEN_LABELS.contains(&label) {
                    family.values.insert(value.trim_matches('"').to_owned());
                }
            }
        }
    }
    families
}

#[test]
fn families_have_samples_and_labels() {
    let text = "# HELP a Counts a.\n# TYPE a counter\na_total{state=\"x\"} 1\na_total{state=\"y\"} 2\n# HELP b B.\n# TYPE b gauge\nb 1\n# EOF\n";
    assert_eq!(
        table(text),
        "| metric | type | labels | what it counts |\n|---|---|---|---|\n\
         | `a_total` | counter | `state`: `x`, `y` | Counts a. |\n| `b` | gauge |  | B. |\n"
    );
}
