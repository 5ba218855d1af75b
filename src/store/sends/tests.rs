//! What a list of sends holds, and where its next page begins.

use rstest::rstest;

use super::*;
use crate::store::file::open::open_in_memory;
use crate::survey::ids::FormId;

/// Six sends: clients 1, 2, 1, 2, ...; threads 10, 20, 30, ...; forms 5, 6, 5, 6, ....
fn database() -> Connection {
    let connection = open_in_memory().expect("a database");
    let sql = "with recursive n (id) as (select 1 union all select id + 1 from n limit 6)
               insert into send select id, 6 - id % 2, id * 10, 2 - id % 2, id * 1000, 'crm' from n";
    connection.execute_batch(sql).expect("rows");
    connection.execute("insert into delivery values (2, 1, 'w', 'b', 'dead', 1, 0, 0, 'no')", []).expect("a row");
    connection
}

#[rstest]
#[case(SendFilter::default(), 9, &[1, 2, 3, 4, 5, 6], 6)]
#[case(SendFilter::default(), 6, &[1, 2, 3, 4, 5, 6], 6)]
#[case(SendFilter::default(), 4, &[1, 2, 3, 4], 4)]
#[case(SendFilter { after: Some(2), ..SendFilter::default() }, 2, &[3, 4], 4)]
#[case(SendFilter { after: Some(9), ..SendFilter::default() }, 2, &[], 9)]
#[case(SendFilter { before: Some(4), ..SendFilter::default() }, 2, &[3, 2], 2)]
#[case(SendFilter { client: Some(2), ..SendFilter::default() }, 9, &[2, 4, 6], 6)]
#[case(SendFilter { client: Some(1), ..SendFilter::default() }, 9, &[1, 3, 5], 6)]
#[case(SendFilter { client: Some(1), ..SendFilter::default() }, 2, &[1, 3], 3)]
#[case(SendFilter { thread: Some(20), ..SendFilter::default() }, 9, &[2], 6)]
#[case(SendFilter { form: Some(6), ..SendFilter::default() }, 9, &[2, 4, 6], 6)]
fn a_page_ends_where_the_next_one_begins(
    #[case] filter: SendFilter,
    #[case] limit: usize,
    #[case] ids: &[i64],
    #[case] seen: i64,
) {
    let page = list(&database(), filter, limit).expect("a page");
    assert_eq!(page.sends.iter().map(|sent| sent.sending_id.0).collect::<Vec<_>>(), ids);
    assert_eq!(page.seen, seen);
}

#[test]
fn a_send_is_read_with_its_client_and_the_state_of_its_delivery() {
    let connection = database();
    connection.execute("insert into client (id, external_id) values (1, 'crm-1')", []).expect("a row");
    let sent = |id, thread, client, external_id: Option<&str>, form, delivery| SentSurvey {
        sending_id: SendingId(id),
        quality_form_id: FormId(form),
        thread_id: ThreadId(thread),
        client_id: ClientId(client),
        client_external_id: external_id.map(str::to_owned),
        sent_at: Time(id * 1000),
        token: "crm".to_owned(),
        delivery,
    };
    let listed = list(&connection, SendFilter::default(), 2).expect("a page").sends;
    assert_eq!(listed[0], sent(1, 10, 1, Some("crm-1"), 5, DeliveryState::Recorded));
    assert_eq!(listed[1], sent(2, 20, 2, None, 6, DeliveryState::Dead));
    let record = SendRecord {
        sending_id: SendingId(2),
        client: ClientId(2),
        thread: ThreadId(20),
        sent_at: Time(2000),
        token: "crm".to_owned(),
    };
    assert_eq!(get(&connection, SendingId(2)), Ok(Some(record)));
    assert_eq!(get(&connection, SendingId(7)), Ok(None));
}

#[test]
fn the_last_id_outlives_its_send() {
    let connection = open_in_memory().expect("a database");
    assert_eq!(last_id(&connection), Ok(0));
    let connection = database();
    connection.execute("delete from send", []).expect("no rows");
    assert_eq!(last_id(&connection), Ok(6));
}
