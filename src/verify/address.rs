//! The address of the server.

use ureq::http::Uri;

/// The address without a slash at its end.
///
/// Errors: one sentence that says what it must be.
pub(crate) fn check_url(url: &str) -> Result<String, String> {
    let expected = "write it like https://chat.example.com";
    let (scheme, _) = url.split_once("://").ok_or_else(|| format!("{url}: the address has no scheme; {expected}"))?;
    if !["http", "https"].contains(&&*scheme.to_ascii_lowercase()) {
        return Err(format!("{url}: the scheme must be http or https; {expected}"));
    }
    let parsed: Uri = url.parse().map_err(|error| format!("{url}: this is no address ({error}); {expected}"))?;
    if parsed.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return Err(format!(
            "the address must have a host and no name or password; {expected}, and use --login or --token-file"
        ));
    }
    if parsed.query().is_some() || url.contains('#') {
        return Err(format!("{url}: the address must have no query; {expected}"));
    }
    if parsed.path().contains("/api") {
        return Err(format!("{url}: leave out the path of the API; {expected}"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}
