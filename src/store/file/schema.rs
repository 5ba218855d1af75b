//! The schema of a file: what tables, indexes and triggers it has, compared with another one.

use std::{
    collections::BTreeMap,
    mem,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Row};

use crate::store::file::sql::{is_blank, is_quoted, tokens};

/// How long statements on a file may take whose schema is not known yet.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many steps of a statement are between two looks at the clock: well below a millisecond.
const STEPS: i32 = 1000;

/// The objects of a file by kind and name, each with the tokens of its SQL. Comments, white space, and the case of what is not
/// quoted do not count: a table that was migrated has another text than a new one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Schema(BTreeMap<(String, String), Vec<String>>);

/// The table that SQLite makes for the first `autoincrement`.
const SEQUENCE: &str = "create table sqlite_sequence(name,seq)";

/// The kinds of objects that a script of ours makes.
const KINDS: [&str; 3] = ["table", "index", "trigger"];

/// The tables that Litestream makes in each database that it copies: one row with a number, and none. They do nothing.
/// Source: `db.go` of Litestream, since its version 0.3.
const OF_LITESTREAM: [(&str, &str); 2] = [
    ("_litestream_seq", "create table _litestream_seq (id integer primary key, seq integer)"),
    ("_litestream_lock", "create table _litestream_lock (id integer)"),
];

impl Schema {
    /// Reads the list of objects only: no table and no view. Those of Litestream are left out.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        // SQLite's own indexes have no text. `analyze` makes its tables, which only help to plan.
        let sql = "select type, name, sql from sqlite_schema
                    where sql is not null and not (type = 'table' and name glob 'sqlite_stat[1-4]')";
        bounded(connection, |connection| {
            let mut statement = connection.prepare(sql)?;
            let object = |row: &Row<'_>| Ok(((row.get(0)?, row.get(1)?), significant(&row.get::<_, String>(2)?)));
            let mut objects = statement.query_map([], object)?.collect::<Result<BTreeMap<_, _>, _>>()?;
            for (name, sql) in OF_LITESTREAM {
                let object = ("table".to_owned(), name.to_owned());
                if objects.get(&object).is_some_and(|found| *found == significant(sql)) {
                    objects.remove(&object);
                }
            }
            Ok(Self(objects))
        })
    }

    /// Reads the objects of our schema from its text, where each statement begins in the usual way (`create index x …`).
    /// To have SQLite run the script would take as long as the rest of the opening of a file.
    pub(super) fn of_text(script: &str) -> Self {
        let (mut objects, mut statement) = (BTreeMap::new(), Vec::new());
        for token in significant(&format!("{script};{SEQUENCE};")) {
            let is_trigger = statement.get(1).is_some_and(|kind| kind == "trigger");
            if token != ";" || is_trigger && statement.last().is_some_and(|last| last != "end") {
                statement.push(token);
                continue;
            }
            let statement = mem::take(&mut statement);
            let kind = statement.iter().position(|token| KINDS.contains(&&**token));
            if let (Some("create"), Some(kind)) = (statement.first().map(String::as_str), kind)
                && let Some(name) = statement.get(kind + 1)
            {
                objects.insert((statement[kind].clone(), name.clone()), statement);
            }
        }
        Self(objects)
    }

    /// A sentence for each object that is missing, that is there besides, or that is another one.
    pub(super) fn differences(&self, expected: &Self) -> Vec<String> {
        let sentence = |(kind, name): &(String, String), problem: &str| format!("the {kind} {name} {problem}");
        let missing = expected.0.iter().filter_map(|(object, sql)| match self.0.get(object) {
            None => Some(sentence(object, "is missing")),
            Some(own) => (own != sql).then(|| sentence(object, "differs from that of surveyd")),
        });
        let besides = self.0.keys().filter(|object| !expected.0.contains_key(object));
        missing.chain(besides.map(|object| sentence(object, "is not one of surveyd; drop it"))).collect()
    }
}

/// Runs statements on a file whose schema is not known yet, and interrupts them when they take too long.
pub(super) fn bounded<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let end = Instant::now() + PATIENCE;
    connection.progress_handler(STEPS, Some(move || Instant::now() >= end))?;
    let done = work(connection);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    done
}

/// What SQLite looks at of a statement. A quoted name or text is one token.
fn significant(sql: &str) -> Vec<String> {
    let seen = tokens(sql).filter(|token| !is_blank(token));
    seen.map(|token| if is_quoted(token) { token.to_owned() } else { token.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(sql: &str) -> Schema {
        let connection = Connection::open_in_memory().expect("a database");
        connection.execute_batch(sql).expect("a schema");
        Schema::of(&connection).expect("its objects")
    }

    #[test]
    fn only_what_sqlite_looks_at_is_compared() {
        let first = schema("create table t (a text /* one */ check (a <> 'A  b'), b blob)");
        let same = schema("CREATE TABLE t(A TEXT -- two\n CHECK(a<>'A  b')  , b blob); analyze");
        assert_eq!(first.differences(&same), [""; 0]);
        for other in [
            "create table t (a text check (a <> 'a  b'), b blob)",
            "create table t (a text check (a <> 'A b'), b blob)",
            "create table t (a text, b blob)",
            "create table t (a text check (a <> 'A  b' -- '\n), b blob, c blob)",
        ] {
            assert_eq!(schema(other).differences(&first), ["the table t differs from that of surveyd"], "{other}");
        }
    }

    #[test]
    fn the_tables_of_litestream_are_left_out_and_no_others_of_their_names() {
        let own = "create table t (x)";
        let made = "CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
                    CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER);";
        assert_eq!(schema(&format!("{own};{made}")), schema(own));
        for other in [
            "create view _litestream_seq as select 1",
            "create table _litestream_lock (id integer default (random()))",
            "create table _litestream_seq (id integer); create trigger r after insert on t begin select 1; end",
        ] {
            assert_ne!(schema(&format!("{own};{other}")), schema(own), "{other}");
        }
    }

    #[test]
    fn each_difference_has_a_sentence() {
        let expected = schema("create table a (x); create table b (x); create index i on b (x)");
        let found = schema("create table z (x); create view a as select 1; create table b (x)");
        assert_eq!(
            found.differences(&expected),
            [
                "the index i is missing",
                "the table a is missing",
                "the table z is not one of surveyd; drop it",
                "the view a is not one of surveyd; drop it",
            ]
        );
    }
}
