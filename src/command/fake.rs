//! `surveyd fake`: the server on a throw-away database, with ready-made tokens and a world to start with.

use std::{net::SocketAddr, path::Path};

use anyhow::{Context, Result};
use tempfile::Builder;

use super::{
    apply::read_world,
    say,
    serve::{serve, start_log},
};
use crate::{
    http::auth::TestTokens,
    settings::{Flags, Settings},
    store::{Missing, open, world_file::WorldFile},
};

/// Every rule has a client that shows it.
const SAMPLE_WORLD: &str = include_str!("sample-world.json");

pub(super) fn run(listen: Option<SocketAddr>, world: Option<&Path>) -> Result<()> {
    let world = match world {
        Some(path) => read_world(path)?,
        None => WorldFile::parse(SAMPLE_WORLD)?,
    };
    // Removed when it goes out of scope, which every way out of this function does, a signal's too.
    let mut folder = None;
    let prepare = || {
        let made =
            Builder::new().prefix("surveyd-fake-").tempdir().context("cannot make a temporary folder; set TMPDIR")?;
        let database = folder.insert(made).path().join("fake.db");
        let settings = Settings::for_fake(Flags { listen, database: Some(database), ..Flags::default() })?;
        start_log(settings.log);
        world.apply(&mut open(&settings.database, Missing::Create)?, &|| {})?;
        Ok(settings)
    };
    serve(prepare, TestTokens::Accepted, |_| {
        say(
            "a fake; tokens: test-admin (/admin), test-expired (401), test-wrongrole (403), any other test-… sends; Ctrl-C ends it",
        );
    })
}
