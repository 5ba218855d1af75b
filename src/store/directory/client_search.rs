//! Clients found by the beginning of their external id, name or phone.

use std::{collections::BTreeSet, iter::once};

use rusqlite::{Connection, types::Value};

use crate::store::directory::DirectoryRow;
use crate::{
    store::{
        authorized::{AccessError, AuthorizedStore},
        error::StoreError,
    },
    survey::{model::Client, phone},
};

/// After every text that has the same beginning: no text has this last code point.
const LAST: char = char::MAX;

/// The ways to write a text that has been typed. SQLite's indexes tell `a` from `A`, and its `upper` knows only ASCII.
fn spellings(typed: &str) -> BTreeSet<String> {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    };
    let lower = typed.to_lowercase();
    let words: Vec<String> = lower.split(' ').map(capital).collect();
    BTreeSet::from([typed.to_owned(), capital(typed), words.join(" "), typed.to_uppercase(), lower])
}

/// The statement for so many spellings and notations: each is a range of an index.
fn statement(spellings: usize, notations: usize) -> String {
    let columns = ["external_id", "name"].into_iter().flat_map(|column| (0..spellings).map(move |n| (column, n)));
    let ranges = columns.chain((spellings..spellings + notations).map(|n| ("phone", n))).map(|(column, n)| {
        let (from, to) = (2 * n + 3, 2 * n + 4);
        let range = format!("select id from client where {column} >= ?{from} and {column} < ?{to} and id >= ?1");
        format!("select id from ({range} order by id limit ?2)")
    });
    let ids = ranges.collect::<Vec<_>>().join(" union ");
    format!("select {} from client where id in ({ids}) order by id limit ?2", Client::COLUMNS)
}

/// The clients with an id above `after` whose external id, name or phone begins with a text, in the order of their ids.
fn search(connection: &Connection, typed: &str, after: Option<i64>, limit: usize) -> Result<Vec<Client>, StoreError> {
    let Some(from) = after.map_or(Some(i64::MIN), |after| after.checked_add(1)) else {
        return Ok(Vec::new());
    };
    let (spellings, notations) = (spellings(typed), phone::notations(typed));
    let mut statement = connection.prepare_cached(&statement(spellings.len(), notations.len()))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let ranges = spellings.into_iter().chain(notations).flat_map(|prefix| {
        let end = format!("{prefix}{LAST}");
        once(Value::Text(prefix)).chain(once(Value::Text(end)))
    });
    let parameters = [Value::Integer(from), Value::Integer(limit)].into_iter().chain(ranges);
    let found = statement.query_map(rusqlite::params_from_iter(parameters), Client::from_row)?;
    Ok(found.collect::<Result<_, _>>()?)
}

impl AuthorizedStore {
    /// The clients with an id above `after` whose external id, name or phone begins with a text, whatever its case or the
    /// notation of the phone, in the order of their ids; at most `limit`.
    pub(crate) async fn search_clients(
        &self,
        typed: String,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<Client>, AccessError> {
        self.long_read(move |connection| search(connection, &typed, after, limit)).await
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::store::{file::open::open_in_memory, plan_of};

    #[rstest]
    #[case("Анна", &[1])]
    #[case("анна петр", &[1])]
    #[case("АННА ПЕТРОВА", &[1])]
    #[case("ан", &[1, 4])]
    #[case("McD", &[2])]
    #[case("mcd", &[])]
    #[case("mcD", &[2])]
    #[case("CRM-", &[1, 2])]
    #[case("7842349", &[1])]
    #[case("+7 (842) 349-32-34", &[1])]
    #[case("8 842 349 32 34", &[1])]
    #[case("+7 912", &[2, 3])]
    #[case("%", &[])]
    #[case("_", &[])]
    #[case("nobody", &[])]
    fn a_client_is_found_by_the_beginning(#[case] typed: &str, #[case] ids: &[i64]) {
        let connection = open_in_memory().expect("a database");
        connection
            .execute_batch(
                "insert into client values (1, 'crm-1', 'Анна Петрова', '78423493234'), (2, 'crm-2', 'McDonald', '79120000001'),
                                           (3, null, null, '+79120000001'), (4, '7a', 'андрей', null)",
            )
            .expect("rows");
        let found = search(&connection, typed, None, 9).expect("a list");
        assert_eq!(found.iter().map(|client| client.id.0).collect::<Vec<_>>(), ids);
        let rest = search(&connection, typed, Some(1), 1).expect("a page");
        let expected: Vec<_> = ids.iter().filter(|id| **id > 1).take(1).collect();
        assert_eq!(rest.iter().map(|client| &client.id.0).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_table_is_scanned() {
        let plan = plan_of(&statement(1, 1));
        for index in ["sqlite_autoindex_client_1 (external_id", "client_by_name (name", "client_by_phone (phone"] {
            assert!(plan.contains(&format!("SEARCH client USING COVERING INDEX {index}>? AND ")), "{plan}");
        }
        assert!(plan.contains("SEARCH client USING INTEGER PRIMARY KEY (rowid=?)"), "{plan}");
        assert!(!plan.contains("SCAN client"), "{plan}");
    }
}
