//! The fake for tests in Rust: it runs in the test's own process and stops when it is dropped.

use std::{
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use actix_web::rt::System;
use anyhow::{Context, Result, anyhow};
use tokio::sync::oneshot;

use crate::fake::{
    token::WorldName,
    worlds::{self, DEFAULT_MAX_WORLDS, Worlds},
};
use crate::{
    answers::Answers,
    server::{Server, StopStep},
    settings::{Flags, Settings},
    store::{
        temp_folder::{Purpose, TempFolder},
        transfer::world_file::WorldFile,
    },
    survey::model::SentSurvey,
};

/// A fake of the Chat Center, inside a test.
///
/// ```
/// let fake = surveyd::Fake::start()?;
/// let url = format!("{}/api/v1/quality/send", fake.url());
/// // … the code under test calls this address with fake.token("alice@w1"), and then:
/// assert_eq!(fake.sends_of("w1")?, []);
/// # let _ = url;
/// # Ok::<(), anyhow::Error>(())
/// ```
pub struct Fake {
    url: String,
    worlds: Worlds,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
    /// Removed when the thread has ended.
    _folder: TempFolder,
}

/// Options of a fake.
pub struct Builder {
    world: Option<String>,
    answers: Option<String>,
    listen: SocketAddr,
}

impl Fake {
    /// Starts a fake with the sample world, on a free port of the loopback interface.
    ///
    /// Errors: as for [`Builder::start`].
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// Starts a fake with other options.
    pub fn builder() -> Builder {
        Builder { world: None, answers: None, listen: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }

    /// Its address, such as `http://127.0.0.1:41235`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The token of a user (`alice`), or of a user in a world of its own (`alice@w1`). The user `admin` has role ADMIN.
    pub fn token(&self, user: &str) -> String {
        format!("test-{user}")
    }

    /// The sends in the default world, the oldest first.
    ///
    /// Errors: the world's file cannot be read.
    pub fn sends(&self) -> Result<Vec<SentSurvey>> {
        self.sends_in(&WorldName::default())
    }

    /// The sends in a world, the oldest first; none in a world that no token has named.
    ///
    /// Errors: the name is not one of a world; the world's file cannot be read.
    pub fn sends_of(&self, world: &str) -> Result<Vec<SentSurvey>> {
        let name = WorldName::new(world);
        self.sends_in(&name.with_context(|| format!("{world:?} must be {}", WorldName::EXPECTED))?)
    }

    fn sends_in(&self, name: &WorldName) -> Result<Vec<SentSurvey>> {
        let Some(world) = self.worlds.get(name) else { return Ok(Vec::new()) };
        world.database.reader()?.sends()
    }
}

impl Builder {
    /// Starts with this world file instead of the sample: text, or a `serde_json::Value`.
    #[must_use]
    pub fn world(self, json: impl ToString) -> Self {
        Self { world: Some(json.to_string()), ..self }
    }

    /// Answers as this answers file says, which `surveyd verify --save` writes: text, or a `serde_json::Value`.
    #[must_use]
    pub fn answers(self, json: impl ToString) -> Self {
        Self { answers: Some(json.to_string()), ..self }
    }

    /// Listens on this address instead of a free port of the loopback interface.
    #[must_use]
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { listen: address, ..self }
    }

    /// Starts the fake; it answers when this returns.
    ///
    /// Errors: what is wrong in the world file or the answers file, and where; the address cannot be taken.
    pub fn start(self) -> Result<Fake> {
        let world =
            self.world.map(|text| WorldFile::parse(&text)).transpose().context("the world file has an error")?;
        let answers = self.answers.map(|text| Answers::parse(&text)).transpose();
        let answers = answers.map_err(|error| anyhow!("the answers file has an error: {error}"))?.unwrap_or_default();
        let answers = Arc::new(answers);
        let thread_check = Server::check_threads(worlds::workers())?;
        let settings = Settings::for_fake(Flags { listen: Some(self.listen), ..Flags::default() })?;
        let folder = TempFolder::new(Purpose::Fake)?;
        let (ready, started) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let path = folder.path().to_owned();
        let run = move || {
            System::new().block_on(async move {
                let mut worlds = None;
                let server = Server::build(&settings, worlds::workers(), thread_check, |background| {
                    let made = Worlds::new(&path, &settings, world, DEFAULT_MAX_WORLDS, background)?;
                    Ok(worlds.insert(made).program(answers))
                })?;
                let stopped = async {
                    // Stopped, or dropped.
                    let _ = stopped.await;
                };
                // The starting thread waits for this.
                server.run_until(&StopStep::default(), |server| Ok(ready.send((server.url(), worlds))?), stopped).await
            })
        };
        let thread = thread::Builder::new().name("surveyd-fake".to_owned()).spawn(run)?;
        match started.recv() {
            Ok((url, Some(worlds))) => {
                Ok(Fake { url, worlds, stop: Some(stop), thread: Some(thread), _folder: folder })
            }
            _ => Err(thread.join().map_or_else(
                |_| anyhow!("the fake panicked"),
                |ended| ended.err().unwrap_or_else(|| anyhow!("the fake ended at once")),
            )),
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // Nobody can act on its error any more.
            let _ = thread.join();
        }
    }
}
