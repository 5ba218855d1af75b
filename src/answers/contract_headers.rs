//! The headers that an answer to a send has by the contract.

use super::case::Case;

/// The lines of `Vary`, in the documented order. They are on every answer of `/api`, so that no cache gives one origin's answer to
/// another.
pub(crate) const VARY: [&str; 3] = ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"];

/// The lines of a header of [`COMPARED`] that an answer to a send has by the contract.
pub(crate) fn contract_lines(case: Case, name: &str, has_body: bool) -> Vec<String> {
    let challenge = case.challenge();
    let lines: &[&str] = match (name, case) {
        ("Vary", _) => &VARY,
        ("Content-Type", _) if has_body => &["application/json"],
        ("Allow", Case::WrongMethod | Case::Preflight) => &["POST"],
        ("WWW-Authenticate", _) => challenge.as_slice(),
        _ => &[],
    };
    lines.iter().map(|line| (*line).to_owned()).collect()
}
