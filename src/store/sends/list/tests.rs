//! A list by the index is the list that a scan gives.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::store::{file::open::open_in_memory, plan_of, send_index::fill_segment};

/// The size of a segment in these tests.
const SIZE: i64 = 8;

/// A send: its client, thread and form.
type Values = (i64, i64, i64);

/// What a filter asks of a send.
fn fits(filter: &SendFilter, id: i64, (client, thread, form): Values) -> bool {
    let is = |wanted: Option<i64>, value| wanted.is_none_or(|wanted| wanted == value);
    id > filter.after.unwrap_or(0)
        && id < filter.before.unwrap_or(i64::MAX)
        && is(filter.client, client)
        && is(filter.thread, thread)
        && is(filter.form, form)
}

fn filters() -> impl Strategy<Value = SendFilter> {
    let id = || prop::option::of(prop_oneof![-1..60_i64, Just(i64::MAX)]);
    let value = || prop::option::of(0..4_i64);
    let all = (id(), id(), value(), value(), value());
    all.prop_map(|(after, before, client, thread, form)| SendFilter { after, before, client, thread, form })
}

/// Lists all pages, by the cursor that continues them.
fn pages(connection: &Connection, mut filter: SendFilter, limit: usize) -> Vec<i64> {
    let mut ids: Vec<i64> = Vec::new();
    loop {
        let page = list_by(connection, filter, limit, SIZE).expect("a page");
        assert!(page.sends.len() <= limit, "{filter:?}");
        ids.extend(page.sends.iter().map(|sent| sent.sending_id.0));
        if page.sends.len() < limit {
            return ids;
        }
        let cursor = if filter.before.is_some() { &mut filter.before } else { &mut filter.after };
        *cursor = page.sends.last().map(|sent| sent.sending_id.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Whatever was sent, deleted and indexed; client and thread 0 are those of erased sends.
    #[test]
    fn a_list_by_the_index_is_the_list_by_a_scan(
        sends in vec((0..4_i64, 0..4_i64, 0..3_i64), 0..50),
        deleted in vec(1..50_i64, 0..20),
        unlisted in vec(0..7_i64, 0..3),
        filters in vec(filters(), 20),
        limit in 1..9_usize,
    ) {
        let connection = open_in_memory().expect("a database");
        let mut insert = connection.prepare("insert into send values (?1, ?4, ?3, ?2, 0, 'crm')").expect("a statement");
        for (id, (client, thread, form)) in (1_i64..).zip(&sends) {
            insert.execute([id, *client, *thread, *form]).expect("a row");
        }
        for id in &deleted[..deleted.len() / 2] {
            connection.execute("delete from send where sending_id = ?1", [id]).expect("no error");
        }
        while fill_segment(&connection, 7, SIZE).expect("a step") {}
        // After they were indexed.
        for id in &deleted[deleted.len() / 2..] {
            connection.execute("delete from send where sending_id = ?1", [id]).expect("no error");
        }
        for segment in unlisted {
            connection.execute("delete from send_segment where segment = ?1", [segment]).expect("no error");
        }
        let kept: Vec<(i64, Values)> = (1_i64..).zip(sends).filter(|(id, _)| !deleted.contains(id)).collect();
        for filter in filters {
            let mut expected: Vec<i64> =
                kept.iter().filter(|(id, values)| fits(&filter, *id, *values)).map(|(id, _)| *id).collect();
            if filter.before.is_some() {
                expected.reverse();
            }
            prop_assert_eq!(pages(&connection, filter, limit), &expected[..], "{:?}", filter);
            let page = list_by(&connection, filter, limit, SIZE).expect("a page");
            let newest = kept.last().map_or(0, |(id, _)| *id).max(filter.after.unwrap_or(0));
            let seen = expected.get(limit - 1).copied().unwrap_or(newest);
            prop_assert_eq!(page.seen, seen, "{:?}", filter);
        }
    }
}

/// What is indexed is not scanned: without its rows in the index a send of a listed segment is not found.
#[test]
fn a_listed_segment_is_read_by_its_index_alone() {
    let connection = open_in_memory().expect("a database");
    let sql = "with recursive n (id) as (select 1 union all select id + 1 from n limit 20)
               insert into send select id, 5, 6, 7, 0, 'crm' from n";
    connection.execute_batch(sql).expect("rows");
    while fill_segment(&connection, 100, SIZE).expect("a step") {}
    connection.execute("delete from send_index where sending_id not in (3, 9)", []).expect("rows");
    for filter in [
        SendFilter { client: Some(7), ..SendFilter::default() },
        SendFilter { thread: Some(6), ..SendFilter::default() },
        SendFilter { form: Some(5), ..SendFilter::default() },
        SendFilter { client: Some(7), thread: Some(6), form: Some(5), ..SendFilter::default() },
    ] {
        assert_eq!(pages(&connection, filter, 3), [3, 9, 16, 17, 18, 19, 20]);
        let newest_first = SendFilter { before: Some(i64::MAX), ..filter };
        assert_eq!(pages(&connection, newest_first, 3), [20, 19, 18, 17, 16, 9, 3]);
    }
    assert_eq!(pages(&connection, SendFilter::default(), 3).len(), 20);
}

#[test]
fn a_page_of_a_segment_is_a_range_of_its_index() {
    let filter = SendFilter { client: Some(1), thread: Some(2), form: Some(3), ..SendFilter::default() };
    for filter in [filter, SendFilter { before: Some(9), ..filter }] {
        let plan = plan_of(&filter.statement(filter.indexed()));
        let by_index = "SEARCH i USING PRIMARY KEY (segment=? AND field=? AND value=? AND sending_id>? AND sending_id<?)\n\
                        SEARCH send USING INTEGER PRIMARY KEY (rowid=?)\n";
        assert!(plan.starts_with(by_index) && !plan.contains("B-TREE"), "{plan}");
        let plan = plan_of(&filter.statement(None));
        let by_range = "SEARCH send USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)\n";
        assert!(plan.starts_with(by_range) && !plan.contains("B-TREE"), "{plan}");
    }
}

#[test]
fn the_most_selective_field_is_looked_up() {
    let filter = |client, thread, form| SendFilter { client, thread, form, ..SendFilter::default() };
    let indexed = |client, thread, form| filter(client, thread, form).indexed().map(|(field, _)| field);
    assert_eq!(indexed(Some(1), Some(2), Some(3)), Some(Field::Thread));
    assert_eq!(indexed(Some(1), None, Some(3)), Some(Field::Client));
    assert_eq!(indexed(None, None, Some(0)), Some(Field::Form));
    assert_eq!(indexed(Some(NOBODY), Some(NOBODY), None), None);
    assert_eq!(indexed(None, None, None), None);
}
