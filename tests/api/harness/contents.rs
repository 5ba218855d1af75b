//! Everything that is in a database, to compare it as a whole.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, OpenFlags};

/// A row: the value of each column as SQL writes it, so that 1, '1' and 1.0 differ.
pub type Row = BTreeMap<String, String>;

/// The columns and rows of a table. The rows are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub columns: Vec<String>,
    pub rows: Vec<Row>,
}

/// Every table of a database, that of the counters of ids too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents(pub BTreeMap<String, Table>);

impl Contents {
    /// Reads a file.
    pub fn of(path: &Path) -> Self {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        let tables = strings(&connection, "select name from sqlite_schema where type = 'table'");
        Self(tables.into_iter().map(|name| (name.clone(), read_table(&connection, &name))).collect())
    }

    /// The table of that name, which the database must have.
    pub fn table(&mut self, name: &str) -> &mut Table {
        self.0.get_mut(name).unwrap_or_else(|| panic!("there is no table {name}"))
    }

    /// Removes a table, and returns it.
    pub fn take(&mut self, name: &str) -> Table {
        self.0.remove(name).unwrap_or_else(|| panic!("there is no table {name}"))
    }

    /// Fails with what differs, and not with two whole databases.
    pub fn assert_is(&self, expected: &Self, when: &str) {
        for name in self.0.keys().chain(expected.0.keys()) {
            let [found, expected] = [&self.0, &expected.0].map(|tables| tables.get(name));
            if let (Some(found), Some(expected)) = (found, expected) {
                let only = |one: &Table, other: &Table| -> Vec<Row> {
                    one.rows.iter().filter(|row| !other.rows.contains(row)).cloned().collect()
                };
                assert_eq!(only(found, expected), [], "{when}: the table {name} has rows that are not expected");
                assert_eq!(only(expected, found), [], "{when}: the table {name} has lost rows");
            }
            assert_eq!(found, expected, "{when}: the table {name}");
        }
    }
}

/// The first column of a query.
pub fn strings(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn read_table(connection: &Connection, name: &str) -> Table {
    let columns = strings(connection, &format!("select name from pragma_table_xinfo('{name}')"));
    let quoted: Vec<_> = columns.iter().map(|column| format!("quote(\"{column}\")")).collect();
    let mut statement = connection.prepare(&format!("select {} from \"{name}\"", quoted.join(", "))).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        columns.iter().enumerate().map(|(at, column)| Ok((column.clone(), row.get(at)?))).collect()
    };
    let mut rows: Vec<Row> = statement.query_map([], row).unwrap().map(Result::unwrap).collect();
    rows.sort();
    drop(statement);
    Table { columns, rows }
}
