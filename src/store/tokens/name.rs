//! The name of a token: who sent a survey, and who changed what.

use unicode_normalization::UnicodeNormalization;

use crate::{
    store::{audit, error::StoreError},
    survey::text,
};

/// Checks a name, but for its length, which the schema limits.
///
/// Errors: it has characters that a reader does not see; it is reserved, or looks like one that is.
pub(super) fn check_name(name: &str) -> Result<(), StoreError> {
    if name.contains(text::is_hidden) {
        return Err(StoreError::invalid(
            "name",
            "must be without control characters, zero-width characters and marks of direction: a reader must see all of it",
        ));
    }
    // Compatibility forms first: among them are letters of other widths, and blanks.
    let same: String = name.nfkc().flat_map(char::to_lowercase).filter(|c| !c.is_whitespace()).collect();
    match audit::reserved_as(&same) {
        None => Ok(()),
        Some(reserved) if same.contains(':') => Err(StoreError::invalid(
            "name",
            format!("must not begin with {reserved}:, in any case, width or blanks: that is reserved for the audit"),
        )),
        Some(reserved) if reserved == name => {
            Err(StoreError::invalid("name", format!("must not be {reserved}, which is reserved for the audit")))
        }
        Some(reserved) => Err(StoreError::invalid(
            "name",
            format!("must differ from {reserved} in more than case, width or blanks: that is reserved for the audit"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_visible_and_not_reserved() {
        for name in
            ["crm", "CRM 2", "client", "Кли", "李", "नमस्ते", "retention-2", "e\u{301}", "cli-2", "client:2", "x cli:y"]
        {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in [
            "cli",
            "CLI",
            " cli",
            "c l i",
            "cli\u{a0}",
            "ｃｌｉ",
            "Ⅽli",
            "\u{3000}Retention",
            "DELIVERY ",
            "cli:",
            "cli:anna",
            "CLI : anna",
            "ｃｌｉ：anna",
        ] {
            let error = check_name(name).expect_err(name).to_string();
            assert!(error.contains("reserved for the audit"), "{name}: {error}");
        }
        for hidden in
            ['\0', '\n', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{200d}', '\u{feff}', '\u{ad}']
        {
            let error = check_name(&format!("c{hidden}rm")).expect_err("a hidden character").to_string();
            assert!(error.contains("a reader must see all of it"), "{error}");
        }
    }
}
