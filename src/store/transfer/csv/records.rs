//! The records of a CSV file as RFC 4180 writes them, one at a time: memory has one record, never the file.
//!
//! The reader of the crate `csv` takes any text. It joins rows without a word if a quote is not closed, so it is not used here.

use std::io::{self, BufRead, Read};

use csv::ByteRecord;

/// How many bytes a record can have: a quote that is never closed must not read the whole file into memory.
const LONGEST_RECORD: usize = 1024 * 1024;

/// The records of a file.
pub(super) struct Records<R> {
    file: R,
    /// What separates fields.
    pub(super) separator: u8,
    /// The byte that ends lines. A file of an old Macintosh has carriage returns alone.
    newline: u8,
    /// Lines that were read. Those from `start` on are not part of a record yet.
    read: Vec<u8>,
    start: usize,
    /// How many lines there are before `start`.
    lines: u64,
    /// How many bytes of the file were read.
    pub(super) bytes: u64,
    field: Vec<u8>,
}

/// How a record ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// It begins on this line; the first line is 1.
    Whole(u64),
    /// A quote in this line is not closed, or not where the field ends. Only this line is skipped: the next record begins after it.
    Quote(u64, QuoteProblem),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum QuoteProblem {
    NeverClosed,
    /// The line where more text follows the closing quote.
    TextAfter(u64),
}

/// Where the parser is within a record.
#[derive(Clone, Copy)]
enum State {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote within quotes: the end of the field, or the first half of an escaped quote.
    QuoteInQuoted,
    /// After that, a carriage return that must belong to the end of the line.
    CrAfterQuote,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(file: R, separator: u8) -> Self {
        let (read, field) = (Vec::new(), Vec::new());
        Self { file, separator, newline: b'\n', read, start: 0, lines: 0, bytes: 0, field }
    }

    /// The first line, which also shows how lines end. Empty at the end of the file.
    pub(super) fn first_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            let chunk = self.file.fill_buf()?;
            let end = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let taken = end.map_or(chunk.len(), |end| end + 1);
            line.extend_from_slice(&chunk[..taken]);
            self.file.consume(taken);
            if end.is_some() || taken == 0 || line.len() > LONGEST_RECORD {
                break;
            }
        }
        if line.ends_with(b"\r") {
            if self.file.fill_buf()?.starts_with(b"\n") {
                self.file.consume(1);
                line.push(b'\n');
            } else {
                self.newline = b'\r';
            }
        }
        self.lines += 1;
        self.bytes += line.len() as u64;
        Ok(line)
    }

    /// Reads the next record into `fields`; none at the end. An empty line is no record.
    ///
    /// Errors: the file cannot be read, or a line is too long.
    pub(super) fn next(&mut self, fields: &mut ByteRecord) -> io::Result<Option<Record>> {
        loop {
            if self.start == self.read.len() && !self.read_line()? {
                return Ok(None);
            }
            if let length @ 1.. = empty_line(&self.read[self.start..]) {
                self.start += length;
                self.lines += 1;
                continue;
            }
            return self.parse(fields).map(Some);
        }
    }

    fn parse(&mut self, fields: &mut ByteRecord) -> io::Result<Record> {
        let (mut state, mut lines, mut position) = (State::FieldStart, 0, self.start);
        fields.clear();
        self.field.clear();
        loop {
            let Some(byte) = self.read.get(position).copied() else {
                let is_too_long = position - self.start > LONGEST_RECORD;
                // Lines that were skipped before are not kept.
                self.read.drain(..self.start);
                (position, self.start) = (position - self.start, 0);
                if matches!(state, State::Quoted) && !is_too_long && self.read_line()? {
                    continue;
                }
                if matches!(state, State::Quoted) {
                    return Ok(self.skip_line(QuoteProblem::NeverClosed));
                }
                // The last line of the file may have no end.
                break;
            };
            position += 1;
            state = match (state, byte) {
                (State::Quoted, b'"') => State::QuoteInQuoted,
                (State::Quoted, byte) => {
                    lines += u64::from(byte == b'\n');
                    self.field.push(byte);
                    State::Quoted
                }
                (State::QuoteInQuoted, b'"') => {
                    self.field.push(b'"');
                    State::Quoted
                }
                (_, b'\n') => {
                    if matches!(state, State::Plain) && self.field.ends_with(b"\r") {
                        self.field.pop();
                    }
                    lines += 1;
                    break;
                }
                (State::QuoteInQuoted, b'\r') => State::CrAfterQuote,
                (State::FieldStart, b'"') => State::Quoted,
                (State::FieldStart | State::Plain | State::QuoteInQuoted, byte) if byte == self.separator => {
                    fields.push_field(&self.field);
                    self.field.clear();
                    State::FieldStart
                }
                (State::FieldStart | State::Plain, byte) => {
                    self.field.push(byte);
                    State::Plain
                }
                (State::QuoteInQuoted | State::CrAfterQuote, _) => {
                    let at = self.lines + 1 + lines;
                    return Ok(self.skip_line(QuoteProblem::TextAfter(at)));
                }
            };
        }
        fields.push_field(&self.field);
        let record = Record::Whole(self.lines + 1);
        (self.start, self.lines) = (position, self.lines + lines);
        Ok(record)
    }

    /// Goes on after the line on which the record begins.
    fn skip_line(&mut self, problem: QuoteProblem) -> Record {
        let rest = &self.read[self.start..];
        self.start += rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        self.lines += 1;
        Record::Quote(self.lines, problem)
    }

    /// Adds a line to those that were read; whether there was one.
    fn read_line(&mut self) -> io::Result<bool> {
        if self.start == self.read.len() {
            self.read.clear();
            self.start = 0;
        }
        let longest = LONGEST_RECORD as u64 + 1;
        let read = self.file.by_ref().take(longest).read_until(self.newline, &mut self.read)?;
        self.bytes += read as u64;
        if read > LONGEST_RECORD {
            return Err(io::Error::other(format!("a line of more than {LONGEST_RECORD} bytes")));
        }
        if self.newline == b'\r' && self.read.last() == Some(&b'\r') {
            self.read.pop();
            self.read.push(b'\n');
        }
        Ok(read > 0)
    }

    /// The line that the next record begins on.
    pub(super) fn next_line(&self) -> u64 {
        self.lines + 1
    }
}

/// The length of an empty line at the beginning of a text; 0 if there is none.
fn empty_line(text: &[u8]) -> usize {
    match text {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The records of a text, each as its line and its fields, or as the line of a problem.
    fn read(text: &str) -> Vec<(u64, Result<Vec<String>, QuoteProblem>)> {
        let mut records = Records::new(text.as_bytes(), b',');
        records.first_line().expect("a line");
        let mut fields = ByteRecord::new();
        let mut all = Vec::new();
        while let Some(record) = records.next(&mut fields).expect("a record") {
            all.push(match record {
                Record::Whole(line) => {
                    (line, Ok(fields.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect()))
                }
                Record::Quote(line, problem) => (line, Err(problem)),
            });
        }
        assert_eq!(records.bytes, text.len() as u64);
        all
    }

    fn whole(line: u64, fields: &[&str]) -> (u64, Result<Vec<String>, QuoteProblem>) {
        (line, Ok(fields.iter().map(|field| (*field).to_owned()).collect()))
    }

    #[rstest]
    #[case("h\n1,a\n2,b\n", &[whole(2, &["1", "a"]), whole(3, &["2", "b"])])]
    #[case("h\r1,a\r2,b", &[whole(2, &["1", "a"]), whole(3, &["2", "b"])])]
    #[case("h\r\n\r\n1,a\r\n2,b\n", &[whole(3, &["1", "a"]), whole(4, &["2", "b"])])]
    #[case("h\n1,\"a\"\"\r\n\",\"\"\r\n2,5\" b\n", &[whole(2, &["1", "a\"\r\n", ""]), whole(4, &["2", "5\" b"])])]
    #[case("h\n1,\"a\"", &[whole(2, &["1", "a"])])]
    #[case("h\n1,\"a\n2,b\n", &[(2, Err(QuoteProblem::NeverClosed)), whole(3, &["2", "b"])])]
    #[case("h\n1,\"a\n2,b\n3,\"c\"\n", &[(2, Err(QuoteProblem::TextAfter(4))), whole(3, &["2", "b"]), whole(4, &["3", "c"])])]
    #[case("h\n1,\"a\"b\n\"2\"\r,\n3", &[(2, Err(QuoteProblem::TextAfter(2))), (3, Err(QuoteProblem::TextAfter(3))), whole(4, &["3"])])]
    fn a_record_ends_where_rfc_4180_says(
        #[case] text: &str,
        #[case] expected: &[(u64, Result<Vec<String>, QuoteProblem>)],
    ) {
        assert_eq!(read(text), expected);
    }
}
