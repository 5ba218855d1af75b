//! The rows of a CSV file, one at a time: memory has one row and a buffer, never the file.

use std::io::{self, BufRead, Read};

use anyhow::{Context, Result, bail, ensure};
use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use crate::store::error::StoreError;
use crate::store::transfer::csv::columns::{Fields, Tabular};

/// How many bytes a row or the header can have: a quote that is never closed must not read the whole file.
const LONGEST_ROW: usize = 1024 * 1024;

/// How many bytes are read at once.
const BUFFER: usize = 64 * 1024;

/// The rows of a file whose header was read.
pub(crate) struct Rows<R> {
    csv: Reader<Bounded<R>>,
    record: ByteRecord,
    /// The columns of the file, and the position of each.
    positions: Vec<(&'static str, usize)>,
    /// How many fields a row has.
    width: usize,
    /// Whether lines end in CRLF, as the header's does.
    has_cr: bool,
    header_bytes: u64,
}

pub(super) struct CsvLine<E> {
    /// The line of the file that the row begins on; the header is on line 1.
    pub(super) line: u64,
    pub(super) row: Result<E, StoreError>,
}

impl<R: BufRead> Rows<R> {
    /// Reads the header, whose separator (a comma or a semicolon) is that of the file.
    ///
    /// Errors: what is wrong with it, and the possible columns.
    pub(crate) fn of<E: Tabular>(mut file: R) -> Result<Self> {
        let mut header = Vec::new();
        file.by_ref().take(LONGEST_ROW as u64).read_until(b'\n', &mut header)?;
        let header_bytes = header.len() as u64;
        let known = E::COLUMNS_OF_FILE.join(", ");
        ensure!(
            !header.starts_with(b"\xff\xfe") && !header.starts_with(b"\xfe\xff"),
            "it is UTF-16, and must be UTF-8; save it as \"CSV UTF-8\""
        );
        let header = str::from_utf8(&header).ok().context("its first line is not UTF-8")?;
        let header = header.trim_start_matches('\u{feff}');
        let has_cr = header.ends_with("\r\n");
        let header = header.trim();
        ensure!(!header.is_empty(), "it has no header; its first line must name the columns, which are {known}");
        let separator = if header.contains(';') { b';' } else { b',' };
        let mut names = ByteRecord::new();
        let mut settings = ReaderBuilder::new();
        settings.has_headers(false).flexible(true).delimiter(separator).buffer_capacity(BUFFER);
        settings.from_reader(header.as_bytes()).read_byte_record(&mut names)?;
        let mut positions: Vec<(&'static str, usize)> = Vec::new();
        for (position, name) in names.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).enumerate() {
            let column = E::COLUMNS_OF_FILE.iter().find(|column| **column == name);
            let Some(column) = column else {
                bail!("its header has an unknown column {name:?}; the columns are {known}")
            };
            ensure!(positions.iter().all(|(other, _)| other != column), "its header has the column {name} twice");
            positions.push((column, position));
        }
        for required in E::REQUIRED {
            let is_there = positions.iter().any(|(column, _)| column == required);
            ensure!(is_there, "its header lacks the column {required}; the columns are {known}");
        }
        // The reader's own handling of CRLF would count the line of a row as that of the end of the row before.
        settings.terminator(Terminator::Any(b'\n'));
        let csv = settings.from_reader(Bounded { inner: file, of_row: 0 });
        Ok(Self { csv, record: ByteRecord::new(), width: names.len(), positions, has_cr, header_bytes })
    }

    /// How many bytes of the file were read.
    pub(super) fn bytes(&self) -> u64 {
        self.header_bytes + self.csv.position().byte()
    }

    /// The next row; none at the end.
    ///
    /// Errors: the file cannot be read, or a row is too long.
    pub(super) fn next<E: Tabular>(&mut self) -> Result<Option<CsvLine<E>>> {
        loop {
            self.csv.get_mut().of_row = 0;
            let began = self.csv.position().line();
            let is_read = self.csv.read_byte_record(&mut self.record);
            if !is_read.with_context(|| format!("it cannot be read on from line {}", began + 1))? {
                return Ok(None);
            }
            if self.has_cr {
                self.strip_cr();
            }
            // An empty line is not a row.
            if self.record.len() > 1 || !self.record.as_slice().is_empty() || self.width == 1 {
                return Ok(Some(CsvLine { line: self.line(began), row: self.row() }));
            }
        }
    }

    fn strip_cr(&mut self) {
        if self.record.as_slice().ends_with(b"\r") {
            let last = self.record.len() - 1;
            let whole = self.record.get(last).map(|field| field[..field.len().saturating_sub(1)].to_vec());
            self.record.truncate(last);
            self.record.push_field(&whole.unwrap_or_default());
        }
    }

    /// The line of the file that the row begins on. The reader went on from line `began`: it may have skipped empty lines, and
    /// the row may take several lines.
    fn line(&self, began: u64) -> u64 {
        let within = self.record.as_slice().split(|byte| *byte == b'\n').count() as u64 - 1;
        let after = self.csv.position().line();
        // The header is on the first line, and the reader's count begins after it.
        1 + if after > began + within { after - within - 1 } else { began }
    }

    fn row<E: Tabular>(&self) -> Result<E, StoreError> {
        if self.record.len() != self.width {
            let problem = format!("has {} fields where the header has {}", self.record.len(), self.width);
            return Err(StoreError::invalid("", problem));
        }
        E::from_fields(&Fields { record: &self.record, positions: &self.positions })
    }
}

/// A reader that gives up if a row does not end.
struct Bounded<R> {
    inner: R,
    /// How many bytes were read since the last row.
    of_row: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.of_row > LONGEST_ROW {
            let problem = format!("a row of more than {LONGEST_ROW} bytes; is there a quote that is never closed?");
            return Err(io::Error::other(problem));
        }
        let read = self.inner.read(buffer)?;
        self.of_row += read;
        Ok(read)
    }
}
