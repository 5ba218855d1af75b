//! Phone numbers: one number is written in many ways.

use std::collections::BTreeSet;

/// The ways in which a number, or its beginning, may be stored that someone has typed: as typed, and without blanks, brackets,
/// dashes and dots, with and without `+`. Of a whole Russian number (11 digits) also with 8 in place of 7, and 7 in place of 8.
/// Empty if it is no number.
pub(crate) fn notations(typed: &str) -> BTreeSet<String> {
    let typed = typed.trim();
    let is_number =
        typed.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+()-./\u{2010}\u{2011}–".contains(c));
    let digits = typed.replace(|c: char| !c.is_ascii_digit(), "");
    if !is_number || digits.is_empty() {
        return BTreeSet::new();
    }
    let other = match digits.split_at(1) {
        ("7", rest) if rest.len() == 10 => Some(format!("8{rest}")),
        ("8", rest) if rest.len() == 10 => Some(format!("7{rest}")),
        _ => None,
    };
    let mut notations = BTreeSet::from([typed.to_owned()]);
    for digits in other.into_iter().chain([digits]) {
        notations.insert(format!("+{digits}"));
        notations.insert(digits);
    }
    notations
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("842", &["+842", "842"])]
    #[case(" +7 (842) 349-32-34 ", &["+7 (842) 349-32-34", "+78423493234", "+88423493234", "78423493234", "88423493234"])]
    #[case("8 842\u{a0}349.32.34", &["+78423493234", "+88423493234", "78423493234", "8 842\u{a0}349.32.34", "88423493234"])]
    #[case("crm-7", &[])]
    #[case("+-", &[])]
    #[case("", &[])]
    fn a_number_has_many_notations(#[case] typed: &str, #[case] expected: &[&str]) {
        assert_eq!(notations(typed).iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }
}
