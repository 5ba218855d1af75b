//! What an unknown subcommand was meant to be.
//!
//! clap proposes whatever looks a little alike, such as `restore` for `stop`. A proposal that destroys data is worse than none.

use std::env;

use clap::{
    Command, CommandFactory, Error, Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};
use strsim::levenshtein;

use super::Cli;

/// Words of other programs for what a subcommand does.
const SYNONYMS: [(&str, &str); 26] = [
    ("run", "serve"),
    ("server", "serve"),
    ("start", "serve"),
    ("mock", "fake"),
    ("demo", "fake"),
    ("ping", "health"),
    ("info", "status"),
    ("gateways", "deliveries"),
    ("ready", "health"),
    ("set", "settings"),
    ("doc", "openapi"),
    ("docs", "openapi"),
    ("history", "audit"),
    ("load", "apply"),
    ("put", "apply"),
    ("dump", "export"),
    ("delete", "erase"),
    ("forget", "erase"),
    ("copy", "backup"),
    ("compare", "verify"),
    ("calibrate", "verify"),
    ("add", "create"),
    ("new", "create"),
    ("ls", "list"),
    ("renew", "rotate"),
    ("remove", "revoke"),
];

/// Words for what no subcommand does, and how it is done.
const OTHERWISE: [(&[&str], &str); 2] = [
    (
        &["stop", "kill", "shutdown", "restart", "reload"],
        "a server is stopped by a signal: Ctrl-C, kill PID, or systemctl stop surveyd",
    ),
    (&["version"], "surveyd --version prints the version"),
];

/// The command line. Where it is wrong, the process ends here, with exit code 2.
pub(crate) fn parse() -> Cli {
    Cli::try_parse().unwrap_or_else(|error| improved(error).exit())
}

/// Replaces the proposals of clap for an unknown subcommand.
fn improved(mut error: Error) -> Error {
    let unknown = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(unknown))) => unknown.to_lowercase(),
        _ => return error,
    };
    error.remove(ContextKind::SuggestedSubcommand);
    error.remove(ContextKind::Suggested);
    if let Some((_, tip)) = OTHERWISE.iter().find(|(words, _)| words.contains(&&*unknown)) {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![(*tip).into()]));
    } else if let Some(meant) = meant(&unknown, &names()) {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![meant]));
    }
    error
}

/// The subcommands that could be meant instead of the unknown one.
fn names() -> Vec<String> {
    let root = Cli::command();
    let mut here = &root;
    for word in env::args().skip(1) {
        let Some(next) = here.find_subcommand(word) else { break };
        here = next;
    }
    here.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name).map(str::to_owned).collect()
}

/// The name that a word most likely means.
fn meant(word: &str, names: &[String]) -> Option<String> {
    let synonym = SYNONYMS.iter().find(|(other, name)| *other == word && names.iter().any(|known| known == name));
    if let Some((_, name)) = synonym {
        return Some((*name).to_owned());
    }
    // A slip of the finger is one or two letters; three of five would be another word.
    let most = (word.chars().count() / 3).clamp(1, 2);
    let near = names.iter().map(|name| (levenshtein(word, name), name)).filter(|(distance, _)| *distance <= most);
    near.min().map(|(_, name)| name.clone())
}
