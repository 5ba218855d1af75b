//! The routes that only a fake has. All but the list of worlds are about the caller's world.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest,
    http::{StatusCode, header::HeaderValue},
    web::{Payload, ThinData},
};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::fake::{
    faults::Fault,
    token::{TestToken, WorldName},
    worlds::{Seed, World, Worlds},
};
use crate::{
    http::{
        auth,
        failure::Failure,
        request_body::{self, ADMIN_LIMIT},
        responses::{Empty, Json, Text},
        route_table::{Table, at, delete, get, post, put},
        state::{AppState, State},
    },
    store::{Store, clock::Reading, error::StoreError, transfer::world_file::WorldFile},
    survey::time::{Time, TimeSpan},
    threads,
};

/// How long a clock that is set waits for the deliveries that become due; after that they go on by themselves.
const MAX_WAIT_FOR_TRIES: Duration = Duration::from_mins(1);

/// The largest world file of a call, in bytes: about fifty thousand rows. Larger ones are for `fake --world`.
const WORLD_LIMIT: usize = 8 * 1024 * 1024;

pub(crate) fn table() -> Table {
    let mut table = Table::default();
    let routes = &mut table;
    at(routes, "/admin/reset", [post(reset)]);
    at(routes, "/admin/world", [get(export_world), put(replace_world), delete(drop_world)]);
    at(routes, "/admin/worlds", [get(list_worlds)]);
    at(routes, "/admin/faults", [get(faults), post(add_fault), delete(clear_faults)]);
    at(routes, "/admin/clock", [get(clock), put(set_clock)]);
    table
}

/// Lets in an administrator only. Returns the name of the world that the token names.
async fn admin_world_name(request: &HttpRequest, app: &AppState) -> Result<WorldName, Failure> {
    auth::admin(request, app).await?;
    world_name(request)
}

/// The name of the world that the token names.
fn world_name(request: &HttpRequest) -> Result<WorldName, Failure> {
    Ok(TestToken::parse(&auth::bearer_token(request.headers())?)?.world)
}

async fn admin_world(request: &HttpRequest, app: &AppState, worlds: &Worlds) -> Result<Arc<World>, Failure> {
    worlds.enter(&admin_world_name(request, app).await?)
}

/// `POST /admin/reset`: makes the world as its seed has it, without sends, attempts and faults, and with the system's clock.
async fn reset(
    request: HttpRequest,
    ThinData(app): State,
    ThinData(worlds): ThinData<Worlds>,
) -> Result<Empty, Failure> {
    worlds.reset(&admin_world_name(&request, &app).await?)?;
    Ok(Empty::NO_CONTENT)
}

/// `GET /admin/world`: the rows of the world, as a world file.
async fn export_world(
    request: HttpRequest,
    ThinData(app): State,
    ThinData(worlds): ThinData<Worlds>,
) -> Result<Text, Failure> {
    let world = admin_world(&request, &app, &worlds).await?;
    let export = move || {
        let mut text = Vec::new();
        world.database.reader()?.export(&mut text, false, &|| {})?;
        Ok::<_, anyhow::Error>(String::from_utf8(text)?)
    };
    let exported = threads::run("export", export).await.map_err(StoreError::from)?;
    let text = exported.map_err(|error| StoreError::Internal(format!("{error:#}")))?;
    Ok(Text { content_type: HeaderValue::from_static("application/json"), text })
}

/// `PUT /admin/world`: makes the world as a world file says, all of it or nothing, without sends, attempts and faults. A reset
/// makes it so again.
async fn replace_world(
    request: HttpRequest,
    payload: Payload,
    ThinData(app): State,
    ThinData(worlds): ThinData<Worlds>,
) -> Result<Empty, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let body = request_body::read(&request, payload, WORLD_LIMIT, &app).await?;
    let client = worlds.client();
    let seed = move || Seed::of(&WorldFile::parse(body.text())?, &client);
    let seed = threads::run("world", seed).await.map_err(StoreError::from)?;
    let seed = seed.map_err(|error| Failure::bad_request(format!("{error:#}")))?;
    // Again, after the body, as for the clock.
    admin.store().check().await?;
    worlds.replace(&world_name(&request)?, seed)?;
    Ok(Empty::NO_CONTENT)
}

/// `DELETE /admin/world`: makes room for another world. The next token that names it gets the seed of the fake.
async fn drop_world(
    request: HttpRequest,
    ThinData(app): State,
    ThinData(worlds): ThinData<Worlds>,
) -> Result<Empty, Failure> {
    worlds.drop_world(&admin_world_name(&request, &app).await?);
    Ok(Empty::NO_CONTENT)
}

/// A world, and a token of its administrator.
#[derive(Serialize)]
struct Listed {
    name: WorldName,
    admin: String,
}

/// `GET /admin/worlds`: the worlds that tokens have named, the caller's among them.
async fn list_worlds(
    request: HttpRequest,
    ThinData(app): State,
    ThinData(worlds): ThinData<Worlds>,
) -> Result<Json<Vec<Listed>>, Failure> {
    admin_world_name(&request, &app).await?;
    let listed = |name: WorldName| Listed { admin: format!("test-admin{}", name.suffix()), name };
    Ok(Json::ok(worlds.names().into_iter().map(listed).collect()))
}

async fn faults(
    request: HttpRequest,
    ThinData(app): State,
    ThinData(worlds): ThinData<Worlds>,
) -> Result<Json<Vec<Fault>>, Failure> {
    Ok(Json::ok(admin_world(&request, &app, &worlds).await?.faults.list()))
}

async fn add_fault(
    request: HttpRequest,
    payload: Payload,
    ThinData(app): State,
    ThinData(worlds): ThinData<Worlds>,
) -> Result<Json<Fault>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let fault = request_body::read(&request, payload, ADMIN_LIMIT, &app).await?.parse::<Fault>()?;
    // Again, after the body, as for the clock.
    admin.store().check().await?;
    let world = worlds.enter(&world_name(&request)?)?;
    Ok(Json { status: StatusCode::CREATED, value: world.faults.add(fault)? })
}

async fn clear_faults(
    request: HttpRequest,
    ThinData(app): State,
    ThinData(worlds): ThinData<Worlds>,
) -> Result<Empty, Failure> {
    admin_world(&request, &app, &worlds).await?.faults.clear();
    Ok(Empty::NO_CONTENT)
}

/// How a clock is set: exactly one of the fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockSetting {
    now: Option<Time>,
    advance: Option<TimeSpan>,
    real: Option<bool>,
}

async fn clock(
    request: HttpRequest,
    ThinData(app): State,
    ThinData(worlds): ThinData<Worlds>,
) -> Result<Json<Reading>, Failure> {
    Ok(Json::ok(admin_world(&request, &app, &worlds).await?.database.clock().read()))
}

/// `PUT /admin/clock`: stops the world's clock at a time, puts it forward, or lets it follow the system's again.
async fn set_clock(request: HttpRequest, payload: Payload, ThinData(app): State) -> Result<Json<Reading>, Failure> {
    let admin = auth::admin(&request, &app).await?;
    let setting = request_body::read(&request, payload, ADMIN_LIMIT, &app).await?.parse::<ClockSetting>()?;
    // Again, after the body: the clock is not in the file, where a change authenticates by itself.
    admin.store().check().await?;
    let store = admin.store().unauthorized();
    let clock = store.clock();
    match setting {
        ClockSetting { now: Some(time), advance: None, real: None } => {
            clock.stop_before(time).map_err(|own| {
                Failure::bad_request(format!(
                    "now: must not be before {own}, the time of this world; {{\"real\":true}} and POST /admin/reset lead back"
                ))
            })?;
            put_forward(store, time).await?;
        }
        ClockSetting { now: None, advance: Some(by), real: None } => {
            let time = by.end(clock.now());
            let time = time.ok_or_else(|| Failure::bad_request("advance: must end before the year 10000"))?;
            put_forward(store, time).await?;
        }
        ClockSetting { now: None, advance: None, real: Some(true) } => {
            clock.follow_system();
            store.clock_was_set();
        }
        ClockSetting { now: None, advance: None, real: Some(false) } => {
            return Err(Failure::bad_request("real: must be true; now and advance set another time"));
        }
        _ => {
            return Err(Failure::bad_request(
                "A clock takes one of now (a time), advance (a duration such as PT2H) and real (true)",
            ));
        }
    }
    Ok(Json::ok(clock.read()))
}

/// Puts the clock forward to a time, and stops on the way wherever a delivery is due. When this resolves, each try that falls
/// into that time has been made, at its own time.
async fn put_forward(store: &Store, to: Time) -> Result<(), Failure> {
    let clock = store.clock();
    let all_tried = async {
        while let Some(due) = store.wait_until_none_due().await?.filter(|due| *due <= to && clock.now() < to) {
            clock.forward_to(due);
            store.clock_was_set();
        }
        Ok::<_, StoreError>(())
    };
    let in_time = timeout(MAX_WAIT_FOR_TRIES, all_tried).await;
    clock.forward_to(to);
    store.clock_was_set();
    in_time.unwrap_or(Ok(()))?;
    Ok(())
}
