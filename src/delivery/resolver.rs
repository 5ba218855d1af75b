//! Resolving the name of a server, with a time limit.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{NextTimeout, time},
    },
};

use crate::threads;

/// The default resolver on a thread of its own, because the system's call has no time limit. ureq does the same, but panics if
/// there is no thread.
#[derive(Debug, Default)]
pub(crate) struct ThreadResolver;

impl Resolver for ThreadResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let (sender, resolved) = sync_channel(1);
        let (uri, config) = (uri.clone(), config.clone());
        let no_limit = NextTimeout { after: time::Duration::NotHappening, ..timeout };
        let resolve = move || {
            // The caller may not wait any more.
            let _ = sender.send(DefaultResolver::default().resolve(&uri, &config, no_limit));
        };
        threads::start("resolver", resolve).map_err(|error| Error::Other(Box::new(error)))?;
        resolved.recv_timeout(*timeout.after).unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => Err(Error::Timeout(timeout.reason)),
            RecvTimeoutError::Disconnected => Err(Error::HostNotFound),
        })
    }
}
