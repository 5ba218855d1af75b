//! Tenants: whose data a call is about. A server has one; a fake has one for each world.

use std::{any::Any, rc::Rc, sync::Arc};

use super::{attempts::log::AttemptLog, failure::Failure};
use crate::{
    delivery::client::DeliveryClient,
    store::{
        Store,
        tokens::{Credentials, Secret},
    },
};

/// One tenant, as one HTTP worker sees it.
pub(crate) struct Tenant {
    pub(crate) store: Rc<Store>,
    /// Calls the gateways of the tenant's channels.
    pub(crate) client: DeliveryClient,
    pub(crate) attempts: Arc<AttemptLog>,
    /// Keeps the files of the store.
    _owner: Arc<dyn Any>,
}

impl Tenant {
    /// The store's files last as long as their `owner`.
    pub(crate) fn new(
        store: Store,
        client: DeliveryClient,
        attempts: Arc<AttemptLog>,
        owner: Arc<dyn Any>,
    ) -> Rc<Self> {
        Rc::new(Self { store: Rc::new(store), client, attempts, _owner: owner })
    }
}

/// A login, before the store has checked it.
pub(crate) struct LogIn {
    pub(crate) tenant: Rc<Tenant>,
    /// What the login and its password claim.
    pub(crate) credentials: Credentials,
    /// The token that the caller gets if the claim holds.
    pub(crate) token: Secret,
}

/// Finds the tenant of a call: the one thing that differs between the requests of a server and those of a fake.
pub(crate) trait TenantResolver {
    /// The tenant that a token belongs to, and the credentials that its store checks.
    ///
    /// Errors: no token has this form; there is no room for another tenant.
    fn resolve(&self, token: &Secret) -> Result<(Rc<Tenant>, Credentials), Failure>;

    /// The tenant of a login.
    ///
    /// Errors: as for [`TenantResolver::resolve`].
    fn log_in(&self, login: &str, password: &str) -> Result<LogIn, Failure>;

    /// Which tokens there are, for the message of a 401; None where that is a secret.
    fn known_tokens(&self) -> Option<&'static str> {
        None
    }

    /// The tenant that keeps the attempts of calls without a valid token; None where there is no room for it.
    fn anonymous(&self) -> Option<Rc<Tenant>>;
}
