//! `surveyd fake`: the server with a world for each test, ready-made tokens, and routes to make it fail.

use std::{
    cell::Cell,
    fs,
    future::pending,
    io::{self, ErrorKind, IsTerminal},
    path::{Path, PathBuf},
    process,
    sync::Arc,
};

use anyhow::{Context, Error, Result, ensure};
use serde::Serialize;
use tokio::sync::oneshot;
use tracing::info;

use super::{apply::read_world, input::read_text, log, new_file, output::say, serve::serve};
use crate::{
    answers::{Answers, case::Case},
    cli::FakeArgs,
    fake::worlds::{self, Worlds},
    server::Server,
    settings::{Flags, Settings},
    store::{
        folder_of,
        temp_folder::{Purpose, TempFolder},
    },
    threads,
    unix::is_pipe,
};

pub(crate) fn run(flags: FakeArgs) -> Result<()> {
    let FakeArgs { listen, world, answers, max_worlds, ready_file, exit_on_stdin_close } = flags;
    let world = world.map(|path| read_world(&path)).transpose()?;
    let answers = answers.map(|path| read_answers(&path)).transpose()?.unwrap_or_default();
    let changed: Vec<_> = answers.changed_documented().map(Case::name).collect();
    let is_contract = answers.is_contract();
    let answers = Arc::new(answers);
    let is_started_by_program = exit_on_stdin_close || ready_file.is_some();
    let ready_file = ready_file.map(ReadyFile::new).transpose()?;
    let stdin_closed = exit_on_stdin_close.then(watch_stdin).transpose()?;
    let thread_check = Server::check_threads(worlds::workers())?;
    // Removed when it goes out of scope: at every return of this function, also after a signal.
    let mut folder = None;
    let is_public = Cell::new(false);
    let prepare = || {
        let folder = folder.insert(TempFolder::new(Purpose::Fake)?);
        let settings = Settings::for_fake(Flags { listen, ..Flags::default() })?;
        log::start(&settings)?;
        is_public.set(!settings.is_on_loopback());
        Server::build(&settings, worlds::workers(), thread_check, |background| {
            Ok(Worlds::new(folder.path(), &settings, world, max_worlds, background)?.program(Arc::clone(&answers)))
        })
    };
    let end = async {
        match stdin_closed {
            None => pending().await,
            // Without a sender it is closed.
            Some(closed) => _ = closed.await,
        }
        info!("stdin was closed");
    };
    serve(prepare, end, |server| {
        ready_file.as_ref().map_or(Ok(()), |file| file.write(server.url()))?;
        if is_public.get() {
            say(format_args!(
                "WARNING: everyone who can reach {} can use this fake, because its tokens are public: use --listen 127.0.0.1:8080, or let only tests reach it; it delivers nothing to this machine unless SURVEYD__DELIVERY__ALLOW has the address",
                server.url()
            ));
        }
        if !changed.is_empty() {
            say(format_args!(
                "WARNING: the answers file changes what the vendor has published: {}",
                changed.join(", ")
            ));
        }
        // Programs that start a fake need none of it.
        if !is_started_by_program {
            let url = server.url();
            say(format_args!(
                "a fake; console {url}/ and documentation {url}/docs; tokens: test-admin (/admin), test-expired (401), test-wrongrole (403), any other test-… sends; test-…@<world> has a world of its own; Ctrl-C ends it"
            ));
            if !is_contract {
                say("it answers as the answers file says; /openapi.json has those answers");
            }
        }
        Ok(())
    })
}

/// Reads an answers file; `-` is standard input.
pub(super) fn read_answers(path: &Path) -> Result<Answers> {
    let text = read_text(path).with_context(|| format!("cannot read the answers file {}", path.display()))?;
    let answers = Answers::parse(&text).map_err(Error::msg);
    answers.with_context(|| format!("the answers file {} has an error", path.display()))
}

/// Refuses a stdin that is not held open, such as the /dev/null of a background job: the fake would end at once.
fn check_stdin() -> Result<()> {
    ensure!(
        is_pipe(&io::stdin())? || io::stdin().is_terminal(),
        "--exit-on-stdin-close needs a stdin that another process holds open: start the fake with a pipe, or without this flag"
    );
    Ok(())
}

/// The receiver is closed when the process that started the fake has ended, and with it the other end of stdin.
fn watch_stdin() -> Result<oneshot::Receiver<()>> {
    check_stdin()?;
    let (closed, is_closed) = oneshot::channel();
    threads::start("stdin", move || {
        // Closed or broken: either way the other process has ended.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        drop(closed);
    })
    .context("cannot watch stdin")?;
    Ok(is_closed)
}

/// A file that exists while the fake can answer.
struct ReadyFile(PathBuf);

#[derive(Serialize)]
struct ReadyContent<'a> {
    url: String,
    pid: u32,
    version: &'a str,
}

impl ReadyFile {
    /// Removes the file of an earlier fake, so that no test reads it as this one's.
    fn new(path: PathBuf) -> Result<Self> {
        ensure!(folder_of(&path).is_dir(), "cannot write the ready file {}: its folder does not exist", path.display());
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot replace the ready file {}", path.display()))
            }
            _ => Ok(Self(path)),
        }
    }

    fn write(&self, url: String) -> Result<()> {
        let ready = ReadyContent { url, pid: process::id(), version: env!("CARGO_PKG_VERSION") };
        let written = serde_json::to_string(&ready).map_err(io::Error::from);
        written
            .and_then(|text| new_file::write_whole(&self.0, 0o666, &format!("{text}\n")))
            .with_context(|| format!("cannot write the ready file {}", self.0.display()))
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        let ours = format!("\"pid\":{},", process::id());
        // A test runner may have removed it already, and a later fake may have written its own.
        if fs::read_to_string(&self.0).is_ok_and(|text| text.contains(&ours)) {
            let _ = fs::remove_file(&self.0);
        }
    }
}
