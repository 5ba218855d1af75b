//! `surveyd verify`: a server compared with the contract.

mod table;

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, IsTerminal},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, Error, Result, ensure};

use super::{
    fake::read_answers,
    input::read_text,
    new_file,
    output::{print_json, say, sentence, step_bar, unless_closed},
};
use crate::{
    cli::{CredentialArgs, RowArgs, VerifyArgs},
    http::pages::openapi,
    store,
    verify::{
        self, Verified,
        address::check_url,
        client::{Client, ClientConfig},
        html,
        plan::{self, PlannedRequest},
        probes::{OtherTokens, PreparedRows},
        published,
        secrets::{Secrets, without_scheme},
    },
};

/// The exit code if something differs.
const DIFFERS: u8 = 1;

/// The exit code if the server cannot be asked.
const NOT_ASKED: u8 = 2;

/// The variable that can hold the token.
const TOKEN: &str = "SURVEYD_VERIFY_TOKEN";

/// Compares, and prints what differs. The exit code is 0 if nothing differs that counts.
pub(crate) fn run(arguments: VerifyArgs) -> ExitCode {
    match compare(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(DIFFERS),
        Err(error) => {
            say(sentence(&error));
            ExitCode::from(NOT_ASKED)
        }
    }
}

/// Whether nothing differs that counts.
fn compare(arguments: VerifyArgs) -> Result<bool> {
    let VerifyArgs { url, openapi, credentials, rows, answers, save, json, html, dry_run, rate, timeout, ca } =
        arguments;
    let Some(url) = url else { return published(openapi.flatten().as_deref(), json) };
    let url = check_url(&url).map_err(Error::msg)?;
    let has_expectation = answers.is_some();
    let expected = answers.as_deref().map(read_answers).transpose()?.unwrap_or_default();
    let rows = prepared_rows(rows);
    let tokens = OtherTokens {
        wrong_role: credentials.wrong_role_token_file.is_some(),
        expired: credentials.expired_token_file.is_some(),
    };
    let plan = plan::plan(&rows, tokens);
    if dry_run {
        let cases = plan::cases(&plan, &rows, &expected);
        return unless_closed(if json { print_json(&cases) } else { table::print_plan(&plan) }).map(|()| true);
    }
    for file in [&save, &html].into_iter().flatten() {
        let folder = store::folder_of(file);
        ensure!(folder.is_dir(), "cannot write {}: its folder does not exist", file.display());
    }
    let secrets = secrets(credentials)?;
    let ca = ca.map(|file| fs::read(&file).with_context(|| format!("cannot read {}", file.display()))).transpose()?;
    let client = Client::new(ClientConfig { url: url.clone(), timeout: timeout.to_std(), rate, ca }, secrets);
    let client = client.map_err(Error::msg)?;
    announce(&url, rate, &plan);
    let bar = step_bar(plan.len() as u64);
    let verified = verify::verify(client, rows, &expected, || bar.inc(1));
    bar.finish_and_clear();
    let Verified { report, answers } = verified.map_err(Error::msg)?;
    if let Some(file) = &save {
        write_file(file, &answers.to_file()?)?;
        say(format_args!(
            "saved what differs to {0}; to start a fake that answers so: surveyd fake --answers {0}",
            file.display()
        ));
    }
    if let Some(file) = &html {
        write_file(file, &html::page(&report, &store::now().to_string()))?;
        say(format_args!("wrote the report to {}", file.display()));
    }
    unless_closed(if json { print_json(&report) } else { table::print_report(&report) })?;
    // An expectation of the caller's own counts as a whole.
    Ok(if has_expectation { report.differences.is_none() } else { report.differences.documented == 0 })
}

/// Says what is about to be asked, before anything is.
fn announce(url: &str, rate: u32, plan: &[PlannedRequest]) {
    let pace = match rate {
        0 => "without a pause".to_owned(),
        rate => format!("at most {rate} a second"),
    };
    let mut counts = BTreeMap::<String, usize>::new();
    for planned in plan {
        let line: Vec<_> = planned.request.split([' ', ',']).take(2).collect();
        *counts.entry(line.join(" ")).or_default() += 1;
    }
    let counts: Vec<_> = counts.into_iter().map(|(line, count)| format!("{count} × {line}")).collect();
    say(format_args!(
        "asking {url} for {} cases, one at a time, {pace}: {}; --dry-run lists them all",
        plan.len(),
        counts.join(", ")
    ));
    let senders: Vec<_> = plan.iter().filter_map(|planned| Some((planned.sends?, &planned.request))).collect();
    if senders.is_empty() {
        say("no request can send a survey: in each of them, the client or the form exists nowhere");
    }
    for (what, request) in senders {
        say(format_args!("WARNING: this request {what}: {request}"));
    }
}

fn prepared_rows(rows: RowArgs) -> PreparedRows {
    let RowArgs {
        client_with_open_thread,
        client_in_another_channel,
        client_without_closed_thread,
        closed_client,
        form,
        flag_is_off,
        send,
    } = rows;
    PreparedRows {
        client_with_open_thread,
        client_in_another_channel,
        client_without_closed_thread,
        closed_client,
        send: closed_client.zip(form).filter(|_| send),
        flag_is_off,
    }
}

/// Reads the caller's secrets.
///
/// Errors: there is none, or it has a line break.
fn secrets(credentials: CredentialArgs) -> Result<Secrets> {
    let CredentialArgs { token_file, login, password_file, wrong_role_token_file, expired_token_file } = credentials;
    let other = |file: Option<std::path::PathBuf>| {
        file.map(|file| read_secret(&file).and_then(|text| token(&text, &name_of(&file)))).transpose()
    };
    let mut secrets = Secrets {
        wrong_role: other(wrong_role_token_file)?,
        expired: other(expired_token_file)?,
        ..Secrets::default()
    };
    if let Some((login, file)) = login.zip(password_file) {
        let password = read_secret(&file)?;
        ensure!(!password.is_empty(), "the password in {} is empty", name_of(&file));
        secrets.login = Some((login, password));
    } else if let Some(file) = token_file {
        secrets.token = Some(token(&read_secret(&file)?, &name_of(&file))?);
    } else if let Ok(text) = env::var(TOKEN) {
        secrets.token = Some(token(text.trim_end(), TOKEN)?);
    } else {
        let text = if io::stdin().is_terminal() { String::new() } else { read_secret(Path::new("-"))? };
        ensure!(
            !text.is_empty(),
            "no token: set {TOKEN}, or give --token-file FILE, or --login NAME with --password-file FILE"
        );
        secrets.token = Some(token(&text, "stdin")?);
    }
    Ok(secrets)
}

/// Reads a file with a secret, without its line end; `-` is standard input.
fn read_secret(file: &Path) -> Result<String> {
    let text = read_text(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A file as a message calls it.
fn name_of(file: &Path) -> String {
    if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() }
}

/// A token without `Bearer`, which the vendor's login writes in front of it.
fn token(text: &str, source: &str) -> Result<String> {
    let token = without_scheme(text);
    ensure!(!token.is_empty(), "the token in {source} is empty");
    ensure!(!token.contains(['\r', '\n']), "the token in {source} has a line break: write it in one line");
    let is_token = token.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(is_token, "the token in {source} has a character that no token has, such as a space");
    Ok(token.to_owned())
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    new_file::write_whole(path, 0o666, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Compares an OpenAPI document, ours or that of a file, with what the vendor has published.
fn published(file: Option<&Path>, json: bool) -> Result<bool> {
    let read = |file: &Path| {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not an OpenAPI document in JSON", file.display()))
    };
    let document = file.map_or_else(|| Ok(serde_json::from_str(openapi::DOCUMENT)?), read)?;
    let differences = published::differences(&document);
    unless_closed(if json { print_json(&differences) } else { table::print_published(&differences) })?;
    Ok(differences.is_empty())
}
