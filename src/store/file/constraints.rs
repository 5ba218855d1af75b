//! The CHECK constraints of a file. SQLite leaves them out of `integrity_check` if the file is open only to be read.

use rusqlite::Connection;

use crate::store::file::sql::{is_blank, tokens};

/// Calls `report` with a sentence for each row that breaks a CHECK constraint of its table, in the words of SQLite.
pub(super) fn check_constraints(connection: &Connection, report: &mut dyn FnMut(String)) -> rusqlite::Result<()> {
    let sql = "select name, sql from sqlite_schema where type = 'table' and sql is not null order by name";
    let mut tables = connection.prepare(sql)?;
    let mut tables = tables.query([])?;
    while let Some(table) = tables.next()? {
        let (name, sql): (String, String) = (table.get(0)?, table.get(1)?);
        let broken: Vec<_> = conditions(&sql).iter().map(|condition| format!("not ({condition})")).collect();
        if broken.is_empty() {
            continue;
        }
        let quoted = name.replace('"', "\"\"");
        let count = format!("select count(*) from \"{quoted}\" where {}", broken.join(" or "));
        let count: u32 = connection.query_row(&count, [], |row| row.get(0))?;
        (0..count).for_each(|_| report(format!("CHECK constraint failed in {name}")));
    }
    Ok(())
}

/// The conditions of the CHECK constraints in a `create table`.
fn conditions(sql: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut depth, mut at, mut last_word) = (0_u32, 0, "");
    // Of the condition that is being read: where it begins, and how deep.
    let mut open: Option<(usize, u32)> = None;
    for token in tokens(sql) {
        match token {
            "(" => {
                depth += 1;
                if open.is_none() && last_word.eq_ignore_ascii_case("check") {
                    open = Some((at + 1, depth));
                }
            }
            ")" => {
                if let Some((begin, _)) = open.take_if(|(_, of)| *of == depth) {
                    found.push(&sql[begin..at]);
                }
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        if !is_blank(token) {
            last_word = token;
        }
        at += token.len();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::file::open::open_in_memory;

    #[test]
    fn conditions_are_found_between_comments_and_texts() {
        let sql = "create table t (a text, -- not check (this), it's a comment
                     constraint c CHECK /* ( */ (a <> ')' and length(a) > 1), b int check(b in (1, 2)), \"check\" int)";
        assert_eq!(conditions(sql), ["a <> ')' and length(a) > 1", "b in (1, 2)"]);
    }

    /// In a file that can be written to, SQLite finds the same.
    #[test]
    fn every_constraint_of_the_schema_is_found() {
        let connection = open_in_memory().expect("a database");
        let mut statement = connection.prepare("select sql from sqlite_schema where type = 'table'").expect("SQL");
        let tables = statement.query_map([], |row| row.get::<_, Option<String>>(0)).expect("tables");
        let tables: Vec<_> = tables.filter_map(|sql| sql.expect("a row")).collect();
        let found: usize = tables.iter().map(|sql| conditions(sql).len()).sum();
        let without_comments = |sql: &String| sql.lines().map(|line| line.split("--").next().unwrap_or("")).collect();
        let written: usize =
            tables.iter().map(without_comments).map(|sql: String| sql.matches("check (").count()).sum();
        assert!(found == written && found > 10, "{found} of {written}");
        check_constraints(&connection, &mut |problem| panic!("{problem}")).expect("every condition is SQL");
    }
}
