//! What the program says where the way out is not plain.

use rstest::rstest;

use crate::harness::TestFolder;

/// An unknown subcommand proposes what was meant, and nothing that only looks alike.
#[rstest]
#[case(&["serv"], "similar subcommand exists: 'serve'")]
#[case(&["restroe"], "similar subcommand exists: 'restore'")]
#[case(&["start"], "similar subcommand exists: 'serve'")]
#[case(&["info"], "similar subcommand exists: 'status'")]
#[case(&["token", "add"], "similar subcommand exists: 'create'")]
#[case(&["token", "lst"], "similar subcommand exists: 'list'")]
#[case(&["stop"], "tip: a server is stopped by a signal: ")]
#[case(&["stopp"], "")]
#[case(&["add"], "")]
fn an_unknown_subcommand_proposes_what_was_meant(#[case] words: &[&str], #[case] tip: &str) {
    let output = TestFolder::new().run(words);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    let unknown = words.last().unwrap();
    assert!(said.starts_with(&format!("error: unrecognized subcommand '{unknown}'")), "{said}");
    assert!(said.contains(tip), "{said}");
    assert_eq!(said.contains("tip:"), !tip.is_empty(), "{said}");
    assert_eq!(said.contains("restore"), tip.contains("restore"), "{said}");
}

/// A value that another program wrote, and a table that is not there: the sentence has the file and the way out.
#[rstest]
#[case("pragma ignore_check_constraints = on; update token set role = 'BOSS'", &["token", "list"], "\"BOSS\" is not a value of surveyd")]
#[case("pragma ignore_check_constraints = on; update thread set status = 'SHUT'", &["export"], "\"SHUT\" is not a value of surveyd")]
#[case("pragma ignore_check_constraints = on; update thread set status = 'SHUT'", &["export", "--csv", "threads"], "\"SHUT\" is")]
#[case("drop table token_old_secret", &["token", "list"], "token_old_secret")]
fn a_foreign_database_is_named_with_the_way_out(#[case] sql: &str, #[case] words: &[&str], #[case] why: &str) {
    let folder = TestFolder::with_sample();
    folder.token("crm", "integrator");
    folder.database().execute_batch(sql).unwrap();
    let output = folder.run(words);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let expected = "the database surveyd.db cannot be used; `surveyd check` lists what is wrong, and `surveyd restore FILE` puts a backup in its place: ";
    assert!(said.contains(expected) && said.contains(why), "{said}");
    assert!(!said.contains("read-only"), "{said}");
}
