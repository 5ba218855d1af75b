//! The worlds of a fake: each a database of its own, cloned from the seed when a token first names it.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    sync::{Arc, OnceLock},
    thread::available_parallelism,
};

use actix_web::http::StatusCode;
use anyhow::{Context, Result, anyhow};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::fake::{SAMPLE_WORLD, faults::Faults, temp_folder::Folder, token::WorldName};
use crate::{
    delivery::client::DeliveryClient,
    file_limit,
    http::{attempts::log::AttemptLog, failure::Failure},
    settings::Settings,
    store::{Database, transfer::world_file::WorldFile},
};

/// How many worlds a fake has at the most, where it is not told.
pub(crate) const MOST_WORLDS: usize = 1000;

/// How many HTTP workers a fake has: two at the most, for each has a connection to each world that it is called in.
pub(crate) fn workers() -> usize {
    available_parallelism().map_or(1, usize::from).min(2)
}

/// The worlds of a fake; its doors are in [`crate::fake::program`].
#[derive(Clone)]
pub(crate) struct Worlds(Arc<Shared>);

struct Shared {
    open: Mutex<BTreeMap<WorldName, Arc<World>>>,
    /// Raised when a world is put back or dropped: workers then let go of it.
    gone: watch::Sender<()>,
    seed: Seed,
    most: usize,
    queue: usize,
    is_on_loopback: bool,
    client: DeliveryClient,
    folder: PathBuf,
}

/// One world.
pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) attempts: Arc<AttemptLog>,
    pub(crate) faults: Faults,
    /// Where its files are. Behind the world, so that they are removed when it is closed.
    _folder: TempDir,
}

impl Worlds {
    /// At most so many worlds in that folder, each of which begins as the world file says; without one, as the sample.
    ///
    /// Errors: what is wrong in the world file, and its place.
    pub(crate) fn new(folder: &Folder, settings: &Settings, world: Option<WorldFile>, most: usize) -> Result<Self> {
        let seed = Seed::new(world);
        if let Some(world) = &seed.world {
            // The sample is known to be good; another is checked before anybody is told that the fake is ready.
            settings
                .delivery
                .client()
                .check_world(world)
                .map_err(|error| anyhow!("the world file has an error: {error}"))?;
            seed.bytes()?;
        }
        // A world takes seven open files. With fewer there can be fewer worlds, and the first that cannot be made says so.
        file_limit::raise(usize::MAX);
        Ok(Self(Arc::new(Shared {
            open: Mutex::default(),
            gone: watch::Sender::new(()),
            seed,
            most,
            queue: settings.limits.queue,
            is_on_loopback: settings.listen.ip().is_loopback(),
            client: settings.delivery.client(),
            folder: folder.path().to_owned(),
        })))
    }

    /// Whether nobody but this machine can call.
    pub(crate) fn is_on_loopback(&self) -> bool {
        self.0.is_on_loopback
    }

    /// Who calls the gateways of channels.
    pub(crate) fn client(&self) -> DeliveryClient {
        self.0.client.clone()
    }

    /// Tells whenever worlds were put back or dropped.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.0.gone.subscribe()
    }

    /// Every world that there is.
    pub(crate) fn all(&self) -> Vec<Arc<World>> {
        self.0.open.lock().values().cloned().collect()
    }

    /// Their names, in order.
    pub(crate) fn names(&self) -> Vec<WorldName> {
        self.0.open.lock().keys().cloned().collect()
    }

    /// A world, if anybody has been there.
    pub(crate) fn get(&self, name: &WorldName) -> Option<Arc<World>> {
        self.0.open.lock().get(name).cloned()
    }

    /// Whether this is the world that goes by that name now.
    pub(crate) fn is_open(&self, name: &WorldName, world: &Arc<World>) -> bool {
        self.get(name).is_some_and(|current| Arc::ptr_eq(&current, world))
    }

    /// A world, as the seed has it where nobody has been there yet.
    ///
    /// Errors: 429 where there are as many as there may be; 500 where no file can be made.
    pub(crate) fn enter(&self, name: &WorldName) -> Result<Arc<World>, Failure> {
        if let Some(world) = self.get(name) {
            return Ok(world);
        }
        self.check_room(&self.0.open.lock())?;
        // Not under the lock: calls in other worlds go on. Of two that come together, one has made its world in vain.
        let world = self.clone_seed()?;
        let mut open = self.0.open.lock();
        if let Some(world) = open.get(name) {
            return Ok(Arc::clone(world));
        }
        self.check_room(&open)?;
        open.insert(name.clone(), Arc::clone(&world));
        Ok(world)
    }

    fn check_room(&self, open: &BTreeMap<WorldName, Arc<World>>) -> Result<(), Failure> {
        if open.len() < self.0.most {
            return Ok(());
        }
        Err(Failure::new(
            StatusCode::TOO_MANY_REQUESTS,
            format!(
                "There are {} worlds, which is the limit; drop one with DELETE /admin/world and its test-admin, or start the fake with more --max-worlds",
                open.len()
            ),
        ))
    }

    /// Puts a world back to the seed: rows, sends, attempts, faults and clock. What is in flight there ends there.
    pub(crate) fn reset(&self, name: &WorldName) -> Result<(), Failure> {
        let fresh = self.clone_seed()?;
        let old = self.0.open.lock().insert(name.clone(), fresh);
        self.close_dropped(old);
        Ok(())
    }

    /// Drops a world; who names it again meets the seed.
    pub(crate) fn drop_world(&self, name: &WorldName) {
        let old = self.0.open.lock().remove(name);
        self.close_dropped(old);
    }

    fn close_dropped(&self, old: Option<Arc<World>>) {
        if let Some(old) = old {
            old.database.end_waits();
            self.0.gone.send_replace(());
        }
    }

    fn clone_seed(&self) -> Result<Arc<World>, Failure> {
        let make = || {
            // A folder for each, so that what there is of a world that cannot be made goes, too.
            let folder = TempDir::new_in(&self.0.folder).context("cannot make a folder for it")?;
            let path = folder.path().join("world.db");
            fs::write(&path, self.0.seed.bytes()?).with_context(|| format!("cannot write {}", path.display()))?;
            Ok((Database::open_throw_away(&path, self.0.queue)?, folder))
        };
        let (database, folder) = make().map_err(|error| no_room(&error))?;
        Ok(Arc::new(World { database, attempts: Arc::default(), faults: Faults::default(), _folder: folder }))
    }
}

/// A fake has nothing to hide: its caller is told what is wrong with the machine.
pub(crate) fn no_room(error: &anyhow::Error) -> Failure {
    Failure::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!(
            "The world cannot be made: {error:#}; free some disk, raise `ulimit -n`, or drop worlds with DELETE /admin/world"
        ),
    )
}

/// The database that each world begins as, made when it is first needed: that takes as long as the rest of the start.
struct Seed {
    world: Option<WorldFile>,
    bytes: OnceLock<Result<Vec<u8>, String>>,
}

impl Seed {
    /// Of a world file; without one, of the sample.
    fn new(world: Option<WorldFile>) -> Self {
        Self { world, bytes: OnceLock::new() }
    }

    fn bytes(&self) -> Result<&[u8]> {
        let make = || match &self.world {
            Some(world) => world.to_database(),
            None => WorldFile::parse(SAMPLE_WORLD)?.to_database(),
        };
        let bytes = self.bytes.get_or_init(|| make().map_err(|error| format!("{error:#}")));
        bytes.as_deref().map_err(|error| anyhow!("the world file has an error: {error}"))
    }
}
