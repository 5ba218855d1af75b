//! Pages of lists and the links between them, and the search for clients and their threads.

use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Channel, Client, ClientRow, Server, TestFolder, Thread};

/// The rows of a page, and the reference of its link to the next.
fn page(client: &mut Client, target: &str) -> (Vec<Value>, Option<String>) {
    let answer = client.call("GET", target, None);
    assert_eq!(answer.status, 200, "{target}: {answer:?}");
    let next = answer.header("link").map(|link| {
        let reference = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
        reference.unwrap_or_else(|| panic!("{link}")).to_owned()
    });
    let Value::Array(rows) = answer.json() else { panic!("{target}: {answer:?}") };
    (rows, next)
}

/// The ids of each page. Follows the links.
fn all(client: &mut Client, path: &str, query: &str, key: &str) -> Vec<String> {
    let (mut pages, mut reference) = (Vec::new(), format!("?{query}"));
    loop {
        let (rows, next) = page(client, &format!("{path}{reference}"));
        pages.push(rows.iter().map(|row| row[key].to_string()).collect::<Vec<_>>().join(" "));
        match next {
            Some(next) => reference = next,
            None => return pages,
        }
    }
}

/// A fake with five rows in each list; its two refused attempts are among five, too.
fn with_five_rows() -> Server {
    let fake = Server::fake();
    let (mut admin, mut crm) = (fake.client("test-admin"), fake.client("test-crm"));
    admin.put(&Channel::new(1).delivery_url("http://127.0.0.1:9/"));
    (0..5).for_each(|_| assert_eq!(crm.send(1, 1).status, 200));
    for name in ["a", "b", "c", "d", "e"] {
        assert_eq!(admin.call("POST", "/admin/tokens", Some(&json!({"name": name, "role": "OPERATOR"}))).status, 201);
    }
    fake
}

#[rstest]
#[case("sends", "limit=2", "sendingId", "1 2 | 3 4 | 5")]
#[case("sends", "limit=5", "sendingId", "1 2 3 4 5")]
#[case("sends", "limit=2&before=end", "sendingId", "5 4 | 3 2 | 1")]
#[case("sends", "limit=2&before=end&after=1", "sendingId", "5 4 | 3 2")]
#[case("sends", "after=1&limit=2&form=1&client=1", "sendingId", "2 3 | 4 5")]
#[case("sends", "wait=20s&limit=2", "sendingId", "1 2 | 3 4 | 5")]
#[case("deliveries", "limit=2&channel=1", "sendingId", "1 2 | 3 4 | 5")]
#[case("deliveries", "limit=4&before=end", "sendingId", "5 4 3 2 | 1")]
#[case("audit", "limit=4", "id", "1 2 3 4 | 5 6")]
#[case("audit", "limit=4&before=6", "id", "5 4 3 2 | 1")]
#[case("tokens", "limit=3", "id", "1 2 3 | 4 5")]
#[case("attempts", "after=0&limit=2", "id", "1 2 | 3 4 | 5")]
#[case("attempts", "before=5&limit=2", "id", "4 3 | 2 1")]
#[case("attempts", "limit=2", "id", "4 5 | 3 2 | 1")]
#[case("attempts", "limit=5", "id", "1 2 3 4 5")]
#[case("clients", "limit=3", "id", "1 2 3 | 4")]
#[case("threads", "limit=1&client=2", "id", "2 | 3")]
#[case("channels", "limit=1", "id", "1 | 2")]
#[case("forms", "limit=1", "id", "1 | 2")]
fn a_list_that_was_cut_links_to_its_next_page(
    #[case] list: &str,
    #[case] query: &str,
    #[case] key: &str,
    #[case] expected: &str,
) {
    let fake = with_five_rows();
    let pages = all(&mut fake.client("test-admin"), &format!("/admin/{list}"), query, key);
    assert_eq!(pages.join(" | "), expected);
}

/// The link has no path, keeps the other parameters in their order, and escapes their values.
#[test]
fn a_link_is_the_query_of_the_page_with_another_cursor() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    for id in [11, 12] {
        admin.put(&ClientRow::new(id).set("name", "Zoë & <Co>"));
    }
    let target = "/admin/clients?q=zo%C3%AB+%26%20%3C&limit=1";
    insta::assert_snapshot!(admin.call("GET", target, None).whole(), @r#"
    200
    Cache-Control: no-store
    Content-Length: 32
    Content-Type: application/json
    Link: <?q=zo%C3%AB%20%26%20%3C&limit=1&after=11>; rel="next"
    X-Content-Type-Options: nosniff

    [{"id":11,"name":"Zoë & <Co>"}]
    "#);
    let (rows, next) = page(&mut admin, "/admin/clients?after=11&q=zo%C3%AB+%26%20%3C&limit=1");
    assert_eq!((rows[0]["id"].as_i64(), next), (Some(12), None));
    let head = admin.call("HEAD", target, None);
    assert_eq!(head.header("link"), admin.call("GET", target, None).header("link"));
}

/// A report to be read is a page, too.
#[test]
fn a_report_of_attempts_links_to_the_next() {
    let fake = with_five_rows();
    let answer = fake.client("test-admin").call_with("GET", "/admin/attempts?limit=2", "Accept: text/plain\r\n", b"");
    assert_eq!(answer.header("link"), Some("<?limit=2&before=4>; rel=\"next\""));
    assert_eq!(answer.body, "POST /api/v1/quality/send -> 200\n".repeat(2));
}

#[test]
fn clients_are_found_by_the_beginning_of_what_is_known_of_them() {
    let folder = TestFolder::with_sample();
    let ops = folder.token("ops", "admin");
    let server = folder.serve();
    let mut admin = server.client(&ops);
    admin.put(&ClientRow::new(11).external_id("CRM-11").set("name", "Анна Петрова").set("phone", "79120000011"));
    admin.put(&ClientRow::new(12).set("name", "анна").set("phone", "+79120000012"));
    let mut ids = |query: &str| -> Vec<i64> {
        let (rows, next) = page(&mut admin, &format!("/admin/clients?{query}"));
        assert_eq!(next, None);
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids("q=crm-1"), [1, 11]);
    assert_eq!(ids("q=%D0%90%D0%9D%D0%9D%D0%90"), [11, 12], "АННА");
    assert_eq!(ids("q=%2B7%20(912)%20000"), [11, 12]);
    assert_eq!(ids("q=8-912-000-00-12"), [12]);
    assert_eq!(ids("q=crm-1&after=1"), [11]);
    assert_eq!(ids("q=nobody"), [0; 0]);
}

#[test]
fn threads_are_listed_by_client() {
    let fake = Server::fake();
    let mut admin = fake.client("test-admin");
    admin.put(&Thread::closed(70).client(4));
    admin.put(&Thread::closed(60).client(4));
    let mut ids = |query: &str| -> Vec<i64> {
        let (rows, _) = page(&mut admin, &format!("/admin/threads?{query}"));
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids("client=4"), [60, 70]);
    assert_eq!(ids("client=4&after=60"), [70]);
    assert_eq!(ids("client=99"), [0; 0]);
}

#[rstest]
#[case("clients?q=", "q must be 1 to 255 characters")]
#[case("clients?name=x", "The query has an unknown parameter \"name\"; it may have after, limit, q")]
#[case("threads?client=crm-1", "client must be a 64-bit integer")]
#[case("threads?q=1", "The query has an unknown parameter \"q\"; it may have after, limit, client")]
fn a_bad_search_is_refused_in_one_sentence(#[case] target: &str, #[case] message: &str) {
    let answer = Server::fake().client("test-admin").call("GET", &format!("/admin/{target}"), None);
    assert_eq!(answer.short(), format!("400 {message}"));
}

#[test]
fn a_text_of_ten_thousand_characters_is_refused_in_one_sentence() {
    let target = format!("/admin/clients?q={}", "x".repeat(10_000));
    let answer = Server::fake().client("test-admin").call("GET", &target, None);
    assert_eq!(answer.short(), "400 q must be 1 to 255 characters");
}
