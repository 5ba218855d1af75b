//! The headers of an answer that a server may write in another way.

/// The headers that `surveyd verify` compares and an answers file can change. Others belong to the connection, or differ with
/// each answer.
pub(crate) const COMPARED: [&str; 4] = ["Vary", "Content-Type", "WWW-Authenticate", "Allow"];

/// The headers that an answer has in place of ours: a name of [`COMPARED`] and its lines; no line means that the header is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeaderChanges(Vec<(&'static str, Vec<String>)>);

impl HeaderChanges {
    pub(crate) const NONE: Self = Self(Vec::new());

    /// Sets the lines of a header.
    ///
    /// Errors: the name or a line that cannot be one.
    pub(crate) fn set(&mut self, name: &str, lines: Vec<String>) -> Result<(), String> {
        let Some(known) = COMPARED.into_iter().find(|known| known.eq_ignore_ascii_case(name)) else {
            return Err(format!("{name}: no such header; it can be {}", COMPARED.join(", ")));
        };
        let is_line = |line: &String| line.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte));
        if !lines.iter().all(is_line) {
            return Err(format!("{name}: a header has printable ASCII characters only"));
        }
        self.0.retain(|(other, _)| *other != known);
        self.0.push((known, lines));
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changed headers, each with its lines.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        self.0.iter().map(|(name, lines)| (*name, &**lines))
    }

    /// The lines of a header, if it is changed.
    pub(crate) fn get(&self, name: &str) -> Option<&[String]> {
        self.iter().find(|(known, _)| *known == name).map(|(_, lines)| lines)
    }
}
