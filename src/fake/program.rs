//! The doors of a fake: a tenant for each world, which the token of a request names.

use std::{any::Any, cell::RefCell, collections::HashMap, rc::Rc, sync::Arc};

use actix_web::{
    Error,
    body::BoxBody,
    dev::{Extensions, ServiceRequest, ServiceResponse},
    middleware::Next,
    rt::net::TcpStream,
    web::{ServiceConfig, ThinData},
};

use crate::fake::{
    disconnect, middleware, routes,
    token::{Login, TestToken, WorldName},
    worlds::{World, Worlds},
};
use crate::{
    http::{
        failure::Failure,
        middleware::throttle::Throttles,
        tenant::{ConsoleInfo, Doors, LogIn, Tenant, TenantResolver},
    },
    store::tokens::{Credentials, Secret},
};

/// How long a token from a login is good, in milliseconds: a day. Chosen; the vendor publishes no lifetime.
const LOGIN_LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;

impl Doors for Worlds {
    fn tenants(&self, _worker: usize) -> Box<dyn TenantResolver> {
        let tenants = WorkerTenants { worlds: self.clone(), entered: Rc::default() };
        let (entered, worlds, mut gone) = (Rc::clone(&tenants.entered), self.clone(), self.changes());
        tokio::task::spawn_local(async move {
            while gone.changed().await.is_ok() {
                entered.borrow_mut().retain(|name, (world, _)| worlds.is_open(name, world));
            }
        });
        Box::new(tenants)
    }

    fn routes(&self, routes: &mut ServiceConfig) {
        routes.app_data(ThinData(self.clone()));
        routes::table().register(routes);
    }

    fn connected(connection: &TcpStream, remembered: &mut Extensions) {
        disconnect::remember(connection, remembered);
    }

    async fn around(request: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse<BoxBody>, Error> {
        middleware::around(request, next).await
    }

    fn end_waits(&self) {
        self.all().iter().for_each(|world| world.database.end_waits());
    }

    fn close(&self) {
        self.all().iter().for_each(|world| world.database.close());
    }
}

/// What one HTTP worker has of each world that it was called in.
type WorkerWorlds = HashMap<WorldName, (Arc<World>, Rc<Tenant>)>;

/// The worlds as one HTTP worker sees them.
struct WorkerTenants {
    worlds: Worlds,
    entered: Rc<RefCell<WorkerWorlds>>,
}

impl WorkerTenants {
    fn tenant(&self, name: &WorldName) -> Result<Rc<Tenant>, Failure> {
        let world = self.worlds.enter(name)?;
        if let Some((entered, tenant)) = self.entered.borrow().get(name)
            && Arc::ptr_eq(entered, &world)
        {
            return Ok(Rc::clone(tenant));
        }
        let store = world.database.store();
        let (client, attempts) = (self.worlds.client(), Arc::clone(&world.attempts));
        let tenant = Tenant::new(store, client, attempts, Arc::clone(&world) as Arc<dyn Any>);
        tenant.deliver(&world.database);
        self.entered.borrow_mut().insert(name.clone(), (world, Rc::clone(&tenant)));
        Ok(tenant)
    }
}

impl TenantResolver for WorkerTenants {
    fn resolve(&self, token: Secret) -> Result<(Rc<Tenant>, Credentials), Failure> {
        let TestToken { credentials, world } = TestToken::parse(&token)?;
        Ok((self.tenant(&world)?, credentials))
    }

    /// Anybody may, whatever the password.
    fn log_in(&self, login: &str, _password: &str) -> Result<LogIn, Failure> {
        let login = Login::parse(login)?;
        let tenant = self.tenant(&login.world)?;
        let now = tenant.store.now();
        let token = login.token(now.plus(LOGIN_LIFETIME_MS).unwrap_or(now));
        let TestToken { credentials, .. } = TestToken::parse(&token)?;
        Ok(LogIn { tenant, credentials, token })
    }

    fn anonymous(&self) -> Option<Rc<Tenant>> {
        self.tenant(&WorldName::default()).ok()
    }

    fn console_info(&self) -> ConsoleInfo {
        ConsoleInfo { fake: true, token: self.worlds.is_on_loopback().then_some("test-admin") }
    }

    fn throttles(&self) -> Option<&Throttles> {
        None
    }
}
