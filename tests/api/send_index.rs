//! The index of the sends: filled behind them, and read by the lists with a filter.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::harness::{Client, Server, TestFolder, eventually};

fn numbers(connection: &Connection, sql: &str) -> Vec<i64> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn ids(client: &mut Client, query: &str) -> Vec<i64> {
    let answer = client.call("GET", &format!("/admin/sends?{query}"), None);
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.json().as_array().unwrap().iter().map(|sent| sent["sendingId"].as_i64().unwrap()).collect()
}

/// Sends 2,000, 4,000 and so on to 200,000, which are three segments and the beginning of a fourth: to the clients 1, 2 and 3 in
/// turn, 40 days ago.
fn with_sends(folder: &TestFolder) -> Connection {
    let connection = folder.database();
    let sql = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 100)
               insert into send select i * 2000, 1 + i % 2, 1 + (i - 1) % 3, 1 + (i - 1) % 3,
                                       (unixepoch() - 40 * 86400) * 1000, 'crm' from n";
    connection.execute_batch(sql).unwrap();
    connection
}

fn wait_for_segments(connection: &Connection, expected: &[i64]) {
    eventually("the segments are indexed", || numbers(connection, "select segment from send_segment") == expected);
}

/// In a file that has sends already. A list has the indexed sends and those after them; an erasure leaves nothing of the client.
#[test]
fn sends_are_indexed_behind_them_and_erased_from_the_index() {
    let folder = TestFolder::with_sample();
    let connection = with_sends(&folder);
    let (token, ops) = (folder.token("crm", "integrator"), folder.token("ops", "admin"));
    let server = folder.serve();
    wait_for_segments(&connection, &[0, 1, 2]);
    assert_eq!(numbers(&connection, "select count(*) from send_index"), [3 * 98]);
    let (mut admin, mut crm) = (server.client(&ops), server.client(&token));
    assert_eq!(crm.send(1, 1).status, 200);
    let of_first: Vec<i64> = (0..34).map(|i| 2000 + i * 6000).chain([200_001]).collect();
    assert_eq!(ids(&mut admin, "client=1"), of_first);
    assert_eq!(ids(&mut admin, "client=1&after=60000&limit=3"), [62_000, 68_000, 74_000]);
    assert_eq!(ids(&mut admin, "client=1&before=140000&limit=3"), [134_000, 128_000, 122_000]);
    assert_eq!(ids(&mut admin, "client=1&form=2&before=end&limit=2"), [194_000, 182_000]);
    assert_eq!(ids(&mut admin, "thread=3&before=end&limit=2"), [198_000, 192_000]);
    assert_eq!(ids(&mut admin, "client=9"), [0; 0]);
    let erased = admin.call("DELETE", "/admin/clients/1?erase=true", None);
    assert_eq!(erased.json()["sends"], 35);
    assert_eq!(ids(&mut admin, "client=1"), [0; 0]);
    assert_eq!(ids(&mut admin, "client=2").len(), 33);
    let left = "select count(*) from send_index where value = 1 and field <> 'form'";
    assert_eq!(numbers(&connection, left), [0]);
    assert_eq!(numbers(&connection, "select count(*) from send_index where field = 'form'"), [98]);
}

#[test]
fn the_index_goes_with_the_sends_that_retention_deletes() {
    let folder = TestFolder::with_sample();
    let connection = with_sends(&folder);
    {
        let _server = folder.serve();
        wait_for_segments(&connection, &[0, 1, 2]);
    }
    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("SURVEYD__RETENTION__SENDS_DAYS", "30");
    let _server = Server::start(command);
    eventually("the index is gone", || {
        ["send", "send_segment", "send_index"].iter().all(|table| {
            let sql = format!("select count(*) from {table}");
            numbers(&connection, &sql) == [0]
        })
    });
}

/// How long lists with a filter take, with a million sends or as many as `SURVEYD_SENDS` says. A
/// measurement, for an idle machine.
#[test]
#[ignore = "a measurement"]
fn filtered_lists_measured() {
    let sends: i64 = std::env::var("SURVEYD_SENDS").map_or(1_000_000, |sends| sends.parse().unwrap());
    let folder = TestFolder::with_sample();
    let connection = folder.database();
    // Each client has ten sends in as many threads, form 3 has ten sends, and form 4 none. The last sends have no segment: the
    // most that a list scans while the index keeps up.
    connection
        .execute_batch(&format!(
            "pragma synchronous = off;
             with recursive n (i) as (select 1 union all select i + 1 from n where i < {sends})
             insert into send select i, iif(i % ({sends} / 10) = 7, 3, 1 + i % 2), i, 1 + i % ({sends} / 10), 1000 * i, 'crm' from n;
             insert into send_segment
                 select distinct sending_id / 65536 from send where sending_id / 65536 < ({sends} + 1) / 65536 - 1;
             insert into send_index
                 select sending_id / 65536, 'client', client_id, sending_id from send
                  where sending_id / 65536 in (select segment from send_segment)
                 union all
                 select sending_id / 65536, 'form', form_id, sending_id from send
                  where sending_id / 65536 in (select segment from send_segment)
                 union all
                 select sending_id / 65536, 'thread', thread_id, sending_id from send
                  where sending_id / 65536 in (select segment from send_segment)
                  order by 1, 2, 3, 4"
        ))
        .unwrap();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    let mut admin = server.client(&ops);
    println!("{sends} sends, {} segments", numbers(&connection, "select count(*) from send_segment")[0]);
    // Client 0 stands for the erased ones, who are not in the index: this is what a scan takes.
    let filters = ["client=42", "thread=42", "form=3", "form=4", "form=1", "client=42&form=1", "client=0"];
    for filter in filters.iter().flat_map(|filter| [(*filter).to_owned(), format!("{filter}&before=end")]) {
        let times = (0..5).map(|_| {
            let began = Instant::now();
            let found = ids(&mut admin, &filter).len();
            (began.elapsed(), found)
        });
        let (time, found) = times.min().unwrap_or((Duration::ZERO, 0));
        println!("{filter}: {found} rows in {:.1} ms", time.as_secs_f64() * 1000.0);
    }
}
