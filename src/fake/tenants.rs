//! The tenants of a fake: one for each world, which the token of a request names.

use std::{any::Any, cell::RefCell, collections::HashMap, rc::Rc, sync::Arc};

use tokio::task::spawn_local;

use super::{
    token::{Login, TestToken, WorldName},
    worlds::{World, Worlds},
};
use crate::{
    answers::FAKE_TOKENS,
    http::{
        failure::Failure,
        tenant::{LogIn, Tenant, TenantResolver},
    },
    store::{
        self,
        tokens::{Credentials, Secret},
    },
};

/// How long a token from a login is valid, in milliseconds: a day. Chosen; the vendor publishes no lifetime.
const LOGIN_LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;

/// The worlds as one HTTP worker sees them: a tenant for each that it was called in.
#[derive(Clone)]
pub(super) struct WorkerTenants(Rc<Entered>);

struct Entered {
    worlds: Worlds,
    tenants: RefCell<TenantsByWorld>,
}

type TenantsByWorld = HashMap<WorldName, (Arc<World>, Rc<Tenant>)>;

impl WorkerTenants {
    /// To be called on the worker's own thread, inside its `LocalSet`.
    pub(super) fn new(worlds: Worlds) -> Self {
        let mut dropped = worlds.dropped();
        let this = Self(Rc::new(Entered { worlds, tenants: RefCell::default() }));
        let entered = Rc::clone(&this.0);
        spawn_local(async move {
            while dropped.changed().await.is_ok() {
                entered.tenants.borrow_mut().retain(|name, (world, _)| entered.worlds.is_open(name, world));
            }
        });
        this
    }

    pub(super) fn worlds(&self) -> &Worlds {
        &self.0.worlds
    }

    /// The tenant of a world, which is made if no token has named it.
    ///
    /// Errors: those of [`Worlds::enter`].
    pub(super) fn tenant(&self, name: &WorldName) -> Result<Rc<Tenant>, Failure> {
        let Entered { worlds, tenants } = &*self.0;
        let world = worlds.enter(name)?;
        if let Some((entered, tenant)) = tenants.borrow().get(name)
            && Arc::ptr_eq(entered, &world)
        {
            return Ok(Rc::clone(tenant));
        }
        let owner = Arc::clone(&world) as Arc<dyn Any>;
        let tenant = Tenant::new(world.database.store(), worlds.client(), Arc::clone(&world.attempts), owner);
        tenants.borrow_mut().insert(name.clone(), (world, Rc::clone(&tenant)));
        Ok(tenant)
    }
}

impl TenantResolver for WorkerTenants {
    fn resolve(&self, token: &Secret) -> Result<(Rc<Tenant>, Credentials), Failure> {
        let TestToken { credentials, world } = TestToken::parse(token)?;
        Ok((self.tenant(&world)?, credentials))
    }

    /// Every login is right, whatever the password.
    fn log_in(&self, login: &str, _password: &str) -> Result<LogIn, Failure> {
        let login = Login::parse(login)?;
        // A login needs no token, so it makes no world: the first call with the token does.
        let is_open = self.worlds().get(&login.world).is_some();
        let tenant = self.tenant(&if is_open { login.world.clone() } else { WorldName::default() })?;
        // A world that is made later follows the system's clock.
        let now = if is_open { tenant.store.now() } else { tenant.store.now().max(store::now()) };
        let token = login.token(now.plus(LOGIN_LIFETIME_MS).unwrap_or(now));
        let TestToken { credentials, .. } = TestToken::parse(&token)?;
        Ok(LogIn { tenant, credentials, token })
    }

    fn known_tokens(&self) -> Option<&'static str> {
        Some(FAKE_TOKENS)
    }

    fn anonymous(&self) -> Option<Rc<Tenant>> {
        self.tenant(&WorldName::default()).ok()
    }
}
