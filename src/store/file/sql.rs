//! The tokens of SQL, for what SQLite does not say about the text of a schema.

use std::iter;

/// The tokens in their order; joined, they are the whole text. White space is one character each.
pub(super) fn tokens(sql: &str) -> impl Iterator<Item = &str> {
    let mut rest = sql;
    iter::from_fn(move || {
        let token;
        (token, rest) = rest.split_at(length_of_first(rest)?);
        Some(token)
    })
}

/// Whether SQLite ignores a token: it is white space or a comment.
pub(super) fn is_blank(token: &str) -> bool {
    token.starts_with(char::is_whitespace) || token.starts_with("--") || token.starts_with("/*")
}

/// Whether a token is a text or a name in quotes.
pub(super) fn is_quoted(token: &str) -> bool {
    token.starts_with(['\'', '"', '`', '['])
}

/// How long the first token is: a comment, a text or name in quotes, a word, or one character.
fn length_of_first(sql: &str) -> Option<usize> {
    let first = sql.chars().next()?;
    // To the end, if it has no end of its own.
    let up_to = |begin: usize, end: &str| sql[begin..].find(end).map_or(sql.len(), |at| begin + at + end.len());
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    Some(match first {
        '-' if sql.starts_with("--") => up_to(2, "\n"),
        '/' if sql.starts_with("/*") => up_to(2, "*/"),
        // A doubled quote in a text makes two texts here, which is as useful.
        '\'' => up_to(1, "'"),
        '"' => up_to(1, "\""),
        '`' => up_to(1, "`"),
        '[' => up_to(1, "]"),
        _ if is_of_word(first) => sql.find(|c| !is_of_word(c)).unwrap_or(sql.len()),
        _ => first.len_utf8(),
    })
}
