//! The fake for tests in Rust: it runs in the test's own process and stops when it is dropped.

use std::{
    net::SocketAddr,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use actix_web::rt::System;
use anyhow::{Context, Result, anyhow};
use tokio::sync::oneshot;

use crate::fake::{
    temp_folder::{Folder, remove_leftovers},
    token::WorldName,
    worlds::{self, MOST_WORLDS, Worlds},
};
use crate::{
    server::App,
    settings::{Flags, Settings},
    store::transfer::world_file::WorldFile,
    survey::model::SentSurvey,
};

/// A fake of the Chat Center that runs beside a test.
///
/// ```
/// let fake = surveyd::Fake::start()?;
/// let url = format!("{}/api/v1/quality/send", fake.url());
/// // … what is tested calls this address with fake.token("alice@w1"), and then:
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
    _folder: Folder,
}

/// How a fake is to start.
pub struct Builder {
    world: Option<String>,
    listen: SocketAddr,
}

impl Fake {
    /// Starts one with the sample world, on a free port of the loopback interface.
    ///
    /// Errors: as for [`Builder::start`].
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// Starts one in another way.
    pub fn builder() -> Builder {
        Builder { world: None, listen: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }

    /// Where it answers, such as `http://127.0.0.1:41235`.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// The token of a user (`alice`), or of a user in a world of their own (`alice@w1`); `admin` is an ADMIN.
    pub fn token(&self, user: &str) -> String {
        format!("test-{user}")
    }

    /// What was sent in the world of tokens that name none, the oldest first.
    ///
    /// Errors: the world's file cannot be read.
    pub fn sends(&self) -> Result<Vec<SentSurvey>> {
        self.sends_in(&WorldName::default())
    }

    /// What was sent in that world, the oldest first; nothing where nobody has been there.
    ///
    /// Errors: it can be no world's name; the world's file cannot be read.
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
    /// With a world file instead of the sample; text, or a `serde_json::Value`.
    #[must_use]
    pub fn world(self, json: impl ToString) -> Self {
        Self { world: Some(json.to_string()), ..self }
    }

    /// On that address, instead of a free port of the loopback interface.
    #[must_use]
    pub fn listen(self, address: SocketAddr) -> Self {
        Self { listen: address, ..self }
    }

    /// Starts it; it answers when this returns.
    ///
    /// Errors: the place of what is wrong in the world file; an address that cannot be had.
    pub fn start(self) -> Result<Fake> {
        let world =
            self.world.map(|text| WorldFile::parse(&text)).transpose().context("the world file has an error")?;
        let settings = Settings::for_fake(Flags { listen: Some(self.listen), ..Flags::default() })?;
        let folder = Folder::new()?;
        let worlds = Worlds::new(&folder, &settings, world, MOST_WORLDS)?;
        let doors = worlds.clone();
        let (ready, started) = mpsc::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let run = move || {
            System::new().block_on(async move {
                let app = App::build(&settings, worlds::workers(), || Ok(doors))?;
                let stopped = async {
                    // A fake that is gone asks for nothing more, either.
                    let _ = stopped.await;
                };
                // Whoever started it waits for this.
                app.run_until(|app| Ok(ready.send(app.url())?), stopped).await
            })
        };
        let thread = thread::Builder::new().name("surveyd-fake".to_owned()).spawn(run)?;
        // Nobody waits for it.
        thread::spawn(remove_leftovers);
        match started.recv() {
            Ok(url) => Ok(Fake { url, worlds, stop: Some(stop), thread: Some(thread), _folder: folder }),
            Err(_) => Err(thread.join().map_or_else(
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
            // What it ended with is nobody's business any more.
            let _ = thread.join();
        }
    }
}
