//! What the index has, and when a list may read it.

use super::{
    fill::Filling,
    sweep::{IndexSweep, sweep_index},
    *,
};
use crate::store::file::open::open_in_memory;

/// The size of a segment in these tests.
const SIZE: i64 = 4;

/// Ten sends, which are two complete segments and a part of a third: 1 to 3, 4 to 7, 8 to 10. Clients 1, 2, 1, 2, ...; threads
/// 10, 20, 30, ...; form 5.
fn database() -> Connection {
    let connection = open_in_memory().expect("a database");
    let sql = "with recursive n (id) as (select 1 union all select id + 1 from n limit 10)
               insert into send select id, 5, id * 10, 2 - id % 2, 0, 'crm' from n";
    connection.execute_batch(sql).expect("rows");
    connection
}

/// Fills all complete segments, in steps of two rows.
fn fill(connection: &Connection) {
    while fill_segment(connection, 2, SIZE).expect("steps") {}
}

fn segments(connection: &Connection) -> Vec<i64> {
    let mut statement = connection.prepare("select segment from send_segment").expect("a statement");
    let rows = statement.query_map([], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("rows")
}

/// Such as `client 1: 1`: the field, the value, the send.
fn rows(connection: &Connection, segment: i64) -> Vec<String> {
    let sql = "select field || ' ' || value || ': ' || sending_id from send_index where segment = ?1";
    let mut statement = connection.prepare(sql).expect("a statement");
    let rows = statement.query_map([segment], |row| row.get(0)).expect("rows");
    rows.collect::<Result<_, _>>().expect("rows")
}

#[test]
fn complete_segments_are_indexed_and_the_last_sends_are_not() {
    let connection = database();
    fill(&connection);
    assert_eq!(segments(&connection), [0, 1]);
    let first = ["client 1: 1", "client 1: 3", "client 2: 2", "form 5: 1", "form 5: 2", "form 5: 3"];
    assert_eq!(rows(&connection, 0), [&first[..], &["thread 10: 1", "thread 20: 2", "thread 30: 3"]].concat());
    assert_eq!(rows(&connection, 2), [""; 0]);
    connection.execute("insert into send values (11, 5, 1, 1, 0, 'crm')", []).expect("a row");
    fill(&connection);
    assert_eq!(segments(&connection), [0, 1, 2]);
}

/// A segment is listed with the last rows of its last field; one that was interrupted is filled again.
#[test]
fn a_segment_is_listed_when_it_is_filled() {
    let connection = database();
    for field in Field::ALL {
        let mut filling = Filling::read(&connection, 0, field, SIZE).expect("rows");
        assert!(filling.write_some(&connection, 2).expect("a step"));
        assert_eq!(segments(&connection), [0; 0]);
        if field != Field::Thread {
            assert!(!filling.write_some(&connection, 2).expect("a step"));
            assert_eq!(segments(&connection), [0; 0]);
        }
    }
    assert_eq!(rows(&connection, 0).len(), 8);
    fill(&connection);
    assert_eq!(segments(&connection), [0, 1]);
    assert_eq!(rows(&connection, 0).len(), 9);
}

/// Of a client who is erased while their sends are indexed, nothing stays.
#[test]
fn an_erased_send_is_not_indexed() {
    let connection = database();
    let erase = |id: i64| {
        forget(&connection, id, SIZE).expect("no row");
        let sql = "update send set client_id = 0, thread_id = 0 where sending_id = ?1";
        connection.execute(sql, [id]).expect("a row");
    };
    erase(1);
    let mut filling = Filling::read(&connection, 0, Field::Client, SIZE).expect("rows");
    filling.write_some(&connection, 1).expect("a step");
    erase(2);
    erase(3);
    while filling.write_some(&connection, 2).expect("a step") {}
    assert_eq!(rows(&connection, 0), [""; 0]);
    fill(&connection);
    assert_eq!(rows(&connection, 0), ["form 5: 1", "form 5: 2", "form 5: 3"]);
    erase(4);
    assert_eq!(rows(&connection, 1)[..3], ["client 1: 5", "client 1: 7", "client 2: 6"]);
    assert!(!rows(&connection, 1).contains(&"thread 40: 4".to_owned()));
}

#[test]
fn the_index_goes_with_the_last_send_of_a_segment() {
    let connection = database();
    fill(&connection);
    let sweep = || {
        let mut sweep = IndexSweep { size: SIZE, after: -1 };
        while sweep_index(&connection, &mut sweep).expect("a step").unaudited() {}
    };
    connection.execute("delete from send where sending_id in (1, 2, 4, 5, 6, 7)", []).expect("rows");
    sweep();
    assert_eq!((segments(&connection), rows(&connection, 0).len(), rows(&connection, 1).len()), (vec![0], 9, 0));
    fill(&connection);
    assert_eq!(segments(&connection), [0], "a segment without sends is not filled again");
    connection.execute("delete from send", []).expect("rows");
    sweep();
    fill(&connection);
    assert_eq!((segments(&connection), rows(&connection, 0).len()), (Vec::new(), 0));
}

#[test]
fn ranges_are_in_the_order_of_the_sends_and_meet() {
    let connection = database();
    connection.execute("insert into send_segment values (0), (2), (3)", []).expect("rows");
    let range = |after, before, segment| Range { after, before, segment };
    let divided = |after, before| ranges(&connection, after, before, SIZE).expect("ranges");
    assert_eq!(
        divided(0, i64::MAX),
        [
            range(0, 4, Some(0)),
            range(3, 8, None),
            range(7, 12, Some(2)),
            range(11, 16, Some(3)),
            range(15, i64::MAX, None)
        ]
    );
    assert_eq!(divided(1, 3), [range(1, 3, Some(0))]);
    assert_eq!(divided(4, 10), [range(4, 8, None), range(7, 10, Some(2))]);
    assert_eq!(divided(9, 10), []);
    assert_eq!(divided(9, 3), []);
    assert_eq!(divided(i64::MAX, i64::MAX), []);
    assert_eq!(divided(0, i64::MIN), []);
}
