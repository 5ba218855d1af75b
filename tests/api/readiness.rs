//! `GET /readyz`: a server is ready if it can answer a send.

use std::time::{Duration, Instant};

use rstest::rstest;

use crate::harness::{FailingCalls, Server, Signal, TestFolder, WriteLock, envelope, eventually};

const READY: &str = r#"200 {"schema":"current","writer":"answers","stopping":false}"#;

#[test]
fn a_server_that_can_send_is_ready() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    let answer = server.anonymous().call("GET", "/readyz", None);
    assert_eq!((answer.short().as_str(), answer.header("cache-control")), (READY, Some("no-store")));
    assert_eq!(Server::fake().anonymous().call("GET", "/readyz", None).short(), READY);
}

/// A writer that waits for a lock is none that answers; requests that need none go on, and `/livez` says so.
#[test]
fn a_server_whose_writer_is_stuck_is_not_ready() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    let mut probe = server.anonymous();
    assert_eq!(probe.call("GET", "/readyz", None).short(), READY);
    let other = folder.database();
    other.execute_batch("begin immediate").unwrap();
    let answer = probe.call("GET", "/readyz", None);
    let expected = envelope("GET", "/readyz", "Not ready: the writer has not answered within 1 s");
    assert_eq!(
        (answer.status, answer.body, answer.headers.iter().any(|(name, _)| name == "Retry-After")),
        (503, expected, true)
    );
    assert_eq!(server.anonymous().call("GET", "/livez", None).status, 200);
    other.execute_batch("commit").unwrap();
    assert_eq!(probe.call("GET", "/readyz", None).short(), READY);
}

/// Any number of readiness requests leaves room for sends in the writer's queue, which takes eight jobs here.
#[test]
fn readiness_requests_do_not_fill_the_queue() {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let (server, lock) = WriteLock::of(&folder, &[("LIMITS__QUEUE", "8")], &[&token]);
    let mut probes: Vec<_> = (0..100).map(|_| server.anonymous()).collect();
    for probe in &mut probes {
        probe.begin_call("GET", "/readyz", "", b"").unwrap();
    }
    server.wait_until_all_is_read();
    let waiting = lock.waiting_jobs();
    assert!(waiting < 8, "each HTTP worker submits one job for all that ask: {waiting}");
    std::thread::scope(|scope| {
        let send = scope.spawn(|| server.client(&token).send(1, 1));
        eventually("the send waits, too", || lock.waiting_jobs() > waiting);
        lock.release();
        assert_eq!(send.join().unwrap().short(), "200 ");
    });
    for mut probe in probes {
        assert!([200, 503].contains(&probe.read_response().status));
    }
}

/// A newer surveyd has migrated the file while this one runs.
#[test]
fn a_server_with_a_newer_schema_is_not_ready() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    let other = folder.database();
    other.execute_batch("pragma user_version = 99").unwrap();
    let answer = server.anonymous().call("GET", "/readyz", None);
    assert_eq!(answer.short(), "503 Not ready: the schema of the database is not this program's");
}

/// Whoever asked before the signal, and is answered after it, is not sent to a server that ends. Nobody who asks later is
/// answered at all: connections are refused, and idle ones closed.
#[test]
fn a_server_that_stops_is_not_ready() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    let other = folder.database();
    other.execute_batch("begin immediate").unwrap();
    let mut probe = server.anonymous();
    probe.begin_call("GET", "/readyz", "", b"").unwrap();
    server.wait_until_all_is_read();
    server.signal(Signal::TERM);
    server.wait_until_closed();
    other.execute_batch("commit").unwrap();
    let answer = probe.read_response();
    assert_eq!(
        (answer.short().as_str(), answer.header("connection")),
        ("503 Not ready: the server is stopping", Some("close"))
    );
    assert_eq!(server.wait().0, Some(0));
}

const CANNOT_WRITE: &str = "503 Not ready: the writer cannot write";

/// Mounts an empty ext4 file system, and puts the database on it.
const ON_EXT4: &str =
    "truncate -s 32M image; mkfs.ext4 -q image; mkdir disk; mount -o loop,errors=remount-ro image disk;
                       cp surveyd.db disk";

/// Whether a disk can be written is seen without a send, when it breaks and when it is mended.
#[rstest]
#[case::full(
    "mkdir disk; mount -t tmpfs -o size=1m tmpfs disk; cp surveyd.db disk",
    "head -c 2m /dev/zero > disk/filler 2> /dev/null || true",
    Some("rm disk/filler")
)]
#[case::immutable(
    ON_EXT4,
    "chattr +i disk/surveyd.db disk/surveyd.db-wal",
    Some("chattr -i disk/surveyd.db disk/surveyd.db-wal")
)]
#[case::read_only(
    ON_EXT4,
    "echo broken > /sys/fs/ext4/$(basename $(findmnt -n -o SOURCE disk))/trigger_fs_error",
    None
)]
fn a_server_that_cannot_write_is_not_ready(#[case] mount: &str, #[case] broken: &str, #[case] mended: Option<&str>) {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database", "disk/surveyd.db"];
    let Some(command) = folder.command_with_mounts(mount, &arguments) else { return };
    let server = Server::start(command);
    let mut probe = server.anonymous();
    let mut readiness = || probe.call("GET", "/readyz", None).short();
    assert_eq!(readiness(), READY);
    server.in_its_mounts(broken);
    eventually("it is not ready", || readiness() == CANNOT_WRITE);
    let mut crm = server.client(&token);
    // Longer than a result is kept, by what the server says of the time.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        assert_eq!(crm.send(1, 1).status, 503);
        assert_eq!(readiness(), CANNOT_WRITE);
    }
    if let Some(mended) = mended {
        server.in_its_mounts(mended);
        eventually("it is ready again", || readiness() == READY);
        assert_eq!(crm.send(1, 1).short(), "200 ");
    }
}

/// Room for a page is no room for a send.
#[rstest]
fn a_server_on_an_almost_full_disk_is_not_ready(#[values(36, 44, 60)] kib: u32) {
    let folder = TestFolder::with_sample();
    let token = folder.token("crm", "integrator");
    let mount = "mkdir disk; mount -t tmpfs -o size=1m tmpfs disk; cp surveyd.db disk";
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database", "disk/surveyd.db"];
    let Some(command) = folder.command_with_mounts(mount, &arguments) else { return };
    let server = Server::start(command);
    server
        .in_its_mounts(&format!("head -c 2m /dev/zero > disk/filler 2> /dev/null || truncate -s -{kib}K disk/filler"));
    let (mut probe, mut crm) = (server.anonymous(), server.client(&token));
    eventually("a send has no room", || crm.send(1, 1).status == 503);
    // Longer than a result is kept.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        assert_eq!(probe.call("GET", "/readyz", None).short(), CANNOT_WRITE);
    }
    server.in_its_mounts("rm disk/filler");
    eventually("it is ready again", || probe.call("GET", "/readyz", None).short() == READY);
    assert_eq!(crm.send(1, 1).short(), "200 ");
}

/// Anybody may ask, and a disk has only so many syncs.
#[test]
fn readiness_requests_share_a_sync() {
    let folder = TestFolder::with_sample();
    let server = folder.serve();
    let trace = folder.path("trace");
    let Some(tracer) = FailingCalls::recorded(&server, "inject=fsync,fdatasync:delay_enter=1", &trace) else { return };
    let (began, mut probe) = (Instant::now(), server.anonymous());
    for _ in 0..200 {
        assert_eq!(probe.call("GET", "/readyz", None).short(), READY);
    }
    let seconds = began.elapsed().as_secs();
    drop(tracer);
    let syncs = std::fs::read_to_string(trace).unwrap().lines().count() as u64;
    // One in each second; the first commit to a log syncs its header, too.
    assert!((1..=2 * (seconds + 2)).contains(&syncs), "{syncs} in {seconds} s");
}
