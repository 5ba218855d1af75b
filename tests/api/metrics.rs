//! `GET /metrics`: the counters, in the format of OpenMetrics.

use std::collections::BTreeMap;

use serde_json::json;

use crate::harness::{Channel, Client, Receiver, Reply, Server, TestFolder, eventually};

/// The metrics as an administrator gets them.
fn scrape(admin: &mut Client) -> String {
    let answer = admin.call("GET", "/metrics", None);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/openmetrics-text; version=1.0.0; charset=utf-8"))
    );
    answer.body
}

/// The samples, by name and labels. What is checked on the way is the grammar of OpenMetrics, as far as it is used here:
/// <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let body = text.strip_suffix("# EOF\n").unwrap_or_else(|| panic!("it does not end with # EOF: {text}"));
    let (mut samples, mut family, mut kind) = (BTreeMap::new(), String::new(), String::new());
    for line in body.lines() {
        if let Some(described) = line.strip_prefix("# ") {
            let [word, name, rest] = described.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            match word {
                "HELP" => {
                    assert!(!samples.keys().any(|sample: &String| sample.starts_with(&format!("{name}{{"))), "{line}");
                    name.clone_into(&mut family);
                }
                "TYPE" => rest.clone_into(&mut kind),
                "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{line}"),
                _ => panic!("{line}"),
            }
            assert_eq!(name, family, "{line}");
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let name = sample.split('{').next().unwrap();
        let suffixes: &[&str] = match &*kind {
            "counter" => &["_total"],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "gauge" => &[""],
            _ => panic!("{kind}"),
        };
        assert!(suffixes.iter().any(|suffix| name == format!("{family}{suffix}")), "{line} in {family}, a {kind}");
        if let Some(labels) = sample.strip_prefix(&format!("{name}{{")) {
            for label in labels.strip_suffix('}').unwrap().split("\",") {
                let (key, value) = label.split_once("=\"").unwrap();
                assert!(key.bytes().all(|byte| byte.is_ascii_lowercase()), "{line}");
                assert!(!value.trim_end_matches('"').contains(['"', '\\']), "{line}");
            }
        }
        let value: f64 = value.parse().unwrap();
        assert!(value >= 0.0 && samples.insert(sample.to_owned(), value).is_none(), "{line}");
    }
    samples
}

/// The whole answer, its samples in order and numbers that vary replaced.
fn steady(text: &str) -> String {
    let vary = ["_seconds_sum", "_seconds_bucket", "_bytes"];
    let mut families: Vec<Vec<String>> = Vec::new();
    for line in text.lines() {
        if line.starts_with("# HELP") || line == "# EOF" {
            families.push(Vec::new());
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let varies = !line.starts_with('#') && vary.iter().any(|part| name.split('{').next().unwrap().ends_with(part));
        families.last_mut().unwrap().push(if varies { format!("{name} …") } else { format!("{name} {value}") });
    }
    for family in &mut families {
        let samples = family.iter().position(|line| !line.starts_with('#')).unwrap_or(family.len());
        // Those of a histogram are in the order of their bounds.
        if !family.iter().any(|line| line.contains("_bucket")) {
            family[samples..].sort_unstable();
        }
    }
    families.concat().join("\n").replace(env!("CARGO_PKG_VERSION"), "…")
}

/// That a token is used is written once an hour: here it has been, and no job of the writer is for that.
fn have_used(folder: &TestFolder, tokens: &[&str]) {
    let server = folder.serve();
    for token in tokens {
        server.client(token).call("GET", "/admin/settings", None);
    }
    assert_eq!(server.anonymous().call("GET", "/readyz", None).status, 200, "the writer has come round");
}

#[test]
fn a_server_reports_all_its_metrics() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    have_used(&folder, &[&token, &ops]);
    let server = folder.serve();
    let (mut crm, mut admin) = (server.client(&token), server.client(&ops));
    crm.send(1, 1);
    crm.send(1, 1);
    crm.send(2, 1);
    crm.call("GET", "/api/v1/threads/3", None);
    crm.call("GET", "/api/v1/threads/4", None);
    crm.call("GET", "/nowhere/crm-1", None);
    crm.call("DELETE", "/admin/clients/1", None);
    server.anonymous().send(1, 1);
    let text = scrape(&mut admin);
    samples(&text);
    insta::assert_snapshot!(steady(&text), @r#"
    # HELP surveyd_build Which surveyd this is.
    # TYPE surveyd_build info
    surveyd_build_info{version="…"} 1
    # HELP surveyd_requests Answers, by route and status.
    # TYPE surveyd_requests counter
    surveyd_requests_total{route="/admin/clients/{id}",status="403"} 1
    surveyd_requests_total{route="/api/v1/quality/send",status="200"} 2
    surveyd_requests_total{route="/api/v1/quality/send",status="401"} 1
    surveyd_requests_total{route="/api/v1/quality/send",status="409"} 1
    surveyd_requests_total{route="/api/v1/threads/{id}",status="200"} 2
    surveyd_requests_total{route="none",status="404"} 1
    # HELP surveyd_refusals Calls to /api/** that a rule refused.
    # TYPE surveyd_refusals counter
    surveyd_refusals_total{rule="body"} 0
    surveyd_refusals_total{rule="formEnabled"} 0
    surveyd_refusals_total{rule="hasClosedThread"} 0
    surveyd_refusals_total{rule="noOpenThread"} 1
    surveyd_refusals_total{rule="role"} 0
    surveyd_refusals_total{rule="surveysEnabled"} 0
    surveyd_refusals_total{rule="targetExists"} 0
    surveyd_refusals_total{rule="token"} 1
    # HELP surveyd_failed_authentications Invalid tokens, and logins that failed or were throttled.
    # TYPE surveyd_failed_authentications counter
    surveyd_failed_authentications_total 0
    # HELP surveyd_writer_waiting_jobs Sends and changes that wait for the writer.
    # TYPE surveyd_writer_waiting_jobs gauge
    surveyd_writer_waiting_jobs 0
    # HELP surveyd_writer_commit_seconds How long the commits took that wrote something.
    # TYPE surveyd_writer_commit_seconds histogram
    # UNIT surveyd_writer_commit_seconds seconds
    surveyd_writer_commit_seconds_sum …
    surveyd_writer_commit_seconds_count 2
    surveyd_writer_commit_seconds_bucket{le="0.0001"} …
    surveyd_writer_commit_seconds_bucket{le="0.00025"} …
    surveyd_writer_commit_seconds_bucket{le="0.0005"} …
    surveyd_writer_commit_seconds_bucket{le="0.001"} …
    surveyd_writer_commit_seconds_bucket{le="0.0025"} …
    surveyd_writer_commit_seconds_bucket{le="0.005"} …
    surveyd_writer_commit_seconds_bucket{le="0.01"} …
    surveyd_writer_commit_seconds_bucket{le="0.025"} …
    surveyd_writer_commit_seconds_bucket{le="0.05"} …
    surveyd_writer_commit_seconds_bucket{le="0.1"} …
    surveyd_writer_commit_seconds_bucket{le="0.5"} …
    surveyd_writer_commit_seconds_bucket{le="3.0"} …
    surveyd_writer_commit_seconds_bucket{le="+Inf"} …
    # HELP surveyd_writer_batch_jobs How many jobs shared such a commit.
    # TYPE surveyd_writer_batch_jobs histogram
    surveyd_writer_batch_jobs_sum 2.0
    surveyd_writer_batch_jobs_count 2
    surveyd_writer_batch_jobs_bucket{le="1.0"} 2
    surveyd_writer_batch_jobs_bucket{le="2.0"} 2
    surveyd_writer_batch_jobs_bucket{le="4.0"} 2
    surveyd_writer_batch_jobs_bucket{le="8.0"} 2
    surveyd_writer_batch_jobs_bucket{le="16.0"} 2
    surveyd_writer_batch_jobs_bucket{le="32.0"} 2
    surveyd_writer_batch_jobs_bucket{le="64.0"} 2
    surveyd_writer_batch_jobs_bucket{le="+Inf"} 2
    # HELP surveyd_log_dropped_lines Lines of the log that were dropped, because stderr was not read.
    # TYPE surveyd_log_dropped_lines counter
    surveyd_log_dropped_lines_total 0
    # HELP surveyd_certificate_not_after_timestamp_seconds When the certificate of TLS expires; absent without TLS.
    # TYPE surveyd_certificate_not_after_timestamp_seconds gauge
    # UNIT surveyd_certificate_not_after_timestamp_seconds seconds
    # HELP surveyd_database_bytes Size of the database.
    # TYPE surveyd_database_bytes gauge
    # UNIT surveyd_database_bytes bytes
    surveyd_database_bytes …
    # HELP surveyd_wal_bytes Size of the write-ahead log next to it.
    # TYPE surveyd_wal_bytes gauge
    # UNIT surveyd_wal_bytes bytes
    surveyd_wal_bytes …
    # HELP surveyd_free_bytes What may still be written to the disk of the database.
    # TYPE surveyd_free_bytes gauge
    # UNIT surveyd_free_bytes bytes
    surveyd_free_bytes …
    # HELP surveyd_delivery_tries Tries of deliveries, by channel and by what they left: delivered, pending (to be tried again), dead, cancelled.
    # TYPE surveyd_delivery_tries counter
    # HELP surveyd_delivery_pending Deliveries that wait for their first or next try, by channel.
    # TYPE surveyd_delivery_pending gauge
    # HELP surveyd_delivery_oldest_pending_seconds How long ago the oldest of them was sent; 0 if there is none.
    # TYPE surveyd_delivery_oldest_pending_seconds gauge
    # UNIT surveyd_delivery_oldest_pending_seconds seconds
    # HELP surveyd_delivery_dead Deliveries that ten tries did not deliver, by channel.
    # TYPE surveyd_delivery_dead gauge
    # HELP surveyd_delivery_off 1 if the deliveries of the channel are switched off, for example by a 410 of its gateway.
    # TYPE surveyd_delivery_off gauge
    # HELP surveyd_delivery_failing_seconds For how long every try in the channel has failed; 0 if the last one succeeded.
    # TYPE surveyd_delivery_failing_seconds gauge
    # UNIT surveyd_delivery_failing_seconds seconds
    # HELP surveyd_last_backup_timestamp_seconds When the last backup was made that was verified; absent if there is none.
    # TYPE surveyd_last_backup_timestamp_seconds gauge
    # UNIT surveyd_last_backup_timestamp_seconds seconds
    # HELP surveyd_tokens_expiring Valid tokens that expire within 30 days.
    # TYPE surveyd_tokens_expiring gauge
    surveyd_tokens_expiring 0
    # EOF
    "#);
}

/// What each thing that can happen adds to the counters.
#[test]
fn each_event_adds_to_its_counters() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    have_used(&folder, &[&token, &ops]);
    let server = folder.serve();
    let (mut crm, mut admin) = (server.client(&token), server.client(&ops));
    let mut before = samples(&scrape(&mut admin));
    let mut added = |names: &[&str], act: &mut dyn FnMut()| -> Vec<f64> {
        act();
        let after = samples(&scrape(&mut admin));
        let added = names.iter().map(|name| {
            // A counter has no sample for a label before the first event; afterwards a name without one is a mistake here.
            let name = format!("surveyd_{name}");
            after[&name] - before.get(&name).copied().unwrap_or(0.0)
        });
        let added = added.collect();
        before.clone_from(&after);
        added
    };
    let answered = |status: u16| format!("requests_total{{route=\"/api/v1/quality/send\",status=\"{status}\"}}");
    let refused = |rule: &str| format!("refusals_total{{rule=\"{rule}\"}}");
    let (ok, commits, jobs) = (answered(200), "writer_commit_seconds_count", "writer_batch_jobs_sum");
    assert_eq!(added(&[&ok, commits, jobs], &mut || drop(crm.send(1, 1))), [1.0, 1.0, 1.0]);
    for (client, form, status, rule) in [
        (2, 1, 409, "noOpenThread"),
        (3, 1, 409, "formEnabled"),
        (4, 1, 409, "hasClosedThread"),
        (99, 1, 404, "targetExists"),
    ] {
        let names = [&*answered(status), &refused(rule), commits, "failed_authentications_total"];
        assert_eq!(added(&names, &mut || drop(crm.send(client, form))), [1.0, 1.0, 0.0, 0.0], "{rule}");
    }
    let (denied, token_rule) = (answered(401), refused("token"));
    let names = [&*denied, &token_rule, "failed_authentications_total"];
    assert_eq!(added(&names, &mut || drop(server.anonymous().send(1, 1))), [1.0, 1.0, 0.0], "no token is no bad one");
    assert_eq!(added(&names, &mut || drop(server.client("surveyd_0").send(1, 1))), [1.0, 1.0, 1.0]);
    let of_admin = "requests_total{route=\"/admin/clients/{id}\",status=\"401\"}";
    let names = [of_admin, &token_rule, "failed_authentications_total"];
    let mut anonymous = server.anonymous();
    assert_eq!(added(&names, &mut || drop(anonymous.call("GET", "/admin/clients/1", None))), [1.0, 0.0, 0.0]);
    let bad = || drop(server.client(&token).call("POST", "/api/v1/quality/send", Some(&json!({}))));
    assert_eq!(added(&[&answered(400), &refused("body")], &mut { bad }), [1.0, 1.0]);
    let wrong = json!({"login": "crm", "password": "wrong"});
    let names = ["requests_total{route=\"/api/auth/login\",status=\"401\"}", "failed_authentications_total"];
    let log_in = || drop(server.anonymous().call("POST", "/api/auth/login", Some(&wrong)));
    assert_eq!(added(&names, &mut { log_in }), [1.0, 1.0]);
}

/// Also where the database is named by a link.
#[test]
fn deliveries_and_the_log_size_are_reported() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    std::os::unix::fs::symlink("surveyd.db", folder.path("link.db")).unwrap();
    let server = folder.serve_with(&[("DATABASE", "link.db"), ("DELIVERY__ALLOW", "127.0.0.0/8")]);
    let (mut crm, mut admin) = (server.client(&token), server.client(&ops));
    let gateway = Receiver::start(|_, before| Reply::status([500, 200, 410][before.min(2)], ""));
    admin.put(&Channel::new(1).delivery_url(&gateway.url()));
    let text = scrape(&mut admin);
    for (name, value) in
        [("pending", 0), ("oldest_pending_seconds", 0), ("dead", 0), ("off", 0), ("failing_seconds", 0)]
    {
        assert!(text.contains(&format!("\nsurveyd_delivery_{name}{{channel=\"1\"}} {value}\n")), "{text}");
    }
    for state in ["pending", "delivered", "cancelled"] {
        assert_eq!(crm.send(1, 1).status, 200);
        let name = format!("surveyd_delivery_tries_total{{channel=\"1\",state=\"{state}\"}}");
        eventually(&name, || samples(&scrape(&mut admin))[&name] > 0.5);
    }
    let samples = samples(&scrape(&mut admin));
    let of_channel = |name: &str| samples[&format!("surveyd_delivery_{name}{{channel=\"1\"}}")];
    let dead = samples["surveyd_delivery_tries_total{channel=\"1\",state=\"dead\"}"];
    assert!(dead < 0.5, "it is reported before there is one");
    // The first one failed, and the second was delivered since.
    assert!(of_channel("off") > 0.5 && of_channel("dead") + of_channel("failing_seconds") < 0.5, "{samples:?}");
    assert!(samples["surveyd_wal_bytes"] > 4096.0, "{samples:?}");
}

/// However many paths and methods callers make up, there are no more labels for it.
#[test]
fn labels_are_few_and_name_no_person() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm-system", "integrator"), folder.token("ops-person", "admin"));
    let server = folder.serve();
    let (mut crm, mut admin) = (server.client(&token), server.client(&ops));
    scrape(&mut admin);
    let call_all = |crm: &mut Client, number: i32| {
        crm.call("GET", &format!("/made-up-{number}"), None);
        crm.call("GET", &format!("/api/v1/threads/{number}"), None);
        crm.call(&format!("BREW{number}"), "/api/v1/quality/send", None);
        crm.send_to(&json!({"type": "externalClientId", "id": format!("crm-{number}")}), number.into());
    };
    // There are four of each in the sample world: the fifth is the first that is not found.
    (1..=5).for_each(|number| call_all(&mut crm, number));
    let few = samples(&scrape(&mut admin)).len();
    (6..=100).for_each(|number| call_all(&mut crm, number));
    let text = scrape(&mut admin);
    assert!(samples(&text).len() <= few, "{text}");
    for word in ["crm-", "made-up", "BREW", "ops-person", "Alice"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

/// What waits for the writer is counted as long as it waits.
#[test]
fn waiting_jobs_are_counted() {
    let folder = TestFolder::with_sample();
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    have_used(&folder, &[&token, &ops]);
    let server = folder.serve();
    let other = folder.database();
    other.execute_batch("begin immediate").unwrap();
    let mut admin = server.client(&ops);
    let mut waiting = || samples(&scrape(&mut admin))["surveyd_writer_waiting_jobs"];
    assert!(waiting() < 0.5);
    let mut clients: Vec<_> = (0..5).map(|_| server.client(&token)).collect();
    std::thread::scope(|scope| {
        let sends: Vec<_> = clients.iter_mut().map(|crm| scope.spawn(|| crm.send(1, 1).status)).collect();
        // The writer has taken one of them, and waits for the lock.
        eventually("four wait", || (waiting() - 4.0).abs() < 0.5);
        other.execute_batch("commit").unwrap();
        for send in sends {
            assert_eq!(send.join().unwrap(), 200);
        }
    });
    assert!(waiting() < 0.5);
}

/// On an address of its own, without a token and with nothing else there.
#[test]
fn metrics_can_have_an_address_of_their_own() {
    let folder = TestFolder::with_sample();
    let server = folder.serve_with(&[("METRICS__LISTEN", "127.0.0.1:0")]);
    let mut scraper = server.client_of("/metrics");
    server.anonymous().call("GET", "/livez", None);
    assert!(scrape(&mut scraper).contains("\nsurveyd_requests_total{route=\"/livez\",status=\"200\"} 1\n"));
    assert_eq!(scraper.call("GET", "/admin/settings", None).short(), "404 No such path");
    assert_eq!(scraper.call("POST", "/metrics", None).short(), "405 Method not allowed; this path takes GET, HEAD");
    assert_eq!(server.anonymous().call("GET", "/metrics", None).status, 401, "on the other address it takes a token");
    server.stop();
    assert!(scraper.is_closed());
}

/// There is nothing to watch in a fake.
#[test]
fn a_fake_has_no_metrics() {
    let fake = Server::fake();
    assert_eq!(fake.client("test-admin").call("GET", "/metrics", None).short(), "404 No such path");
}
