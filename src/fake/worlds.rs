//! The worlds of a fake: each a database of its own, cloned from the seed when a token first names it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    thread::available_parallelism,
};

use actix_web::http::StatusCode;
use anyhow::{Context, Result, anyhow};
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::fake::{SAMPLE_WORLD, faults::Faults, token::WorldName};
use crate::{
    background::BackgroundHandle,
    delivery::{client::DeliveryClient, message},
    http::{attempts::log::AttemptLog, failure::Failure},
    settings::Settings,
    store::{
        Database,
        temp_folder::{private_folder_in, remove_leftovers, write_private},
        transfer::world_file::WorldFile,
    },
    threads,
    unix::raise_file_limit,
};

/// The default of `--max-worlds`.
pub(crate) const DEFAULT_MAX_WORLDS: usize = 1000;

/// How many HTTP workers a fake has. Two at most: each has a connection to each world that it is called in.
pub(crate) fn workers() -> usize {
    available_parallelism().map_or(1, usize::from).min(2)
}

/// The worlds of a fake; a clone shares them.
#[derive(Clone)]
pub(crate) struct Worlds(Arc<Shared>);

struct Shared {
    open: Mutex<BTreeMap<WorldName, Arc<World>>>,
    /// A world from the seed for the first name: it is made next to the rest of the start, for it takes as long.
    spare: Mutex<Option<Arc<World>>>,
    /// Changes when a world is reset or dropped: workers then drop their tenants of it.
    dropped: watch::Sender<()>,
    seed: Arc<Seed>,
    max_worlds: usize,
    queue: usize,
    is_on_loopback: bool,
    client: DeliveryClient,
    background: BackgroundHandle,
    folder: PathBuf,
}

/// One world.
pub(crate) struct World {
    pub(crate) database: Database,
    pub(crate) attempts: Arc<AttemptLog>,
    pub(crate) faults: Faults,
    /// What a reset makes of it.
    seed: Arc<Seed>,
    /// Has its files. Declared after the database, so that they are removed when it is closed.
    _folder: TempDir,
}

impl Worlds {
    /// Worlds in `folder`, each of which begins as the world file says; without one, as the sample.
    ///
    /// Errors: what is wrong in the world file, and where.
    pub(crate) fn new(
        folder: &Path,
        settings: &Settings,
        world: Option<WorldFile>,
        max_worlds: usize,
        background: &BackgroundHandle,
    ) -> Result<Self> {
        let client = settings.delivery.client();
        let seed = match world {
            // Another world file than the sample is checked before the fake is ready.
            Some(world) => Seed::of(&world, &client).context("the world file has an error")?,
            None => Seed::default(),
        };
        // A world takes seven open files. With fewer there can be fewer worlds, and the first that cannot be made says so.
        raise_file_limit(usize::MAX);
        let worlds = Self(Arc::new(Shared {
            open: Mutex::default(),
            spare: Mutex::default(),
            dropped: watch::Sender::new(()),
            seed: Arc::new(seed),
            max_worlds,
            queue: settings.limits.queue,
            is_on_loopback: settings.is_on_loopback(),
            client,
            background: background.clone(),
            folder: folder.to_owned(),
        }));
        let of_thread = worlds.clone();
        // Not waited for. Without a thread for it, the first call makes its world, and the next fake removes what is left over.
        let _ = threads::start("worlds", move || {
            of_thread.make_spare();
            drop(of_thread);
            remove_leftovers();
        });
        Ok(worlds)
    }

    /// Whether only this machine can call.
    pub(crate) fn is_on_loopback(&self) -> bool {
        self.0.is_on_loopback
    }

    pub(crate) fn client(&self) -> DeliveryClient {
        self.0.client.clone()
    }

    /// Changes whenever a world was reset or dropped.
    pub(crate) fn dropped(&self) -> watch::Receiver<()> {
        self.0.dropped.subscribe()
    }

    pub(crate) fn all(&self) -> Vec<Arc<World>> {
        self.0.open.lock().values().cloned().collect()
    }

    /// The names of the worlds, in order.
    pub(crate) fn names(&self) -> Vec<WorldName> {
        self.0.open.lock().keys().cloned().collect()
    }

    /// A world; None if no token has named it.
    pub(crate) fn get(&self, name: &WorldName) -> Option<Arc<World>> {
        self.0.open.lock().get(name).cloned()
    }

    /// Whether `world` is still the world of that name.
    pub(crate) fn is_open(&self, name: &WorldName, world: &Arc<World>) -> bool {
        self.get(name).is_some_and(|current| Arc::ptr_eq(&current, world))
    }

    /// A world; made from the seed if no token has named it before.
    ///
    /// Errors: 429 for too many worlds; 500 where its file cannot be made.
    pub(crate) fn enter(&self, name: &WorldName) -> Result<Arc<World>, Failure> {
        if let Some(world) = self.get(name) {
            return Ok(world);
        }
        self.check_room(&self.0.open.lock())?;
        // Not under the lock: calls in other worlds go on. Of two calls that come together, one makes its world in vain.
        let spare = self.0.spare.lock().take();
        let world = spare.map_or_else(|| self.clone_seed(&self.0.seed), Ok)?;
        let mut open = self.0.open.lock();
        if let Some(world) = open.get(name) {
            return Ok(Arc::clone(world));
        }
        self.check_room(&open)?;
        open.insert(name.clone(), Arc::clone(&world));
        drop(open);
        self.deliver(&world);
        Ok(world)
    }

    /// A call that comes meanwhile waits for it.
    fn make_spare(&self) {
        let mut spare = self.0.spare.lock();
        // If it cannot be made, the first call says why.
        *spare = self.clone_seed(&self.0.seed).ok();
    }

    /// Waits until everything that was submitted in any world is committed and answered.
    pub(crate) fn close(&self) {
        let spare = self.0.spare.lock().take();
        self.all().iter().chain(&spare).for_each(|world| world.database.close());
    }

    fn check_room(&self, open: &BTreeMap<WorldName, Arc<World>>) -> Result<(), Failure> {
        if open.len() < self.0.max_worlds {
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

    /// Resets a world to its seed: rows, sends, attempts, faults and clock. Calls in flight end in the old one.
    pub(crate) fn reset(&self, name: &WorldName) -> Result<(), Failure> {
        let seed = self.get(name).map_or_else(|| Arc::clone(&self.0.seed), |world| Arc::clone(&world.seed));
        self.begin_again(name, &seed)
    }

    /// Gives a world another seed, and resets it.
    pub(crate) fn replace(&self, name: &WorldName, seed: Seed) -> Result<(), Failure> {
        self.begin_again(name, &Arc::new(seed))
    }

    fn begin_again(&self, name: &WorldName, seed: &Arc<Seed>) -> Result<(), Failure> {
        let fresh = self.clone_seed(seed)?;
        self.deliver(&fresh);
        let old = self.0.open.lock().insert(name.clone(), fresh);
        self.close_dropped(old);
        Ok(())
    }

    /// Drops a world. The next token that names it gets the seed of the fake.
    pub(crate) fn drop_world(&self, name: &WorldName) {
        let old = self.0.open.lock().remove(name);
        self.close_dropped(old);
    }

    fn deliver(&self, world: &Arc<World>) {
        self.0.background.deliver(Arc::clone(world), |world| &world.database, self.client());
    }

    fn close_dropped(&self, old: Option<Arc<World>>) {
        if let Some(old) = old {
            old.database.end_waits();
            self.0.dropped.send_replace(());
        }
    }

    fn clone_seed(&self, seed: &Arc<Seed>) -> Result<Arc<World>, Failure> {
        let make = || {
            // A folder for each, so that the files of a world that cannot be made are removed, too.
            let folder = private_folder_in(&self.0.folder).context("cannot make a folder for it")?;
            let path = folder.path().join("world.db");
            write_private(&path, seed.bytes()?)?;
            Ok((Database::open_throw_away(&path, self.0.queue, message::survey_sent)?, folder))
        };
        let (database, folder) = make().map_err(|error| no_room(&error))?;
        let (attempts, faults, seed) = (Arc::default(), Faults::default(), Arc::clone(seed));
        Ok(Arc::new(World { database, attempts, faults, seed, _folder: folder }))
    }
}

/// A fake has nothing to hide: its answer says what is wrong with the machine.
fn no_room(error: &anyhow::Error) -> Failure {
    Failure::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!(
            "The world cannot be made: {error:#}; free some disk, raise `ulimit -n`, or drop worlds with DELETE /admin/world"
        ),
    )
}

/// The database that a world begins as: by default the sample, which is made when it is first needed.
#[derive(Default)]
pub(crate) struct Seed(OnceLock<Result<Vec<u8>, String>>);

impl Seed {
    /// Errors: what is wrong in the world file, and where.
    pub(crate) fn of(world: &WorldFile, client: &DeliveryClient) -> Result<Self> {
        client.check_world(world).map_err(|error| anyhow!("{error}"))?;
        Ok(Self(OnceLock::from(Ok(world.to_database()?))))
    }

    fn bytes(&self) -> Result<&[u8]> {
        let make = || WorldFile::parse(SAMPLE_WORLD)?.to_database();
        let bytes = self.0.get_or_init(|| make().map_err(|error| format!("{error:#}")));
        bytes.as_deref().map_err(|error| anyhow!("the sample has an error: {error}"))
    }
}
