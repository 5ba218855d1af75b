//! The documents: the reference is what the program says, every link leads somewhere, and the prose is plain.
//!
//! `REFERENCE=write cargo test --test documents` writes the generated parts of the reference.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod links;
mod markdown;
mod prose;
mod reference;
mod release;

/// Longer ones are not read to the end.
const README_LINES: usize = 200;

#[test]
fn the_readme_is_short() {
    let lines = markdown::read("README.md").lines().count();
    assert!(lines < README_LINES, "README.md has {lines} lines, and should have fewer than {README_LINES}");
}
