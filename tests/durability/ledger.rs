//! What was reported to clients about each send, and the comparison with what the database holds.

use std::{
    collections::BTreeMap,
    io,
    ops::Range,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use crate::harness::{Channel, Client, ClientRow, Form, Response, Server, TestFolder, Thread, World};

/// What the client knows of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// 200.
    Recorded,
    /// 503, and nothing was done.
    NothingDone,
    /// 503, and it is not known whether it was recorded.
    Unknown,
    /// No whole answer.
    Nothing,
}

impl Reported {
    fn of(answer: io::Result<Response>) -> Self {
        let Ok(answer) = answer else { return Self::Nothing };
        match (answer.status, answer.body.as_str()) {
            (200, _) => Self::Recorded,
            (503, text) if text.contains("nothing was done") => Self::NothingDone,
            (503, text) if text.contains("not known whether") => Self::Unknown,
            (500, _) => Self::Unknown,
            _ => panic!("neither 200 nor 503 with a known message: {answer:?}"),
        }
    }
}

/// A database with so many threads, one for each send, so that a second row is an error. Each send has a delivery, which
/// nothing tries: a whole send is a row in each of three tables. Returns the secret of a token that may send.
pub fn prepare(folder: &TestFolder, threads: i64) -> String {
    let channel = Channel::new(1).delivery_url("http://93.184.216.34/").set("deliveryOff", "for the test");
    let world = World::new().surveys(true).with(channel).with(ClientRow::new(1)).with(Form::new(1));
    folder.apply(world.with_all((1..=threads).map(Thread::closed)));
    folder.token("crm", "integrator")
}

/// Sends to a thread, with a key of its own.
pub fn send(crm: &mut Client, thread: i64) -> io::Result<Response> {
    let body = json!({"clientId": {"type": "threadId", "id": thread}, "qualityFormId": 1}).to_string();
    let lines = format!("Content-Type: application/json\r\nIdempotency-Key: send-{thread}\r\n");
    crm.try_call_with("POST", "/api/v1/quality/send", &lines, body.as_bytes())
}

/// What was reported about each send that was asked for.
#[derive(Clone, Default)]
pub struct Ledger {
    pub reported: BTreeMap<i64, Reported>,
}

impl Ledger {
    /// Sends to these threads, one after the other, until the first answer that is not 200.
    pub fn send_each(&mut self, crm: &mut Client, threads: impl IntoIterator<Item = i64>) -> Reported {
        for thread in threads {
            let reported = Reported::of(send(crm, thread));
            self.reported.insert(thread, reported);
            if reported != Reported::Recorded {
                return reported;
            }
        }
        Reported::Recorded
    }

    /// The next thread that nothing was sent to.
    pub fn next(&self) -> i64 {
        self.reported.keys().next_back().map_or(1, |last| last + 1)
    }

    /// How many sends have this fate.
    pub fn count(&self, reported: Reported) -> usize {
        self.reported.values().filter(|other| **other == reported).count()
    }

    /// Whether the database holds a send of which the client does not know it, and whether it lacks one.
    pub fn unknown_ones(&self, database: &Path) -> (bool, bool) {
        let connection = Connection::open(database).unwrap();
        let mut statement = connection.prepare("select exists (select 1 from send where thread_id = ?1)").unwrap();
        let unknown =
            self.reported.iter().filter(|(_, reported)| matches!(reported, Reported::Unknown | Reported::Nothing));
        let there: Vec<bool> =
            unknown.map(|(thread, _)| statement.query_row([thread], |row| row.get(0)).unwrap()).collect();
        (there.contains(&true), there.contains(&false))
    }

    /// What the database of a folder holds that contradicts what was reported: one sentence for each error.
    pub fn contradictions(&self, database: &Path) -> Vec<String> {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        let sql = "select thread_id, count(*), count(d.sending_id), count(k.sending_id) from send
                   left join delivery d using (sending_id) left join idempotency_key k using (sending_id)
                   group by thread_id";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)))).unwrap();
        let mut found: BTreeMap<i64, (i64, i64, i64)> = rows.collect::<Result<_, _>>().unwrap();
        let mut contradictions = Vec::new();
        for (thread, reported) in &self.reported {
            match (reported, found.remove(thread)) {
                (Reported::Recorded, None) => contradictions.push(format!("the send to {thread} is lost")),
                (Reported::NothingDone, Some(_)) => {
                    contradictions.push(format!("nothing was done for {thread}, and a send is there"));
                }
                (_, None | Some((1, 1, 1))) => {}
                (_, Some(rows)) => {
                    contradictions
                        .push(format!("of the send to {thread} there are {rows:?} rows, not one in each table"));
                }
            }
        }
        contradictions.extend(found.keys().map(|thread| format!("nobody asked for the send to {thread}")));
        let sql = "select (select count(*) from delivery where sending_id not in (select sending_id from send))
                        + (select count(*) from idempotency_key where sending_id not in (select sending_id from send))";
        let half: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        contradictions.extend((half > 0).then(|| format!("{half} rows are of no send")));
        contradictions
    }

    /// Checks the database of a folder that no server uses: it is sound, and contradicts nothing.
    pub fn check(&self, folder: &TestFolder, when: &str) {
        // First by the program, which opens it as the first after the fault.
        let output = folder.run(&["check"]);
        assert!(output.status.success(), "{when}: {}", String::from_utf8_lossy(&output.stdout));
        let contradictions = self.contradictions(&folder.path("surveyd.db"));
        assert!(contradictions.is_empty(), "{when}: {contradictions:?}");
    }

    /// Asks again for each send of which it is not known whether it was recorded, with its key. Then every one was.
    pub fn ask_again(&mut self, crm: &mut Client) {
        for (thread, reported) in &mut self.reported {
            if matches!(reported, Reported::Unknown | Reported::Nothing) {
                assert_eq!(send(crm, *thread).unwrap().short(), "200 ");
                *reported = Reported::Recorded;
            }
        }
    }
}

/// Sends by several clients at once, while they run.
#[derive(Default)]
pub struct Load {
    /// How many 200s there were up to now.
    pub answers: AtomicUsize,
    /// Whether an answer counts as none from now on.
    pub is_cut_off: AtomicBool,
}

/// Sends by several clients at once, each to its threads, until its first answer that is not 200 or until its threads have
/// ended. `during` runs meanwhile.
pub fn load<T>(server: &Server, token: &str, ranges: &[Range<i64>], during: impl FnOnce(&Load) -> T) -> (Ledger, T) {
    let load = Load::default();
    thread::scope(|scope| {
        let clients: Vec<_> = ranges
            .iter()
            .map(|range| {
                let (mut crm, load, range) = (server.client(token), &load, range.clone());
                scope.spawn(move || {
                    let mut ledger = Ledger::default();
                    for thread in range {
                        let reported = ledger.send_each(&mut crm, [thread]);
                        if load.is_cut_off.load(Ordering::SeqCst) {
                            ledger.reported.insert(thread, Reported::Nothing);
                            break;
                        }
                        if reported != Reported::Recorded {
                            break;
                        }
                        load.answers.fetch_add(1, Ordering::Relaxed);
                    }
                    ledger
                })
            })
            .collect();
        let result = during(&load);
        let reported = clients.into_iter().flat_map(|client| client.join().unwrap().reported).collect();
        (Ledger { reported }, result)
    })
}

/// The control of every check here: each kind of error is found.
#[test]
fn a_contradiction_is_found() {
    let folder = TestFolder::new();
    let token = prepare(&folder, 10);
    let server = folder.serve();
    let mut ledger = Ledger::default();
    assert_eq!(ledger.send_each(&mut server.client(&token), 1..=6), Reported::Recorded);
    server.stop();
    ledger.check(&folder, "without a fault");
    let database = folder.database();
    for (sql, contradiction) in [
        ("delete from send where thread_id = 1", "the send to 1 is lost"),
        (
            "delete from delivery where sending_id = 2",
            "of the send to 2 there are (1, 0, 1) rows, not one in each table",
        ),
        ("delete from idempotency_key where sending_id = 3", "of the send to 3 there are (1, 1, 0) rows"),
        ("update send set thread_id = 5 where thread_id = 4", "of the send to 5 there are (2, 2, 2) rows"),
        ("update send set thread_id = 9 where thread_id = 6", "nobody asked for the send to 9"),
    ] {
        database.execute_batch(sql).unwrap();
        let found = ledger.contradictions(&folder.path("surveyd.db"));
        assert!(found.iter().any(|found| found.starts_with(contradiction)), "{sql}: {found:?}");
    }
    ledger.reported.insert(2, Reported::NothingDone);
    let found = ledger.contradictions(&folder.path("surveyd.db"));
    assert!(found.contains(&"nothing was done for 2, and a send is there".to_owned()), "{found:?}");
    assert!(found.contains(&"2 rows are of no send".to_owned()), "{found:?}");
}
